"""Finds and deletes what is older than anybody wants to keep."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import (
    any_of,
    events,
    gaps,
    given,
    occurrences,
    outputs,
    runs,
    schedules,
    within,
    workers,
)
from scheduled.tables import keys, sessions
from scheduled.words import Status, WorkerStatus

_o, _r, _s, _w = occurrences.c, runs.c, schedules.c, workers.c
AT_ONCE = 100
"""How many ids one statement takes."""
AUDIT_KEPT = ("added", "changed", "orphaned", "back", "enabled", "disabled")
"""The events from which `verify` knows what was due: kept for as long as the schedule is."""

_newer = occurrences.alias("newer")
_ended = and_(_o.status != Status.QUEUED, _o.status != Status.RUNNING)
# A request may be for an instant of long ago, and yet be new.
_asked_before_that = or_(_o.unique_key.is_not(None), _o.requested_at < given(_o.due_at, "cutoff"))


def _is_one(key: Column[Any]) -> ColumnElement[bool]:
    """The column has one of so many values."""
    return key.in_([given(key, f"one_{place}") for place in range(AT_ONCE)])


_newest = (
    select(func.max(_newer.c.due_at))
    .where(_newer.c.schedule_id == given(_newer.c.schedule_id))
    .scalar_subquery()
)  # fmt: skip

OLD_OF = Statement(
    select(_o.id)
    .where(
        within(_o.schedule_id),
        _o.due_at < given(_o.due_at, "cutoff"),
        _o.due_until < given(_o.due_until, "cutoff"),
        _asked_before_that,
        _ended,
        _o.due_at < _newest,
    )
    .order_by(_o.schedule_id, _o.due_at)
    .limit(bindparam("batch", type_=_s.run_count.type))
)
OLD_SCHEDULES = Statement(select(_s.id).where(_s.created_at < given(_s.created_at, "cutoff")).order_by(_s.id))
"""Those that are old enough to have old occurrences."""
COUNT_RUNS = Statement(select(func.count().label("found")).where(_is_one(_r.occurrence_id)))
RUNS_OF = Statement(select(_r.id).where(_is_one(_r.occurrence_id)))
DELETE_OUTPUTS = Statement(delete(outputs).where(_is_one(outputs.c.job_run_id)))
DELETE_RUNS = Statement(delete(runs).where(_is_one(_r.occurrence_id)))
DELETE_OCCURRENCES = Statement(delete(occurrences).where(_is_one(_o.id)))
MOVE_LEDGER = Statement(
    update(schedules)
    .where(_s.id == given(_s.id), _s.ledger_from < given(_s.ledger_from, "cutoff"))
    .values(ledger_from=given(_s.ledger_from, "cutoff"))
)


def _other_event() -> ColumnElement[bool]:
    return and_(*(events.c.event != name for name in AUDIT_KEPT))


_old_event = and_(events.c.at < given(events.c.at, "cutoff"), _other_event())
OLD_EVENTS = Statement(select(func.count().label("found")).select_from(events).where(_old_event))
NEXT_OLD_EVENTS = Statement(
    select(events.c.id)
    .where(events.c.id > given(events.c.id, "after"), _old_event)
    .order_by(events.c.id)
    .limit(bindparam("batch", type_=_s.run_count.type))
)
DELETE_EVENTS = Statement(delete(events).where(_is_one(events.c.id)))
_gone = and_(
    or_(any_of(_w.status, [WorkerStatus.STOPPED, WorkerStatus.LOST])),
    _w.last_heartbeat_at < given(_w.last_heartbeat_at, "cutoff"),
)
OLD_WORKERS = Statement(select(_w.id).where(_gone))
_old_key = keys.c.at <= given(keys.c.at, "cutoff")
_expired = sessions.c.expires_at <= given(sessions.c.expires_at, "the_now")
EXPIRED = Statement(
    select(literal_column("1").label("found")).where(or_(exists().where(_old_key), exists().where(_expired)))
)
DELETE_KEYS = Statement(delete(keys).where(_old_key))
DELETE_SESSIONS = Statement(delete(sessions).where(_expired))
DELETE_GAPS = Statement(delete(gaps).where(_is_one(gaps.c.worker_id)))
DELETE_WORKERS = Statement(delete(workers).where(_is_one(_w.id)))


def old_occurrences(held: Held, schedule_id: str, cutoff: datetime, batch: int) -> list[int]:
    """Some of a schedule's occurrences that ended and are older than `cutoff`; never its newest one."""
    found: list[Any] = held.rows(OLD_OF, the_schedule_id=schedule_id, cutoff=cutoff, batch=batch)
    return [row.id for row in found]


def count_runs(held: Held, ids: Sequence[int]) -> int:
    """How many job runs these occurrences have."""
    return sum(held.row(COUNT_RUNS, **group).found for group in _groups(ids))


def delete_occurrences(held: Held, schedule_id: str, ids: Sequence[int], cutoff: datetime) -> int:
    """Within a transaction: delete them and all that hangs on them; how many job runs that were.

    The ledger is judged from `cutoff` on ever after.
    """
    # By their ids: MariaDB would go through all outputs for a subquery.
    gone = [row.id for group in _groups(ids) for row in held.rows(RUNS_OF, **group)]
    _delete(held, DELETE_OUTPUTS, gone)
    deleted = _delete(held, DELETE_RUNS, ids)
    _delete(held, DELETE_OCCURRENCES, ids)
    held.run(MOVE_LEDGER, the_id=schedule_id, cutoff=cutoff)
    return deleted


def old_events(held: Held, cutoff: datetime, after: int, batch: int) -> list[int]:
    """The next events, by id, that are older than `cutoff` and that nobody needs any more."""
    return [row.id for row in held.rows(NEXT_OLD_EVENTS, cutoff=cutoff, after=after, batch=batch)]


def delete_events(held: Held, ids: Sequence[int]) -> int:
    """Within a transaction: delete these events; how many there were."""
    return _delete(held, DELETE_EVENTS, ids)


def delete_workers(held: Held, ids: Sequence[str]) -> int:
    """Within a transaction: delete these instances with their gaps; how many there were."""
    _delete(held, DELETE_GAPS, ids)
    return _delete(held, DELETE_WORKERS, ids)


def _delete(held: Held, statement: Statement, ids: Sequence[Any]) -> int:
    return sum(held.run(statement, **group) for group in _groups(ids))


def _groups(ids: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The values for `_is_one`, so that each id is among them at least once."""
    for begin in range(0, len(ids), AT_ONCE):
        group = ids[begin : begin + AT_ONCE]
        yield {f"one_{place}": group[min(place, len(group) - 1)] for place in range(AT_ONCE)}
