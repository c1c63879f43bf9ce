"""Outcomes become rows: each attempt, each occurrence, in as few commits as their durability allows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduled.errors import DuplicateError, FencedError
from scheduled.lock import Claim, coming, fence, release, skip_blocked
from scheduled.running.calling import Outcome
from scheduled.running.capture import Tail, clean
from scheduled.sequence import Blocked
from scheduled.store import ledger, runs, schedules
from scheduled.store.database import Held
from scheduled.words import Reason, Status

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Finished:
    """An attempt that ended."""

    job: str
    job_run_id: int
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    output: Tail | None = None

    @property
    def duration_ms(self) -> int:
        return max(0, (self.finished_at - self.started_at) // MILLISECOND)


@dataclass(frozen=True)
class Ending:
    """How an occurrence ended."""

    status: Status
    reason: Reason | None = None
    detail: str | None = None
    requeue: bool = False
    """It was interrupted and runs once more, so that its unreached jobs are not recorded."""


def finish_and_start(
    held: Held, claim: Claim, finished: Finished, blocked: Sequence[Blocked], job: str, now: datetime
) -> int:
    """One commit: an attempt ends and the next job starts; the id of the new attempt.

    1. The fence: is the occurrence still ours?
    2. The attempt that ended gets its outcome and its output.
    3. The jobs that cannot run now are recorded as skipped.
    4. The next job's first attempt is RUNNING, before it starts.
    """
    try:
        with held.transaction():
            fence(held, claim.occurrence_id, claim.worker_id, claim.sequence.counts)
            _write_finished(held, finished)
            _write_blocked(held, claim, blocked, now)
            return _add_attempt(held, claim, job, Status.RUNNING, now)
    except DuplicateError:
        return _standing(held, claim, job)


def finish_and_wait(held: Held, claim: Claim, finished: Finished, now: datetime) -> int:
    """One commit: an attempt ends, and the next attempt of the same job is queued; its id."""
    try:
        with held.transaction():
            fence(held, claim.occurrence_id, claim.worker_id, claim.sequence.counts)
            _write_finished(held, finished)
            return _add_attempt(held, claim, finished.job, Status.QUEUED, now)
    except DuplicateError:
        return _standing(held, claim, finished.job)


def start_retry(held: Held, claim: Claim, job_run_id: int, now: datetime) -> None:
    """One commit: the queued attempt is RUNNING, before it starts."""
    with held.transaction():
        fence(held, claim.occurrence_id, claim.worker_id, claim.sequence.counts)
        held.run(runs.START_RUN, the_id=job_run_id, started_at=now, worker_id=claim.worker_id)


def record_child(held: Held, claim: Claim, job_run_id: int, pid: int, pid_started_at: float) -> None:
    """One commit: which process runs the attempt, so that a reaper can find it."""
    with held.transaction():
        fence(held, claim.occurrence_id, claim.worker_id, claim.sequence.counts)
        held.run(runs.RECORD_CHILD, the_id=job_run_id, pid=pid, pid_started_at=pid_started_at)


def finish_occurrence(
    held: Held,
    claim: Claim,
    finished: Finished | None,
    blocked: Sequence[Blocked],
    ending: Ending,
    now: datetime,
    beat: Callable[[Held, datetime], None],
    abandoned_retry: int | None = None,
) -> None:
    """One commit: the last attempt ends, and with it the occurrence; the lock is released.

    1. The fence, and the occurrence's own outcome.
    2. The last attempt's outcome and output; an attempt still queued for a retry is skipped.
    3. The jobs that were not reached are recorded as skipped.
    4. The schedule's counters, and its release; and the holder's heartbeat.
    """
    unreached = [] if ending.requeue else claim.sequence.unreached()
    counts = claim.sequence.counts
    counts["jobs_skipped"] += len(unreached)
    with held.transaction():
        statement = ledger.REQUEUE if ending.requeue else ledger.FINISH
        values = {} if ending.requeue else {"status": ending.status}
        changed = held.run(
            statement,
            the_id=claim.occurrence_id,
            holder=claim.worker_id,
            reason=ending.reason,
            detail=ending.detail,
            finished_at=now,
            **values,
            **({} if ending.requeue else counts),
        )
        if changed != 1:
            if _has_ended(held, claim, now):
                return
            fence(held, claim.occurrence_id, claim.worker_id, claim.sequence.counts)
        if finished is not None:
            _write_finished(held, finished)
        if abandoned_retry is not None:
            skip_queued_attempt(held, abandoned_retry, ending.reason or Reason.SHUTDOWN, now)
        _write_blocked(held, claim, blocked, now)
        for name in unreached:
            _add_skipped(held, claim, name, ending.reason, ending.detail, now)
        release(held, claim.schedule.id, claim.worker_id, ending.status, now)
        beat(held, now)


def skip_queued_attempt(held: Held, job_run_id: int, reason: Reason, now: datetime) -> None:
    """Within a transaction: a retry that was waiting for its backoff will not come."""
    held.run(
        runs.FINISH_RUN,
        the_id=job_run_id,
        status=Status.SKIPPED,
        finished_at=now,
        duration_ms=None,
        reason=reason,
        error_type=None,
        error_message=None,
    )


def _write_finished(held: Held, finished: Finished) -> None:
    outcome, output = finished.outcome, finished.output
    held.run(
        runs.FINISH_RUN,
        the_id=finished.job_run_id,
        status=outcome.status,
        finished_at=finished.finished_at,
        duration_ms=finished.duration_ms,
        reason=outcome.reason,
        error_type=outcome.error_type and clean(outcome.error_type)[:255],
        error_message=outcome.error_message and clean(outcome.error_message),
    )
    printed = output is not None and not output.empty
    if printed or outcome.traceback is not None or outcome.result is not None:
        held.insert(
            runs.ADD_OUTPUT,
            job_run_id=finished.job_run_id,
            output=clean(output.text()) if output is not None and printed else None,
            truncated=output is not None and output.truncated,
            traceback=outcome.traceback and clean(outcome.traceback),
            result=outcome.result and clean(outcome.result),
        )


# A server may commit and not be able to say so. What is then written once more stands already.


def _standing(held: Held, claim: Claim, job: str) -> int:
    """The attempt that an unanswered commit of ours added; its id."""
    attempt = coming(claim.sequence, job)
    values = {"the_occurrence_id": claim.occurrence_id, "the_job_name": job, "the_attempt": attempt}
    row = held.row(runs.NUMBERED, **values)
    if row is None:
        raise FencedError(f"occurrence {claim.occurrence_id} has an attempt that is not ours")
    return int(row.id)


def _has_ended(held: Held, claim: Claim, now: datetime) -> bool:
    """Whether an unanswered commit of ours ended the occurrence, at this very microsecond."""
    row = held.row(schedules.OCCURRENCE, the_id=claim.occurrence_id)
    return row is not None and row.status != Status.RUNNING and row.finished_at == now


def _add_attempt(held: Held, claim: Claim, job: str, status: Status, now: datetime) -> int:
    started = {"started_at": now, "worker_id": claim.worker_id} if status is Status.RUNNING else {}
    return runs.add_run(
        held,
        occurrence_id=claim.occurrence_id,
        schedule_id=claim.schedule.id,
        job_name=job,
        attempt=coming(claim.sequence, job),
        trigger=claim.trigger,
        status=status,
        queued_at=now,
        **started,
    )


def _write_blocked(held: Held, claim: Claim, blocked: Sequence[Blocked], now: datetime) -> None:
    skip_blocked(held, claim.occurrence_id, claim.schedule.id, claim.trigger, claim.sequence, blocked, now)


def _add_skipped(
    held: Held, claim: Claim, job: str, reason: Reason | None, detail: str | None, now: datetime
) -> None:
    runs.add_run(
        held,
        occurrence_id=claim.occurrence_id,
        schedule_id=claim.schedule.id,
        job_name=job,
        attempt=coming(claim.sequence, job),
        trigger=claim.trigger,
        status=Status.SKIPPED,
        queued_at=now,
        finished_at=now,
        reason=reason,
        error_message=detail,
    )
