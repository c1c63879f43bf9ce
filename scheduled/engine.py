"""One step of the daemon's work: look where everything stands, plan, record, claim the first, run it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from scheduled.agenda import Agenda
from scheduled.clock import Clock
from scheduled.control import Control
from scheduled.errors import DatabaseUnavailableError, DuplicateError, RowLockedError, UnknownNameError
from scheduled.events import DEBUG, ERROR, INFO, WARNING, Events
from scheduled.history import RUN_PATH
from scheduled.lifeline import Lifeline
from scheduled.lock import CLAIM, Bid, Claim, Holder
from scheduled.missed_runs import Interval
from scheduled.planner import Expiry, Plan, Start, plan
from scheduled.reaping import lose_the_dead, reap_locks
from scheduled.registry import Registry
from scheduled.runner import Runner
from scheduled.spreading import share
from scheduled.store import marks
from scheduled.store.faults import despite_deadlocks
from scheduled.store.held import Held
from scheduled.store.marks import Situation, alive, free_and_due, newest_that_waits, situation
from scheduled.switching import Switcher
from scheduled.words import Reason

REAP_EVERY = timedelta(seconds=1)
AFTER_A_LOST_CLAIM = timedelta(milliseconds=20)
LOST_AFTER_SECONDS = 300.0
OTHERS_THAT_START = 10
LOCKED_PAUSE = timedelta(seconds=10)
FAULTY_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Step:
    """What one step came to."""

    worked: bool
    """It claimed or recorded something: there may be more to do at once."""
    wake_at: datetime | None = None
    """The next due instant, when there is nothing more to do before it."""


@dataclass
class Engine:
    """The way of the data, once through. On the main thread; it reads the clock once a decision."""

    held: Held
    registry: Registry
    clock: Clock
    lifeline: Lifeline
    control: Control
    runner: Runner
    events: Events
    holder: Holder
    grace: float
    least_grace: float = 0.0
    shares: bool = True
    """Whether to leave to others what is theirs for a moment. Not if we look again only after a poll."""
    _aside: set[str] = field(default_factory=set)
    _faulty: dict[str, datetime] = field(default_factory=dict)
    _locked: dict[str, datetime] = field(default_factory=dict)
    _reaped_at: datetime | None = None
    _agenda: Agenda | None = None
    _bid_is_out: bool = False
    """Something was bid for, and we have not heard yet whether we won."""
    _living: frozenset[str] = frozenset()
    """The ids of all daemons that live, ours among them."""

    def __post_init__(self) -> None:
        if self.held.has_one_writer:
            self.runner.bids = self._bid

    def begin(self) -> None:
        """Register, take what dead daemons left, and make the database know our definitions."""
        now = self.lifeline.started_at
        self.lifeline.register(self.held, self.registry.hash)
        self.reap(now)
        self.lose_the_dead(now)
        now = self.clock.now()
        actor = f"daemon {self.lifeline.name}"
        life = tuple(self.lifeline.alive(now))
        switcher = Switcher(self.held, now, actor, self.grace, life, self.lifeline.id, self.least_grace)
        for schedule_id, event in self._reconcile(switcher):
            self.events.emit(f"schedule.{event}", INFO, schedule_id=schedule_id)
        self.held.prepare(marks.RUN_PATH, [CLAIM, *RUN_PATH])

    def _reconcile(self, switcher: Switcher) -> list[tuple[str, str]]:
        """Not alone perhaps: another that starts may store the same schedules, and then they are there."""
        for _ in range(OTHERS_THAT_START):
            with suppress(DuplicateError):
                return despite_deadlocks(lambda: switcher.reconcile(self.registry))
        return switcher.reconcile(self.registry)

    def step(self) -> Step:
        """Do the next thing.

        1. Note a gap in our own life, before judging by it.
        2. Take dead locks, so that what they held can be planned.
        3. Unless the last plan still holds: plan, from where everything stands now, and record the windows
           in which nothing runs, and what waits in vain.
        4. Claim the first occurrence that can be claimed, and run it, and those that were claimed as the one
           before them ended. After that we look again.
        """
        self._feel()
        now = self.clock.now()
        if self._must_reap(now):
            self.reap(now)
            self.lose_the_dead(now)
        newest_waiting = newest_that_waits(self.held)
        agenda, worked, wake_at = self._agenda, False, None
        if agenda is None or not agenda.good(newest_waiting, now):
            agenda, worked, wake_at = self._look(newest_waiting, now)
        tried = False
        for start in agenda.take():
            if self.control.stopping:
                return Step(worked=False)
            self._agenda = None  # if the database goes away now, all is looked at again
            claim, tried = self._claim(start, now), True
            self._agenda = agenda
            if claim is None:
                self.events.emit("claim.lost", DEBUG, schedule_id=start.schedule_id, due_at=start.due_at)
                agenda.keep(free_and_due(self.held, now))
            else:
                agenda.began(start)
                self.run(claim)
                return Step(worked=True)
        if tried:  # somebody was first, or it ended without running: plan again
            return Step(worked, now + AFTER_A_LOST_CLAIM)
        return Step(worked, wake_at)

    def _look(self, newest_waiting: int, now: datetime) -> tuple[Agenda, bool, datetime | None]:
        """Plan, and record; what is to begin, whether anything was recorded, and the next due instant."""
        where = situation(self.held, now, self.registry.hashes)
        made = self._plan(where, now)
        worked = self._record(made, where.stranded, now)
        took = self.clock.now() - now
        living = self._living if self.shares else ()
        ours = share(made.starts, self.lifeline.id, living, now)
        made = replace(made, starts=ours.starts)
        self._agenda = Agenda.of(made, self.registry.schedules, newest_waiting, now, took)
        self._locked = {name: until for name, until in self._locked.items() if until > now}
        wakes = [moment for moment in (made.wake_at, ours.again_at, *self._locked.values()) if moment]
        return self._agenda, worked, min(wakes, default=None)

    def _plan(self, where: Situation, now: datetime) -> Plan:
        mine = {
            schedule_id: self.registry.schedules[schedule_id]
            for schedule_id in sorted(where.definition_hashes, key=self.registry.place)
            if self._is_mine(schedule_id, where.definition_hashes[schedule_id], now)
        }
        lives: list[Interval] = self.lifeline.alive(now)
        if where.oldest is not None and not self.lifeline.was_alive_throughout(where.oldest):
            lives += alive(self.held, where.oldest, excluding=self.lifeline.id)
        made = plan(mine, where.marks, lives, where.busy, now, grace=self.grace, least_grace=self.least_grace)
        for faulty in made.faulty:
            self._faulty[faulty.schedule_id] = now + FAULTY_PAUSE
            self.events.emit("schedule.faulty", ERROR, schedule_id=faulty.schedule_id, error=faulty.message)
        return made

    def _is_mine(self, schedule_id: str, stored_hash: str, now: datetime) -> bool:
        """Whether we may run it: not if another version defines it otherwise, nor if it broke the planner."""
        if self.registry.hashes.get(schedule_id) != stored_hash:
            if schedule_id not in self._aside:
                self._aside.add(schedule_id)
                self.events.emit("schedule.stood_aside", WARNING, schedule_id=schedule_id)
            return False
        self._aside.discard(schedule_id)
        return max(self._faulty.get(schedule_id, now), self._locked.get(schedule_id, now)) <= now

    def _record(self, made: Plan, stranded: Sequence[Expiry], now: datetime) -> bool:
        worked = False
        for expiry in (*stranded, *made.expiries):
            worked |= self._expire(expiry, now)
        for record in made.records:
            if self.holder.record(self.held, record, now):
                worked = True
                for entry in record.entries:
                    if entry.reason is not None:
                        self.events.emit(
                            "occurrence.skipped",
                            INFO,
                            schedule_id=record.schedule_id,
                            reason=entry.reason,
                            due_at=entry.due_at,
                            due_until=entry.due_until,
                            count=entry.count,
                            detail=entry.detail,
                        )
        return worked

    def _expire(self, expiry: Expiry, now: datetime) -> bool:
        expired = self.holder.expire(self.held, expiry, now)
        if expired:
            self.events.emit(
                "occurrence.skipped",
                INFO,
                schedule_id=expiry.schedule_id,
                occurrence_id=expiry.occurrence_id,
                reason=expiry.reason,
                detail=expiry.detail,
            )
        return expired

    def _claim(self, start: Start, now: datetime) -> Claim | None:
        try:
            return self.holder.claim(self.held, start, now)
        except RowLockedError:
            # Its holder may have been suspended within a transaction. All others are none the worse for it.
            self._locked[start.schedule_id] = now + LOCKED_PAUSE
            self.events.emit("claim.blocked", WARNING, schedule_id=start.schedule_id, due_at=start.due_at)
            return None
        except DatabaseUnavailableError:
            self._reaped_at = None  # perhaps it is ours, and we were not told
            raise
        except UnknownNameError as error:
            waiting = start.occurrence_id or 0
            self._expire(Expiry(waiting, start.schedule_id, Reason.JOB_UNKNOWN, str(error), instants=0), now)
            return None

    def run(self, claim: Claim) -> None:
        """Run what was claimed, and what was claimed with its end, and so on."""
        following: Claim | None = claim
        try:
            while following is not None:
                self._bid_is_out = False
                following = self._run(following)
        finally:
            if self._bid_is_out:  # perhaps it is ours, and we were not told: all is looked at again
                self._agenda = self._reaped_at = None
                self._bid_is_out = False

    def _bid(self) -> Bid | None:
        """For the next start of the agenda, if `step` would claim that now, too. Asked again: we lost."""
        now, control, agenda = self.clock.now(), self.control, self._agenda
        if self._bid_is_out and agenda is not None:
            agenda.keep(free_and_due(self.held, now))
        self._bid_is_out = False
        self.lifeline.feel(busy=True)
        if self.lifeline.has_found_gaps or self._must_reap(now) or control.leaving or control.reloading:
            return None
        if agenda is None or not agenda.good(newest_that_waits(self.held), now):
            return None
        start = agenda.take_due()
        if start is None:
            return None
        self._bid_is_out = True
        return self.holder.bid(start, now)

    def _must_reap(self, now: datetime) -> bool:
        return self._reaped_at is None or abs(now - self._reaped_at) >= REAP_EVERY

    def _run(self, claim: Claim) -> Claim | None:
        """Run it, and let the heartbeat tell of it."""
        self.lifeline.current_occurrence_id = self.lifeline.last_begun_id = claim.occurrence_id
        try:
            return self.runner.run(claim)
        finally:
            self.lifeline.current_occurrence_id = None
            self.lifeline.jobs_processed = self.runner.jobs_processed
            # Job code may have kept the side thread from feeling the pulse: that was no gap.
            self.lifeline.feel(busy=True)

    def _feel(self) -> None:
        self.lifeline.feel(busy=False)
        for gap in self.lifeline.record_gaps(self.held):
            from_at, to_at = gap.interval.start, gap.interval.end
            self.events.emit("worker.gap", WARNING, cause=gap.cause, from_at=from_at, to_at=to_at)

    def reap(self, now: datetime) -> None:
        """Take the locks of the dead."""
        self._reaped_at = now
        for reaped in reap_locks(self.held, self.lifeline, self.registry, now):
            self.events.emit(
                "lock.reaped",
                WARNING,
                schedule_id=reaped.schedule_id,
                holder=reaped.holder,
                why=reaped.why,
                occurrence_id=reaped.occurrence_id,
                requeued=reaped.requeued,
            )
            self._agenda = None

    def lose_the_dead(self, now: datetime) -> None:
        """Mark daemons as LOST that died without a word."""
        lost, self._living = lose_the_dead(self.held, self.lifeline, now, LOST_AFTER_SECONDS)
        for worker_id in lost:
            self.events.emit("worker.lost", WARNING, worker_id=worker_id)
