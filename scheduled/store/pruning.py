"""Finds and deletes what is older than anybody wants to keep."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, or_, select, update

from scheduled.store.database import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import any_of, events, gaps, given, occurrences, outputs, runs, schedules, workers
from scheduled.words import Status, WorkerStatus

_o, _s, _w = occurrences.c, schedules.c, workers.c
AUDIT_KEPT = ("added", "changed", "orphaned", "back", "enabled", "disabled")
"""The events from which `verify` knows what was due: kept for as long as the schedule is."""

_newer = occurrences.alias("newer")
_ended = and_(_o.status != Status.QUEUED, _o.status != Status.RUNNING)
# A request may be for an instant of long ago, and yet be new.
_asked_before_that = or_(_o.unique_key.is_not(None), _o.requested_at < given(_o.due_at, "cutoff"))
_is_not_the_newest = (
    select(_newer.c.id)
    .where(_newer.c.schedule_id == _o.schedule_id, _newer.c.due_at > _o.due_at)
    .exists()
)  # fmt: skip

OLD_OF = Statement(
    select(_o.id)
    .where(
        _o.schedule_id == given(_o.schedule_id),
        _o.due_at < given(_o.due_at, "cutoff"),
        _o.due_until < given(_o.due_until, "cutoff"),
        _asked_before_that,
        _ended,
        _is_not_the_newest,
    )
    .order_by(_o.due_at)
    .limit(bindparam("batch", type_=_s.run_count.type))
)
SCHEDULE_IDS = Statement(select(_s.id).order_by(_s.id))
RUNS_OF = Statement(select(runs.c.id).where(runs.c.occurrence_id == given(runs.c.occurrence_id)))
DELETE_OUTPUT = Statement(delete(outputs).where(outputs.c.job_run_id == given(outputs.c.job_run_id)))
DELETE_RUNS = Statement(delete(runs).where(runs.c.occurrence_id == given(runs.c.occurrence_id)))
DELETE_OCCURRENCE = Statement(delete(occurrences).where(_o.id == given(_o.id)))
MOVE_LEDGER = Statement(
    update(schedules)
    .where(_s.id == given(_s.id), _s.ledger_from < given(_s.ledger_from, "cutoff"))
    .values(ledger_from=given(_s.ledger_from, "cutoff"))
)


def _other_event() -> ColumnElement[bool]:
    return and_(*(events.c.event != name for name in AUDIT_KEPT))


OLD_EVENTS = Statement(
    select(func.count().label("found"))
    .select_from(events)
    .where(events.c.at < given(events.c.at, "cutoff"), _other_event())
)
DELETE_EVENTS = Statement(delete(events).where(events.c.at < given(events.c.at, "cutoff"), _other_event()))
_gone = and_(
    or_(any_of(_w.status, [WorkerStatus.STOPPED, WorkerStatus.LOST])),
    _w.last_heartbeat_at < given(_w.last_heartbeat_at, "cutoff"),
)
OLD_WORKERS = Statement(select(_w.id).where(_gone))
DELETE_GAPS = Statement(delete(gaps).where(gaps.c.worker_id == given(gaps.c.worker_id)))
DELETE_WORKER = Statement(delete(workers).where(_w.id == given(_w.id)))


def old_occurrences(held: Held, schedule_id: str, cutoff: datetime, batch: int) -> list[int]:
    """Some of a schedule's occurrences that ended and are older than `cutoff`; never its newest one."""
    found: list[Any] = held.rows(OLD_OF, the_schedule_id=schedule_id, cutoff=cutoff, batch=batch)
    return [row.id for row in found]


def delete_occurrences(held: Held, schedule_id: str, ids: list[int], cutoff: datetime) -> int:
    """Within a transaction: delete them and all that hangs on them; how many job runs that were.

    The ledger is judged from `cutoff` on ever after.
    """
    deleted = 0
    for occurrence_id in ids:
        for run in held.rows(RUNS_OF, the_occurrence_id=occurrence_id):
            held.run(DELETE_OUTPUT, the_job_run_id=run.id)
        deleted += held.run(DELETE_RUNS, the_occurrence_id=occurrence_id)
        held.run(DELETE_OCCURRENCE, the_id=occurrence_id)
    held.run(MOVE_LEDGER, the_id=schedule_id, cutoff=cutoff)
    return deleted
