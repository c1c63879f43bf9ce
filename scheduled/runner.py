"""Runs a claimed occurrence: each job in its order, called, timed, retried, captured; and tells history."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from scheduled import history
from scheduled.clock import Clock
from scheduled.context import JobContext
from scheduled.control import Control
from scheduled.definitions import Job
from scheduled.errors import DatabaseError, DatabaseUnavailableError, FencedError
from scheduled.events import DEBUG, INFO, WARNING, Events
from scheduled.history import Ending, Finished
from scheduled.lock import Bid, Claim
from scheduled.patience import Patience
from scheduled.running.calling import Outcome, call, traceback_of
from scheduled.running.capture import Capture
from scheduled.running.interrupts import Interrupt
from scheduled.running.live import Live
from scheduled.running.restore import Restored, restored
from scheduled.sequence import Blocked
from scheduled.store import schedules
from scheduled.store.held import Held
from scheduled.store.statements import Write
from scheduled.words import RETRIED, Reason, Status

if TYPE_CHECKING:
    from scheduled.running.processes import Child


T = TypeVar("T")

GONE_WRONG = (*RETRIED, Status.INTERRUPTED)


@dataclass
class Runner:
    """Everything that running takes. One for each process; its `run` belongs to the main thread."""

    held: Held
    clock: Clock
    control: Control
    capture: Capture
    events: Events
    definitions: str
    """Where the definitions were loaded from: for jobs that run in a process of their own."""
    job_timeout: float
    output_limit: int
    beat: Callable[[datetime], list[Write]]
    """Says that we live, in the commit that ends an occurrence."""
    guard: Callable[[], Restored] = restored
    """Makes what puts back what jobs change of the process: one for all jobs of an occurrence."""
    patience: Patience = field(init=False)
    bids: Callable[[], Bid | None] | None = None
    """Gives what may be claimed in the commit that ends an occurrence, one after another until one wins."""
    jobs_processed: int = 0

    def __post_init__(self) -> None:
        self.patience = Patience(self.control, self.events)

    def run(self, claim: Claim) -> Claim | None:
        """Run the occurrence to its end, or until it is taken from us; what was claimed when it ended.

        1. The claimed job's attempt runs, and is classified.
        2. If it failed and may be retried: its end and the next attempt, QUEUED, are one commit; after the
           backoff that attempt becomes RUNNING by a commit of its own, and runs.
        3. Else its end and the next job's start are one commit, with the jobs that are blocked now.
        4. After the last job, or when the occurrence must end early, everything ends in one commit, by which
           the next occurrence is claimed if one is due.
        """
        self.control.begin(claim.occurrence_id)
        self.events.emit("occurrence.started", INFO, **_facts(claim), due_at=claim.due_at)
        try:
            ending, following = self._run_jobs(claim)
        except FencedError as error:
            self.events.emit("occurrence.fenced", WARNING, **_facts(claim), error=str(error))
            self._record_fencing(claim, str(error))
            return None
        finally:
            self.control.end()
        facts = _facts(claim) | {"status": ending.status}
        duration = _milliseconds(self.clock.now() - claim.started_at)
        level = INFO if ending.status is Status.COMPLETED else WARNING
        self.events.emit("occurrence.finished", level, **facts, duration_ms=duration, **claim.sequence.counts)
        return following

    def _run_jobs(self, claim: Claim) -> tuple[Ending, Claim | None]:
        job, job_run_id, started_at = claim.job, claim.job_run_id, claim.started_at
        guard = self.guard()
        while True:
            finished = self._attempt(claim, job, job_run_id, started_at, guard)
            if self.control.fenced:
                raise FencedError(f"occurrence {claim.occurrence_id} was taken while {job} ran")
            status = finished.outcome.status
            retry_in = claim.sequence.note(job, status, finished.outcome.value)
            blocked: list[Blocked] = []
            following: str | None = None
            if retry_in is None and status not in (Status.CANCELLED, Status.INTERRUPTED):
                blocked, following = claim.sequence.next()
                if following is None:
                    return self._end(claim, finished, blocked, Ending(claim.sequence.status))
            early = self._early_ending(claim, status)
            if early is not None:
                return self._end(claim, finished, blocked, early)
            if following is None:
                job_run_id = self._durably(history.finish_and_wait, claim, finished, finished.finished_at)
                self.events.emit("job.retrying", INFO, **_facts(claim), job=job, again_in=retry_in)
                self.control.sleep(retry_in or 0.0)
                if (early := self._early_ending(claim)) is not None:
                    return self._end(claim, None, [], early, abandoned_retry=job_run_id)
                started_at = self.clock.now()
                self._durably(history.start_retry, claim, job_run_id, started_at)
                continue
            started_at = finished.finished_at  # one commit, one instant
            job_run_id = self._durably(
                history.finish_and_start, claim, finished, blocked, following, started_at
            )
            job = following

    def _end(
        self, claim: Claim, finished: Finished | None, blocked: list[Blocked], ending: Ending, **extra: int
    ) -> tuple[Ending, Claim | None]:
        if claim.rerun and not ending.requeue:
            ending = replace(ending, reason=ending.reason or Reason.RERUN)
        now = self.clock.now() if finished is None else finished.finished_at
        tries = [self.bids]  # at the first try alone: this must end, come what may

        def end(held: Held) -> Claim | None:
            bids = tries.pop() if tries else None
            return history.finish_occurrence(
                held, claim, finished, blocked, ending, now, self.beat, bids=bids, **extra
            )

        try:
            return ending, self._durably(end)
        except DatabaseUnavailableError:
            raise
        except DatabaseError:  # as when what we bid for stands in the ledger already: to be planned anew
            return ending, self._durably(end)

    def _durably(self, write: Callable[..., T], *arguments: object) -> T:
        """Write, and wait for the database if it is away: what happened must not be lost."""
        if self.control.fenced:
            raise FencedError("the lock was lost")
        return self.patience.persist(lambda: write(self.held, *arguments))

    def _record_fencing(self, claim: Claim, why: str) -> None:
        """Say in the audit that we let go of it; nothing under its token any more."""
        data = {"occurrence_id": claim.occurrence_id, "worker_id": claim.worker_id}
        with suppress(DatabaseUnavailableError):  # it is time to stop
            self.patience.persist(lambda: self._add_fenced(claim, why, data))

    def _add_fenced(self, claim: Claim, why: str, data: dict[str, object]) -> None:
        with self.held.transaction():
            now = self.clock.now()
            schedules.add_event(self.held, claim.schedule.id, "fenced", now, "daemon", why, data)

    def _early_ending(self, claim: Claim, ended_by: Status | None = None) -> Ending | None:
        """How the occurrence ends if it must end now, although there are jobs or retries left."""
        by = self.control.cancelled_by
        if ended_by is Status.CANCELLED or by is not None:
            return Ending(Status.CANCELLED, Reason.CANCELLED, f"cancelled by {by}")
        if ended_by is Status.INTERRUPTED or self.control.stopping:
            again = claim.schedule.rerun_interrupted and not claim.rerun
            detail = "the daemon was told to stop"
            return Ending(
                Status.INTERRUPTED, Reason.RERUN if again else Reason.SHUTDOWN, detail, requeue=again
            )
        return None

    def _attempt(
        self, claim: Claim, name: str, job_run_id: int, started_at: datetime, guard: Restored
    ) -> Finished:
        """Run one attempt of one job, whatever it does, and say what became of it."""
        job, attempt = claim.sequence.jobs[name], claim.sequence.begin(name)
        facts: dict[str, object] = {
            "schedule_id": claim.schedule.id,
            "occurrence_id": claim.occurrence_id,
            "job": name,
            "job_run_id": job_run_id,
        }
        if self.events.least <= DEBUG:
            self.events.emit("job.started", DEBUG, **facts)

        def come(done: float, total: float | None) -> None:
            live.come(done, total)
            self.events.emit("job.progress", DEBUG, **facts, done=done, total=total)

        def context() -> JobContext:
            return JobContext(
                schedule_id=claim.schedule.id,
                occurrence_id=claim.occurrence_id,
                job_run_id=job_run_id,
                job_name=name,
                due_at=claim.due_at,
                trigger=claim.trigger,
                attempt=attempt,
                params=claim.params,
                results=claim.sequence.results_for(name) if job.depends_on else {},
                on_progress=come,
                is_cancelled=lambda: self.control.leaving,
            )

        listening = self.events.least <= INFO
        say = (lambda line: self.events.emit("job.output", INFO, **facts, line=line)) if listening else None
        tail = self.capture.start(self.output_limit, say)
        live = self.control.live = Live(
            claim.occurrence_id, claim.worker_id, job_run_id, claim.sequence, tail
        )
        try:
            with guard:
                outcome = self._call(claim, job, context)
        finally:
            guard.finish()
            self.capture.stop()
            self.control.live = None
        for problem in guard.problems:
            self.events.emit("job.not_restored", WARNING, **facts, problem=problem)
        now = self.clock.now()
        finished = Finished(name, job_run_id, started_at, now, outcome, tail, live.progress, live.end())
        self.jobs_processed += 1
        level = WARNING if outcome.status in GONE_WRONG else INFO
        if outcome.error_message is not None:
            facts["error"] = outcome.error_message
        self.events.emit(
            "job.finished", level, **facts, status=outcome.status, duration_ms=finished.duration_ms
        )
        return finished

    def _call(self, claim: Claim, job: Job, context: Callable[[], JobContext]) -> Outcome:
        """Call the job under its deadline. Past that it is TIMED_OUT, whatever it did."""
        interrupter = self.control.interrupter
        timeout = self.job_timeout if job.timeout is None else job.timeout
        interrupter.set_deadline(self.clock.monotonic() + timeout)
        raised: Interrupt | None = None
        try:
            outcome = interrupter.run(lambda: self._body(claim, job, context))
        except Interrupt as interrupt:
            raised = interrupt
            outcome = Outcome(Status.INTERRUPTED, traceback=traceback_of(interrupt))
        late = interrupter.deadline_passed(self.clock.monotonic())
        interrupter.set_deadline(None)
        if interrupter.kind == "timeout" or (late and raised is None):
            return replace(
                outcome,
                status=Status.TIMED_OUT,
                error_type="JobTimeout",
                result=None,
                value=None,
                error_message=f"it ran longer than its timeout of {timeout:g} s",
            )
        if raised is None and outcome.status in (Status.COMPLETED, Status.SKIPPED):
            return outcome
        if interrupter.kind == "cancelled":
            by = self.control.cancelled_by
            return replace(
                outcome,
                status=Status.CANCELLED,
                reason=Reason.CANCELLED,
                error_type=None,
                error_message=f"cancelled by {by}",
            )
        if interrupter.kind == "shutdown":
            return replace(
                outcome,
                status=Status.INTERRUPTED,
                reason=Reason.SHUTDOWN,
                error_type=None,
                error_message="the daemon was told to stop",
            )
        return outcome

    def _body(self, claim: Claim, job: Job, context: Callable[[], JobContext]) -> Outcome:
        if job.command is None and job.isolation != "process":
            assert job.function is not None  # noqa: S101 - a job has a function or a command
            return call(job.function, context)
        from scheduled.running.children import run_command, run_isolated  # only who has children pays for it

        told = context()

        def record(child: "Child") -> None:
            with self.control.interrupter.held:
                self._durably(history.record_child, claim, told.job_run_id, child.pid, child.start_time)

        look = self.control.interrupter.raise_if_due  # sooner than a signal or a bytecode, on some threads
        if job.command is not None:
            return run_command(job, told, self.capture.writer(), record, look)
        return run_isolated(job, self.definitions, told, self.capture.writer(), record, look)


def _facts(claim: Claim) -> dict[str, object]:
    return {"schedule_id": claim.schedule.id, "occurrence_id": claim.occurrence_id}


def _milliseconds(duration: timedelta) -> int:
    return max(0, duration // timedelta(milliseconds=1))
