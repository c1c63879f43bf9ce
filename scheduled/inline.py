"""Runs one request here and now, needing no daemon: with the same lock, rows and captured output."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import FrameType
from typing import Any

from scheduled.clock import Clock
from scheduled.daemon import Parts, assemble, hosting
from scheduled.errors import ConflictError, LockedError, UnknownNameError
from scheduled.events import Events
from scheduled.lock import Claim
from scheduled.past_instants import past_due_instant
from scheduled.planner import Start
from scheduled.registry import Registry
from scheduled.requesting import Request, add_request
from scheduled.settings import Settings
from scheduled.store import schedules, workers
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.words import Status, Trigger, WorkerType


def run_inline(
    database: Database,
    settings: Settings,
    registry: Registry,
    events: Events,
    actor: str,
    schedule_id: str,
    jobs: Sequence[str] = (),
    params: Mapping[str, Any] | None = None,
    for_instant: datetime | None = None,
) -> tuple[int, Status]:
    """Run a request in this process's main thread; its occurrence and how that ended.

    `for_instant`: the past due instant that it is for; naive, it is in the schedule's time zone.

    Raises:
        UnknownNameError: there is no such schedule here or in the database, or it has no such job.
        UsageError: the schedule was not due at `for_instant`.
        ConflictError: the database defines the schedule otherwise.
        LockedError: the schedule runs just now.
    """
    registry.order_of_chosen(registry.schedule(schedule_id), jobs)
    clock = Clock()
    parts = assemble(database, settings, registry, clock, events, WorkerType.WORKER)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        parts.control.stop()

    with hosting(parts, on_signal):
        held = parts.engine.held
        parts.lifeline.register(held, registry.hash)
        parts.sidework.start()
        try:
            parts.engine.reap(clock.now())
            claim = _claim(parts, clock, actor, schedule_id, jobs, params, for_instant)
            parts.engine.run(claim)
            row: Any = held.row(schedules.OCCURRENCE, the_id=claim.occurrence_id)
            return claim.occurrence_id, Status(row.status)
        finally:
            parts.sidework.stop()
            parts.lifeline.stop(held, clock.now())


def _claim(
    parts: Parts,
    clock: Clock,
    actor: str,
    schedule_id: str,
    jobs: Sequence[str],
    params: Mapping[str, Any] | None,
    for_instant: datetime | None,
) -> Claim:
    """Write the request and claim it in one transaction, so that no daemon takes it in between."""
    held, now = parts.engine.held, clock.now()
    with held.transaction():
        row = held.row(schedules.ONE_TO_CHANGE, the_id=schedule_id)
        if row is None:
            raise UnknownNameError(
                f"the database does not know schedule {schedule_id!r} yet: `scheduled run` stores it"
            )
        due_at = None if for_instant is None else past_due_instant(held, row, for_instant, now)
        request = Request(schedule_id, list(jobs) or None, dict(params or {}) or None, for_instant=due_at)
        occurrence_id = add_request(held, request, actor, now)
        start = Start(schedule_id, due_at or now, Trigger.MANUAL, occurrence_id)
        claim = parts.engine.holder.claim(held, start, now)
        if claim is None:
            raise _refusal(held, schedule_id)
    return claim


def _refusal(held: Held, schedule_id: str) -> ConflictError:
    row: Any = held.row(schedules.ONE, the_id=schedule_id)
    if row.orphaned or row.locked_by is None:
        return ConflictError(
            f"the database defines {schedule_id!r} otherwise: restart or reload the daemon first"
        )
    holder: Any = held.row(workers.ONE, the_id=row.locked_by)
    name = row.locked_by if holder is None else f"{holder.worker_type} {holder.hostname}/{holder.pid}"
    return LockedError(
        f"schedule {schedule_id!r} is running: {name} holds its lock since {row.locked_at:%H:%M:%S} UTC"
    )
