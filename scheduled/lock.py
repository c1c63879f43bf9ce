"""The right to run a schedule now: claim it with everything that goes with it, and renew it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from scheduled.definitions import Schedule
from scheduled.errors import DuplicateError, FencedError
from scheduled.planner import Expiry, Record, Start
from scheduled.registry import Registry
from scheduled.resuming import done_before, remember
from scheduled.sequence import Blocked
from scheduled.sequence import Sequence as Jobs
from scheduled.store import ledger, runs, schedules
from scheduled.store.at_once import Shape
from scheduled.store.held import Held
from scheduled.store.statements import Statement, Write
from scheduled.waiting import end_waiting
from scheduled.words import REQUESTS, RETRIED, Reason, Status, Trigger

CLAIM: Shape = ((ledger.LOCK_DUE, None), (ledger.ADD_OCCURRENCE, None), (runs.ADD_RUN, "occurrence_id"))
"""What is written, as a rule, to claim what is due."""


@dataclass(frozen=True)
class Claim:
    """An occurrence that is ours to run, and its first attempt, which the database knows as RUNNING."""

    occurrence_id: int
    """The fencing token."""
    schedule: Schedule
    worker_id: str
    trigger: Trigger
    due_at: datetime
    started_at: datetime
    job: str
    job_run_id: int
    sequence: Jobs
    params: Mapping[str, Any] = field(default_factory=dict)
    rerun: bool = False
    """It was interrupted once already; a second interruption is final."""


@dataclass(frozen=True)
class Bid:
    """What is written to claim an occurrence that is due: all of it, or nothing if somebody was first."""

    writes: Sequence[Write]
    claimed: Callable[[Sequence[int]], Claim]
    """The claim that this makes, given what the writes added."""


class _LostError(Exception):
    """The row that we planned from is no longer what it was: plan again."""


@dataclass(frozen=True)
class Holder:
    """Who claims: a worker instance with the definitions that it runs."""

    worker_id: str
    registry: Registry
    lease: timedelta

    def claim(self, held: Held, start: Start, now: datetime) -> Claim | None:
        """Take the lock and everything that goes with it in one transaction; None if somebody was first.

        1. The schedule's row is locked, if it still is as it was planned from, and its frontier moves on.
        2. The ledger gets a row for everything that the frontier passed.
        3. The occurrence becomes RUNNING; its id is the fencing token.
        4. The first job's attempt becomes RUNNING.

        Raises:
            UnknownNameError: a job was asked for that these definitions no longer have.
        """
        try:
            if start.occurrence_id is None:
                bid = self.bid(start, now)
                added = held.write(*bid.writes)
                return None if added is None else bid.claimed(added)
            with held.transaction():
                self._lock(held, start, now)
                schedule = self.registry.schedules[start.schedule_id]
                return self._start_waiting(held, schedule, start.occurrence_id, now)
        except (_LostError, DuplicateError):
            return None

    def record(self, held: Held, record: Record, now: datetime) -> bool:
        """Write a window in which nothing runs; False if somebody was first."""
        try:
            with held.transaction():
                self._change(held, ledger.MOVE_FRONTIER, record.schedule_id, **_window(record, now))
                for entry in record.entries:
                    ledger.add_entry(held, record.schedule_id, entry, now)
        except (_LostError, DuplicateError):
            return False
        return True

    def expire(self, held: Held, expiry: Expiry, now: datetime) -> bool:
        """Record a waiting occurrence as one that will never run; False if it no longer waits."""
        with held.transaction():
            return end_waiting(
                held,
                expiry.occurrence_id,
                expiry.schedule_id,
                expiry.reason,
                expiry.detail,
                now,
                instants=expiry.instants,
            )

    def renew(self, held: Held, now: datetime) -> int:
        """Prolong the lease of the lock that we hold; how many locks that were."""
        with held.transaction():
            return held.run(ledger.RENEW, me=self.worker_id, **self._lease_from(now))

    def _lease_from(self, now: datetime) -> dict[str, Any]:
        """When our lease ends: `now` counts only where the database has no clock of its own."""
        return {"expires": now + self.lease, "lease": self.lease.total_seconds()}

    def _lock(self, held: Held, start: Start, now: datetime) -> None:
        statement = ledger.LOCK_REQUESTED if start.trigger in REQUESTS else ledger.LOCK_OWED
        lease = {"me": self.worker_id, "the_now": now, **self._lease_from(now)}
        self._change(held, statement, start.schedule_id, **lease)

    def _change(self, held: Held, statement: Statement, schedule_id: str, **values: Any) -> None:
        mine = self.registry.hashes[schedule_id]
        if held.run(statement, the_id=schedule_id, mine=mine, **values) != 1:
            raise _LostError

    def bid(self, start: Start, now: datetime) -> Bid:
        """What claims a start that is due, and waits in no row yet."""
        schedule, record = self.registry.schedules[start.schedule_id], start.record
        assert record is not None  # noqa: S101 - a start without an occurrence has one
        order = self.registry.order_of(schedule)
        sequence = Jobs(order, self.registry.jobs)
        mine = {"the_id": schedule.id, "mine": self.registry.hashes[schedule.id], "me": self.worker_id}
        lock = {**mine, **self._lease_from(now), **_window(record, now)}
        running = {"status": Status.RUNNING, "worker_id": self.worker_id, "started_at": now}
        writes, place = [Write(ledger.LOCK_DUE, lock)], 0
        for entry in record.entries:
            if entry is not start.entry:
                writes.append(ledger.entry_of(schedule.id, entry, now))
                continue
            place = len(writes)
            writes.append(ledger.entry_of(schedule.id, entry, now, jobs_total=len(order), **running))
            first = self._first(schedule.id, start.trigger, order[0], sequence, now)
            writes.append(Write(runs.ADD_RUN, first, of="occurrence_id"))

        def claimed(added: Sequence[int]) -> Claim:
            occurrence_id, job_run_id = added[place : place + 2]
            return Claim(
                occurrence_id, schedule, self.worker_id, start.trigger, start.due_at, now,
                order[0], job_run_id, sequence, schedule.params,
            )  # fmt: skip

        return Bid(writes, claimed)

    def _start_waiting(
        self, held: Held, schedule: Schedule, occurrence_id: int, now: datetime
    ) -> Claim | None:
        """None if nothing of it is left to run: then it has ended, and the lock is free again."""
        row = held.row(schedules.OCCURRENCE, the_id=occurrence_id)
        chosen = row.jobs or None
        order = (
            self.registry.order_of_chosen(schedule, chosen) if chosen else self.registry.order_of(schedule)
        )
        done = done_before(held, row.rerun_of, set(order).difference(chosen or order))
        order = tuple(name for name in order if name not in done)
        sequence = Jobs(order, self.registry.jobs, results=done)
        if rerun := row.reason == Reason.RERUN:
            remember(held, occurrence_id, sequence)
        values = {"the_id": occurrence_id, "me": self.worker_id, "the_now": now, "jobs_total": len(order)}
        if held.run(ledger.START_WAITING, **values) != 1:
            raise _LostError
        blocked, job = sequence.next()
        trigger = Trigger(row.trigger)
        for skipped in skip_blocked(occurrence_id, schedule.id, trigger, sequence, blocked, now):
            held.make(skipped)
        if job is None:
            held.run(
                ledger.FINISH,
                the_id=occurrence_id,
                holder=self.worker_id,
                status=sequence.status,
                reason=row.reason,
                detail=row.detail,
                finished_at=now,
                **sequence.counts,
            )
            held.make(release(schedule.id, self.worker_id, sequence.status, now))
            return None
        first = self._first(schedule.id, trigger, job, sequence, now)
        job_run_id = runs.add_run(held, occurrence_id=occurrence_id, **first)
        params = {**schedule.params, **(row.params or {})}
        return Claim(
            occurrence_id,
            schedule,
            self.worker_id,
            trigger,
            row.due_at,
            now,
            job,
            job_run_id,
            sequence,
            params,
            rerun,
        )

    def _first(
        self, schedule_id: str, trigger: Trigger, job: str, sequence: Jobs, now: datetime
    ) -> dict[str, Any]:
        """The first attempt of an occurrence that begins to run."""
        return {
            "schedule_id": schedule_id,
            "job_name": job,
            "attempt": coming(sequence, job),
            "trigger": trigger,
            "status": Status.RUNNING,
            "queued_at": now,
            "started_at": now,
            "worker_id": self.worker_id,
        }


def coming(sequence: Jobs, job: str) -> int:
    """The number of the job's next attempt. It is counted when that begins: a write may be tried again."""
    return sequence.attempts.get(job, 0) + 1


