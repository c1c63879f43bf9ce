"""The end of what waits, and will not run, or not run again."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from scheduled.store import ledger, runs, schedules
from scheduled.store.database import Held
from scheduled.words import RETRIED, Reason, Status


def end_waiting(
    held: Held,
    occurrence_id: int,
    schedule_id: str,
    reason: Reason,
    detail: str,
    now: datetime,
    status: Status = Status.SKIPPED,
    instants: int = 1,
) -> bool:
    """Within a transaction: a waiting occurrence ends; False if it no longer waits.

    1. It gets its outcome; one that ran already and waits to run again is INTERRUPTED, not SKIPPED.
    2. The `instants` that it answers for count as skipped, if they are.
    3. The jobs that it was to run, had it run again, are recorded as skipped.
    """
    changed = held.run(
        ledger.END_WAITING, the_id=occurrence_id, status=status, reason=reason, detail=detail, finished_at=now
    )
    if not changed:
        return False
    if instants and status is Status.SKIPPED:
        held.run(ledger.ADD_SKIPPED, the_id=schedule_id, skipped=instants)
    occurrence = held.row(schedules.OCCURRENCE, the_id=occurrence_id)
    if occurrence.started_at is not None:
        _skip_unreached(held, occurrence, reason, now)
    return True


def counts_of(attempts: Iterable[Any], unreached: int) -> dict[str, int]:
    """How many jobs came to which end, by their last attempts; a retry that never began is none."""
    ends = list({a.job_name: a.status for a in attempts if a.started_at or a.attempt == 1}.values())
    return {
        "jobs_completed": ends.count(Status.COMPLETED),
        "jobs_failed": sum(end in RETRIED for end in ends),
        "jobs_skipped": ends.count(Status.SKIPPED) + unreached,
    }


def skip_jobs(
    held: Held,
    occurrence_id: int,
    schedule_id: str,
    trigger: str,
    names: Iterable[str],
    reason: Reason,
    now: datetime,
) -> None:
    """Within a transaction: record jobs that had no attempt as ones that will have none."""
    for name in names:
        runs.add_run(
            held,
            occurrence_id=occurrence_id,
            schedule_id=schedule_id,
            job_name=name,
            attempt=1,
            trigger=trigger,
            status=Status.SKIPPED,
            queued_at=now,
            finished_at=now,
            reason=reason,
        )


def _skip_unreached(held: Held, occurrence: Any, reason: Reason, now: datetime) -> None:
    """Of an occurrence that was to run again: the jobs without an attempt, as its definition names them."""
    attempts = held.rows(runs.ATTEMPTS, the_occurrence_id=occurrence.id)
    reached = {attempt.job_name for attempt in attempts}
    definition = held.row(schedules.ONE, the_id=occurrence.schedule_id).definition
    unreached = [name for name in occurrence.jobs or definition.get("jobs", []) if name not in reached]
    skip_jobs(held, occurrence.id, occurrence.schedule_id, occurrence.trigger, unreached, reason, now)
    # Its definition may have changed since it ran, and the jobs that it had then are not known any more.
    total = len(reached) + len(unreached)
    held.run(ledger.COUNT_JOBS, the_id=occurrence.id, jobs_total=total, **counts_of(attempts, len(unreached)))
