"""Two daemons that a machine drives: time passes for them slice by slice, with what their side threads do.

They live on two hosts, on one database and one clock. Each may be killed before any action on the database or
within a job, stand still (SIGSTOP), stop, and start with other definitions.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduled import collecting
from scheduled.commands import Commands
from scheduled.context import JobContext
from scheduled.definitions import job
from scheduled.registry import Registry
from scheduled.runner import Runner
from scheduled.running.calling import Outcome
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.schema import prepare
from scheduled.testing import ManualDaemon, SettableClock
from tests.commits import before_and_after_commits

SLICE = timedelta(seconds=30)
"""A heartbeat's interval: in so small pieces time passes while a daemon lives."""


class Killed(BaseException):
    """The daemon's process is no more."""


class WatchedClock(SettableClock):
    """Tells of each of its moves: from when, to when, and whether the processes lived through it."""

    moved: Callable[[datetime, datetime, bool], None] = staticmethod(lambda *_: None)

    def advance(self, **duration: float) -> None:
        before = self.now()
        super().advance(**duration)
        self.moved(before, self.now(), True)

    def step(self, **duration: float) -> None:
        before = self.now()
        super().step(**duration)
        self.moved(before, self.now(), False)

    def suspend(self, **duration: float) -> None:
        before = self.now()
        super().suspend(**duration)
        self.moved(before, self.now(), False)


@dataclass
class Side:
    """One of the two hosts, and the daemon on it, if one lives there."""

    host: str
    crank: ManualDaemon | None = None
    halted: bool = False
    since: datetime | None = None
    """Since when it has lived without a break."""
    born: datetime | None = None
    """When its process began."""


@dataclass(frozen=True)
class Deed:
    """What the next job does: it takes so long, and in the middle of it something happens."""

    seconds: float = 0.0
    happens: str = "nothing"
    """nothing, raises, killed, halted, cancelled, stepped, switched, deployed"""


