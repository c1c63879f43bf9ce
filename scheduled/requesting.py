"""Requests become occurrences that wait: for a run, or for one more run of what has ended."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduled.errors import ConflictError, UnknownNameError, did_you_mean
from scheduled.store import ledger, runs, schedules
from scheduled.store.held import Held
from scheduled.words import GOING_ON, REQUESTS, Status, Trigger


@dataclass(frozen=True)
class Request:
    """What somebody asks for."""

    schedule_id: str
    jobs: list[str] | None = None
    """Only these; None: all of them."""
    params: dict[str, Any] | None = None
    trigger: Trigger = Trigger.MANUAL
    for_instant: datetime | None = None
    """The past due instant that it is for, in UTC."""
    rerun_of: int | None = None
    """The occurrence that is run again. What `jobs` need besides, and completed there, is not repeated."""


@dataclass(frozen=True)
class Requested:
    """A request: the occurrence that waits, and whether it had been asked for before."""

    occurrence_id: int
    schedule_id: str
    already: bool
    for_instant: datetime | None = None
    """The past due instant that it is for, if it is for one; in UTC."""


def ask(held: Held, request: Request, actor: str, now: datetime) -> Requested:
    """Within a transaction that holds the schedule's row: the same request, if one waits; else a new one."""
    asked = (request.jobs, request.params, request.rerun_of)
    for waiting in held.rows(schedules.SAME_REQUEST, the_schedule_id=request.schedule_id):
        same = (waiting.jobs or None, waiting.params or None, waiting.rerun_of) == asked
        if same and waiting.due_at == (request.for_instant or waiting.requested_at):
            return Requested(waiting.id, request.schedule_id, True, request.for_instant)
    occurrence_id = add_request(held, request, actor, now)
    return Requested(occurrence_id, request.schedule_id, False, request.for_instant)


def add_request(held: Held, request: Request, actor: str, now: datetime) -> int:
    """Within a transaction: write an occurrence that waits because somebody asked for it; its id.

    It answers for no due instant of the ledger, also if it is for one.
    """
    due_at = request.for_instant or now
    occurrence_id = ledger.add_occurrence(
        held,
        schedule_id=request.schedule_id,
        due_at=due_at,
        due_until=due_at,
        trigger=request.trigger,
        status=Status.QUEUED,
        requested_by=actor,
        requested_at=now,
        jobs=request.jobs,
        params=request.params,
        rerun_of=request.rerun_of,
    )
    data: dict[str, Any] = {"occurrence_id": occurrence_id, "jobs": request.jobs, "params": request.params}
    if request.for_instant is not None:
        data["due_at"] = due_at.isoformat()
    if request.rerun_of is not None:
        data["rerun_of"] = request.rerun_of
    schedules.add_event(held, request.schedule_id, "triggered", now, actor, None, data)
    return occurrence_id


def require_runnable(row: Any, jobs: list[str] | None) -> None:
    """Raises UnknownNameError or ConflictError if the schedule cannot run these jobs."""
    if row.orphaned:
        raise ConflictError(f"schedule {row.id!r} is no longer in the code, and never runs")
    known = row.definition.get("jobs", [])
    for name in jobs or ():
        if name not in known:
            raise UnknownNameError(f"schedule {row.id!r} runs no job {name!r}: {did_you_mean(name, known)}")


def once_more(held: Held, ended: Any, row: Any, trigger: Trigger, *, from_failed: bool) -> Request:
    """Within a transaction: what running the occurrence `ended` of the schedule `row` again asks for.

    1. All of it: its jobs, and those that came along because they are needed.
    2. From the failed ones on: its jobs that did not complete, and are still in the code.
    3. Either is for the due instant that it was for, if it was for one.

    Raises:
        ConflictError: it has not ended, stands for several instants, or nothing in it failed.
    """
    if ended.status in GOING_ON:
        raise ConflictError(f"occurrence {ended.id} has not ended: it is {ended.status}")
    if ended.due_count > 1:
        raise ConflictError(
            f"occurrence {ended.id} stands for {ended.due_count} instants that were skipped: "
            f"`scheduled trigger {row.id} --for INSTANT` runs one of them"
        )
    attempts = held.rows(runs.ATTEMPTS, the_occurrence_id=ended.id)
    jobs = _left(ended, row, attempts) if from_failed else _all(ended, row, attempts)
    was_due = Trigger(ended.trigger) not in REQUESTS or ended.due_at != ended.requested_at
    return Request(
        row.id, jobs, ended.params or None, trigger, ended.due_at if was_due else None, rerun_of=ended.id
    )


def _all(ended: Any, row: Any, attempts: list[Any]) -> list[str] | None:
    if not ended.jobs:
        return None
    ran = {attempt.job_name for attempt in attempts}
    along = [name for name in row.definition.get("jobs", []) if name in ran and name not in ended.jobs]
    return [*ended.jobs, *along]


def _left(ended: Any, row: Any, attempts: list[Any]) -> list[str] | None:
    if ended.status == Status.COMPLETED:
        raise ConflictError(f"nothing failed in occurrence {ended.id}: it can only be run again as a whole")
    if not attempts:  # it never began
        return ended.jobs or None
    completed = {attempt.job_name for attempt in attempts if attempt.status == Status.COMPLETED}
    open_ = {attempt.job_name for attempt in attempts} - completed
    left = [name for name in row.definition.get("jobs", []) if name in open_]
    if not left:
        raise ConflictError(f"what failed in occurrence {ended.id} is no longer in the code")
    return left