def skip_blocked(
    occurrence_id: int,
    schedule_id: str,
    trigger: Trigger,
    sequence: Jobs,
    blocked: Iterable[Blocked],
    now: datetime,
) -> Iterator[Write]:
    """Record the jobs that cannot run, because one that they depend on failed."""
    for entry in blocked:
        became = sequence.statuses.get(entry.by, Status.FAILED)
        yield runs.run_of(
            occurrence_id=occurrence_id,
            schedule_id=schedule_id,
            job_name=entry.job,
            attempt=coming(sequence, entry.job),
            trigger=trigger,
            status=Status.SKIPPED,
            queued_at=now,
            finished_at=now,
            reason=Reason.DEPENDENCY_FAILED,
            error_message=f"it depends on {entry.by!r}, which is {became}",
        )


def release(schedule_id: str, holder: str, status: Status, now: datetime) -> Write:
    """Give the lock back and count the outcome."""
    return Write(
        ledger.RELEASE,
        {
            "the_id": schedule_id,
            "holder": holder,
            "status": status,
            "failed": int(status in RETRIED),
            "kept": int(status is not Status.COMPLETED),
            "the_now": now,
        },
    )


def fencing(occurrence_id: int, holder: str, counts: Mapping[str, int]) -> Write:
    """What every transaction under the lock begins with: it changes a row only while the holder has it."""
    return Write(ledger.FENCE, {"the_id": occurrence_id, "holder": holder, **counts})


def taken(occurrence_id: int, holder: str) -> FencedError:
    """What is to be raised when it changed none."""
    return FencedError(f"occurrence {occurrence_id} was taken from {holder}")


def fence(held: Held, occurrence_id: int, holder: str, counts: Mapping[str, int]) -> None:
    """Begin a transaction under the lock. Raises FencedError if the occurrence is no longer the holder's."""
    statement, values, *_ = fencing(occurrence_id, holder, counts)
    if held.run(statement, **values) != 1:
        raise taken(occurrence_id, holder)


def _window(record: Record, now: datetime) -> dict[str, Any]:
    return {
        "planned_from": record.planned_from,
        "new_frontier": record.next_run_at,
        "skipped": ledger.skipped_instants(record.entries),
        "the_now": now,
    }