class Stage:
    """The database, the clock, the two hosts, and what the jobs that ran there did."""

    def __init__(self, now: datetime) -> None:
        self.clock = WatchedClock(now)
        self.database = Database("sqlite://", create=True)
        self.settings = Settings()
        self.sides = [Side("here"), Side("there")]
        self.lives: list[tuple[datetime, datetime]] = []
        """When a daemon lived, stood not still and was not put to sleep."""
        self.processes: list[tuple[datetime, datetime]] = []
        """When there was a daemon's process at all."""
        self.runs: list[tuple[str, datetime, datetime]] = []
        self.notes: Counter[tuple[int, str, int]] = Counter()
        self.deeds: deque[Deed] = deque()
        self.fuse: int | None = None
        self.switch: Callable[[str], None] = lambda _schedule_id: None
        self.deploy: Callable[[str, Side], None] = lambda _schedule_id, _side: None
        """What the machine does when a job says so: it knows what was owed before."""
        self._working: list[Side] = []
        self._burning = False
        self._doomed: Side | None = None
        self._patch = pytest.MonkeyPatch()
        self._jobs_before = collecting.jobs_so_far()
        prepare(self.database, auto_migrate=True)
        self._hook()
        self._define_jobs()

    def close(self) -> None:
        for side in self.sides:
            if side.crank is not None:
                side.crank.crash()
        self.database.close()
        self._patch.undo()
        collecting.restore(self._jobs_before)

    @property
    def commands(self) -> Commands:
        return Commands(self.database, "somebody", self.settings.missed_grace_ms / 1000, self.clock)

    @property
    def living(self) -> list[Side]:
        return [side for side in self.sides if side.crank is not None]

    # ── what befalls a daemon ───────────────────────────────────────────────

    def start(self, side: Side, registry: Registry) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("scheduled.lifeline.socket.gethostname", lambda: side.host)
            side.crank = ManualDaemon(
                registry, settings=self.settings, database=self.database, clock=self.clock
            )
        side.since = side.born = self.clock.now()
        side.halted = False

    def stop(self, side: Side) -> None:
        assert side.crank is not None
        side.crank.stop()
        self._ended(side)

    def crash(self, side: Side) -> None:
        assert side.crank is not None
        side.crank.crash()
        self._ended(side)

    def halt(self, side: Side, seconds: float) -> None:
        """SIGSTOP; time passes; SIGCONT."""
        self._pause(side)
        side.halted = True
        self.let_pass(seconds)
        side.halted, side.since = False, self.clock.now()
        self._side_threads(side)

    def is_working(self, side: Side) -> bool:
        """Whether a job runs there."""
        return side in self._working

    def history(self) -> tuple[list[tuple[datetime, datetime]], list[tuple[datetime, datetime]]]:
        """The lives, and the processes, up to now."""
        now = self.clock.now()
        lives = [(side.since, now) for side in self.living if side.since is not None]
        return self.lives + lives, self.processes + [(side.born, now) for side in self.living if side.born]

    def _pause(self, side: Side) -> None:
        if side.since is not None:
            self.lives.append((side.since, self.clock.now()))
        side.since = None

    def slept(self, since: datetime) -> None:
        """From then until now all stood still: the host slept, or the clock jumped over it."""
        for side in self.living:
            if side.since is not None:
                self.lives.append((side.since, since))
                side.since = self.clock.now()

    def _ended(self, side: Side) -> None:
        self._pause(side)
        if side.born is not None:
            self.processes.append((side.born, self.clock.now()))
        side.crank, side.halted = None, False

    # ── time ────────────────────────────────────────────────────────────────

    def let_pass(self, seconds: float) -> None:
        """Time passes, and everybody who is free to do so does what is due on the way."""
        until = self.clock.now() + timedelta(seconds=seconds)
        while True:
            wakes = [self.drain(side) for side in self.sides]
            now = self.clock.now()
            if now >= until:
                return
            following = [wake for wake in wakes if wake is not None and wake > now]
            if not any(side.crank is not None and not side.halted for side in self.sides):
                self.clock.advance_to(until)
                continue
            self.clock.advance_to(min(until, now + SLICE, *following))
            for side in self.sides:
                self._side_threads(side)

    def drain(self, side: Side) -> datetime | None:
        """Let the daemon do what there is to do; when it wants to be woken. Nothing if it is not free."""
        if side.crank is None or side.halted or side in self._working:
            return None
        for _ in range(2000):
            try:
                with self._at_work(side):
                    step = side.crank.parts.engine.step()
            except Killed:
                self.crash(side)
                return None
            if not step.worked:
                return step.wake_at
        raise AssertionError("it goes on and on without an end")

    def _side_threads(self, side: Side) -> None:
        """The heartbeat, the lease, the look at cancellations and at the pulse."""
        if side.crank is None or side.halted:
            return
        with self._off_the_fuse():
            side.crank.beat()
            side.crank.parts.sidework._renew()
            side.crank.parts.sidework._look_for_cancel()
            side.crank.parts.lifeline.feel(busy=side in self._working)

    @contextmanager
    def _at_work(self, side: Side) -> Iterator[None]:
        self._working.append(side)
        burning, self._burning = self._burning, True
        try:
            yield
        finally:
            self._burning = burning
            self._working.remove(side)

    @contextmanager
    def _off_the_fuse(self) -> Iterator[None]:
        burning, self._burning = self._burning, False
        try:
            yield
        finally:
            self._burning = burning

    # ── the jobs, and death ─────────────────────────────────────────────────

    def _define_jobs(self) -> None:
        def work(ctx: JobContext) -> str:
            return self._work(ctx)

        def after(ctx: JobContext) -> str:
            return self._work(ctx)

        job(name="work", timeout=10**6)(work)
        job(name="after", depends_on=["work"], retries=1, retry_backoff=3, timeout=10**6)(after)

    def _work(self, ctx: JobContext) -> str:
        side = self._working[-1]
        self.notes[ctx.occurrence_id, ctx.job_name, ctx.attempt] += 1
        deed = self.deeds.popleft() if self.deeds else Deed()
        began = self.clock.now()
        with self._off_the_fuse():
            try:
                self.let_pass(deed.seconds / 2)
                self._happen(deed.happens, side, ctx)
                self.let_pass(deed.seconds / 2)
            finally:
                if ctx.trigger in ("CRON", "CATCH_UP"):
                    self.runs.append((ctx.schedule_id, began, self.clock.now()))
        if deed.happens == "raises":
            raise ValueError("as it was told")
        return "done"

    def _happen(self, what: str, side: Side, ctx: JobContext) -> None:
        if what == "killed":
            self._doomed = side
        elif what == "halted":
            self.halt(side, 400)
        elif what == "cancelled":
            self.commands.cancel(ctx.occurrence_id)
        elif what == "stepped":
            self.clock.step(minutes=7)
        elif what == "switched":
            self.switch(ctx.schedule_id)
        elif what == "deployed":
            self.deploy(ctx.schedule_id, next(other for other in self.sides if other is not side))

    def _hook(self) -> None:
        """Death: within a job, or before any action on the database, when the fuse has burnt down."""
        call, execute = Runner._call, Held._execute

        def call_or_die(runner: Runner, *arguments: Any) -> Outcome:
            outcome = call(runner, *arguments)
            if self._doomed is not None and self._doomed is self._working[-1]:
                self._doomed = None
                raise Killed
            return outcome

        def execute_or_die(held: Held, sql: str, parameters: Any) -> Any:
            self._burn()
            return execute(held, sql, parameters)

        self._patch.setattr(Runner, "_call", call_or_die)
        self._patch.setattr(Held, "_execute", execute_or_die)
        before_and_after_commits(self._patch, self._burn, self._burn)

    def _burn(self) -> None:
        if self.fuse is None or not self._burning:
            return
        self.fuse -= 1
        if self.fuse <= 0:
            self.fuse = None
            raise Killed
