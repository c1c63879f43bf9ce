"""Outcomes become rows: each attempt, each occurrence, in as few commits as their durability allows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from scheduled.errors import DuplicateError, FencedError
from scheduled.lock import Bid, Claim, coming, fencing, release, skip_blocked, taken
from scheduled.running.calling import Outcome
from scheduled.running.capture import Tail, clean
from scheduled.running.live import Progress
from scheduled.sequence import Blocked
from scheduled.store import ledger, runs, schedules, workers
from scheduled.store.at_once import Shape
from scheduled.store.held import Held
from scheduled.store.statements import Write
from scheduled.words import Reason, Status

MILLISECOND = timedelta(milliseconds=1)
_FREE: Shape = ((ledger.RELEASE, None), (workers.BEAT, None))
RUN_PATH: Sequence[Shape] = (
    ((ledger.FENCE, None), (runs.FINISH_RUN, None), (runs.ADD_RUN, None)),
    ((ledger.FINISH, None), (runs.FINISH_RUN, None), *_FREE),
    ((ledger.FINISH, None), (runs.FINISH_RUN, None), (runs.ADD_OUTPUT, None), *_FREE),
)
"""What is written, as a rule, between two jobs and when an occurrence ends."""


class Finished(NamedTuple):
    """An attempt that ended."""

    job: str
    job_run_id: int
    started_at: datetime
    finished_at: datetime
    outcome: Outcome
    output: Tail | None = None
    progress: Progress | None = None
    printed: bool = False
    """Whether a part of its output may have been written while it ran."""

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
    started = _attempt(claim, job, now, status=Status.RUNNING, started_at=now, worker_id=claim.worker_id)
    return _end_and_add(held, claim, job, *_finished(finished), *_blocked(claim, blocked, now), started)


def finish_and_wait(held: Held, claim: Claim, finished: Finished, now: datetime) -> int:
    """One commit: an attempt ends, and the next attempt of the same job is queued; its id."""
    queued = _attempt(claim, finished.job, now, status=Status.QUEUED)
    return _end_and_add(held, claim, finished.job, *_finished(finished), queued)


def start_retry(held: Held, claim: Claim, job_run_id: int, now: datetime) -> None:
    """One commit: the queued attempt is RUNNING, before it starts."""
    started = {"the_id": job_run_id, "started_at": now, "worker_id": claim.worker_id}
    _write_fenced(held, claim, Write(runs.START_RUN, started))


def record_child(held: Held, claim: Claim, job_run_id: int, pid: int, pid_started_at: float) -> None:
    """One commit: which process runs the attempt, so that a reaper can find it."""
    child = {"the_id": job_run_id, "pid": pid, "pid_started_at": pid_started_at}
    _write_fenced(held, claim, Write(runs.RECORD_CHILD, child))


def finish_occurrence(
    held: Held,
    claim: Claim,
    finished: Finished | None,
    blocked: Sequence[Blocked],
    ending: Ending,
    now: datetime,
    beat: Callable[[datetime], list[Write]],
    abandoned_retry: int | None = None,
    bids: Callable[[], Bid | None] | None = None,
) -> Claim | None:
    """One commit: the last attempt ends, and with it the occurrence; the lock is released.

    1. The fence, and the occurrence's own outcome.
    2. The last attempt's outcome and output; an attempt still queued for a retry is skipped.
    3. The jobs that were not reached are recorded as skipped.
    4. The schedule's counters, and its release; and the holder's heartbeat.
    5. The next occurrence is claimed by the first of the `bids` that wins, if any does: the claim. They are
       asked for now that nobody else can write, so that nothing comes between the question and the claim.
    """
    unreached = [] if ending.requeue else claim.sequence.unreached()
    skipped = {"status": Status.SKIPPED, "finished_at": now, "reason": ending.reason}
    writes = [
        _ended(claim, ending, len(unreached), now),
        *([] if finished is None else _finished(finished)),
        *_blocked(claim, blocked, now),
        *(_attempt(claim, name, now, **skipped, error_message=ending.detail) for name in unreached),
        release(claim.schedule.id, claim.worker_id, ending.status, now),
        *beat(now),
    ]
    if abandoned_retry is not None:
        writes.append(skip_queued_attempt(abandoned_retry, ending.reason or Reason.SHUTDOWN, now))
    if bids is None:
        _end(held, claim, writes, now)
        return None
    with held.transaction():
        _end(held, claim, writes, now)
        while (bid := bids()) is not None:
            if (added := held.write(*bid.writes)) is not None:
                return bid.claimed(added)
    return None


def _end(held: Held, claim: Claim, writes: Sequence[Write], now: datetime) -> None:
    if held.write(*writes) is None and not _has_ended(held, claim, now):
        raise taken(claim.occurrence_id, claim.worker_id)


def skip_queued_attempt(job_run_id: int, reason: Reason, now: datetime) -> Write:
    """A retry that was waiting for its backoff will not come."""
    return Write(
        runs.FINISH_RUN,
        {
            "the_id": job_run_id,
            "status": Status.SKIPPED,
            "finished_at": now,
            "duration_ms": None,
            "reason": reason,
            "error_type": None,
            "error_message": None,
        },
    )


def _write_fenced(held: Held, claim: Claim, *writes: Write) -> int:
    """One commit under the lock; what the last write added. Raises FencedError if the lock was taken."""
    added = held.write(fencing(claim.occurrence_id, claim.worker_id, claim.sequence.counts), *writes)
    if added is None:
        raise taken(claim.occurrence_id, claim.worker_id)
    return added[-1]


def _ended(claim: Claim, ending: Ending, unreached: int, now: datetime) -> Write:
    """The occurrence's own outcome, which is a fence, too."""
    values = {
        "the_id": claim.occurrence_id,
        "holder": claim.worker_id,
        "reason": ending.reason,
        "detail": ending.detail,
        "finished_at": now,
    }
    if ending.requeue:
        return Write(ledger.REQUEUE, values)
    counts = claim.sequence.counts
    counts["jobs_skipped"] += unreached
    return Write(ledger.FINISH, {**values, **counts, "status": ending.status})


