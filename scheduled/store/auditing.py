"""What an audit reads: the ledger in the order of due instants, and the events that say what was due."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, select

from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import events, given, occurrences, schedules

_o, _s, _e = occurrences.c, schedules.c, events.c
PAGE = 5000
BEGINNING = datetime(1, 1, 2, tzinfo=UTC)

SCHEDULES = Statement(
    select(_s.id, _s.ledger_from, _s.next_run_at, _s.definition, _s.enabled).order_by(_s.id)
)
EVENTS = Statement(
    select(_e.event, _e.at, _e.data).where(_e.schedule_id == given(_e.schedule_id)).order_by(_e.id)
)
LEDGER = Statement(
    select(_o.id, _o.due_at, _o.due_until, _o.due_count, _o.status)
    .where(
        _o.schedule_id == given(_o.schedule_id),
        _o.due_at > given(_o.due_at, "after"),
        _o.unique_key.is_not(None),
    )
    .order_by(_o.due_at)
    .limit(bindparam("page", type_=_s.run_count.type))
)


def ledger(held: Held, schedule_id: str, end: datetime) -> Iterator[Any]:
    """The schedule's rows for due instants before `end`, page by page, so that no query is long."""
    after = BEGINNING
    while page := held.rows(LEDGER, the_schedule_id=schedule_id, after=after, page=PAGE):
        for row in page:
            if row.due_at >= end:
                return
            yield row
        after = page[-1].due_at
