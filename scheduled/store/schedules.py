"""The rows of schedules as they are defined, switched and asked for; and the events that tell of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from scheduled.running.tail import clean
from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import (
    all_given,
    any_of,
    beside,
    events,
    given,
    inserted,
    occurrences,
    schedules,
    spelled,
)
from scheduled.words import REQUESTS, Status

_s, _o = schedules.c, occurrences.c

ONE = Statement(select(*_s).where(_s.id == given(_s.id)))
# Who reads in order to write holds the rows, or on a server somebody may claim the schedule in between.
ALL_TO_CHANGE = Statement(select(*_s).order_by(_s.id).with_for_update())
ONE_TO_CHANGE = Statement(select(*_s).where(_s.id == given(_s.id)).with_for_update())
IDS = Statement(select(_s.id).order_by(_s.id))
ADD = Statement(
    inserted(
        schedules,
        *(
            "id",
            "source",
            "definition",
            "definition_hash",
            "enabled",
            "orphaned",
            "ledger_from",
            "next_run_at",
        ),
        *("run_count", "failure_count", "skipped_count", "consecutive_failures", "created_at", "updated_at"),
    )
)
DEFINE = Statement(
    update(schedules)
    .where(_s.id == given(_s.id))
    .values(
        all_given(
            schedules, "definition", "definition_hash", "orphaned", "enabled", "next_run_at", "updated_at"
        )
    )
)
ADD_EVENT = Statement(inserted(events, "schedule_id", "at", "event", "actor", "reason", "data"))
OWED = Statement(
    select(_o.id, _o.trigger, _o.reason).where(
        beside(_o.schedule_id) == given(_o.schedule_id), _o.status == spelled(Status.QUEUED)
    )
)
SAME_REQUEST = Statement(
    select(_o.id, _o.jobs, _o.params, _o.rerun_of, _o.trigger, _o.due_at, _o.requested_at).where(
        beside(_o.schedule_id) == given(_o.schedule_id),
        _o.status == spelled(Status.QUEUED),
        any_of(_o.trigger, REQUESTS),
    )
)
OCCURRENCE = Statement(select(*_o).where(_o.id == given(_o.id)))
OCCURRENCE_TO_CHANGE = Statement(select(*_o).where(_o.id == given(_o.id)).with_for_update())
CANCEL_RUNNING = Statement(
    update(occurrences)
    .where(_o.id == given(_o.id), _o.status == Status.RUNNING, _o.cancel_requested_at.is_(None))
    .values(all_given(occurrences, "cancel_requested_at", "cancel_requested_by"))
)
CANCEL_REQUESTED = Statement(
    select(_o.cancel_requested_at, _o.cancel_requested_by).where(
        _o.id == given(_o.id), _o.cancel_requested_at.is_not(None)
    )
)
FUTURE_SKIPPED = Statement(
    select(_o.id, _o.due_at, _o.due_until, _o.due_count).where(
        _o.schedule_id == given(_o.schedule_id),
        _o.due_until >= given(_o.due_until, "moment"),
        _o.status == Status.SKIPPED,
        _o.unique_key.is_not(None),
        _o.started_at.is_(None),
    )
)
SHORTEN = Statement(
    update(occurrences).where(_o.id == given(_o.id)).values(all_given(occurrences, "due_until", "due_count"))
)
WITHDRAW = Statement(delete(occurrences).where(_o.id == given(_o.id)))


def add_event(
    held: Held,
    schedule_id: str,
    event: str,
    at: datetime,
    actor: str,
    reason: str | None = None,
    data: dict[str, Any] | None = None,
) -> int:
    """Write one line of the audit; its id."""
    values = {"schedule_id": schedule_id, "event": event, "at": at, "actor": actor}
    return int(held.insert(ADD_EVENT, **values, reason=reason and clean(reason), data=data))
