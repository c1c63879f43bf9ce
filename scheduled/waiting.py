"""The end of what waits, and will not run, or not run again."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from scheduled.store import ledger, runs, schedules
from scheduled.store.held import Held
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
        attempts = held.rows(runs.ATTEMPTS, the_occurrence_id=occurrence_id)
        jobs = occurrence.jobs or held.row(schedules.ONE, the_id=schedule_id).definition.get("jobs", [])
        end_unreached(held, occurrence, attempts, jobs, reason, now)
    return True


def end_unreached(
    held: Held,
    occurrence: Any,
    attempts: Sequence[Any],
    jobs: Iterable[str],
    reason: Reason,
    now: datetime,
) -> None:
    """Within a transaction, when an occurrence has ended before its time.

    1. Those of its `jobs` that had no attempt are recorded as skipped.
    2. Its jobs are counted: those that had an attempt, and those just recorded. They may differ from what was
       counted when it began, if its schedule was given other jobs since.
    """
    reached = {attempt.job_name for attempt in attempts}
    unreached = [name for name in jobs if name not in reached]
    for name in unreached:
        runs.add_run(
            held,
            occurrence_id=occurrence.id,
            schedule_id=occurrence.schedule_id,
            job_name=name,
            attempt=1,
            trigger=occurrence.trigger,
            status=Status.SKIPPED,
            queued_at=now,
            finished_at=now,
            reason=reason,
        )
    # A retry that never began is no end.
    ends = list({a.job_name: a.status for a in attempts if a.started_at or a.attempt == 1}.values())
    held.run(
        ledger.COUNT_JOBS,
        the_id=occurrence.id,
        jobs_total=len(reached) + len(unreached),
        jobs_completed=ends.count(Status.COMPLETED),
        jobs_failed=sum(end in RETRIED for end in ends),
        jobs_skipped=ends.count(Status.SKIPPED) + len(unreached),
    )