def _finished(finished: Finished) -> list[Write]:
    """The outcome of an attempt, and what it left, if there is anything."""
    outcome, output = finished.outcome, finished.output
    ended = {
        "the_id": finished.job_run_id,
        "status": outcome.status,
        "finished_at": finished.finished_at,
        "duration_ms": finished.duration_ms,
        "reason": outcome.reason,
        "error_type": outcome.error_type and clean(outcome.error_type)[:255],
        "error_message": outcome.error_message and clean(outcome.error_message),
    }
    finish = runs.FINISH_RUN
    if finished.progress is not None:
        finish = runs.FINISH_WITH_PROGRESS
        ended |= zip(("progress_done", "progress_total"), finished.progress, strict=True)
    printed = output is not None and not output.empty
    if not printed and outcome.traceback is None and outcome.result is None:
        return [Write(finish, ended)]
    left = {
        "job_run_id": finished.job_run_id,
        "output": clean(output.text()) if output is not None and printed else None,
        "truncated": output is not None and output.truncated,
        "traceback": outcome.traceback and clean(outcome.traceback),
        "result": outcome.result and clean(outcome.result),
    }
    written_before = [runs.forgotten_output(finished.job_run_id)] if finished.printed else []
    return [Write(finish, ended), *written_before, Write(runs.ADD_OUTPUT, left)]


def _blocked(claim: Claim, blocked: Sequence[Blocked], now: datetime) -> Iterator[Write]:
    return skip_blocked(claim.occurrence_id, claim.schedule.id, claim.trigger, claim.sequence, blocked, now)


def _attempt(claim: Claim, job: str, now: datetime, **values: Any) -> Write:
    """The job's next attempt."""
    return runs.run_of(
        occurrence_id=claim.occurrence_id,
        schedule_id=claim.schedule.id,
        job_name=job,
        attempt=coming(claim.sequence, job),
        trigger=claim.trigger,
        queued_at=now,
        **values,
    )


# A server may commit and not be able to say so. What is then written once more stands already.


def _end_and_add(held: Held, claim: Claim, job: str, *writes: Write) -> int:
    """One commit under the lock, which adds an attempt of the job at last; its id."""
    try:
        return _write_fenced(held, claim, *writes)
    except DuplicateError:
        return _standing(held, claim, job)


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
