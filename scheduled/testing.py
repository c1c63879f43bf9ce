"""For tests of your own schedules.py: a clock that you set, and a daemon that you crank by hand.

It is the real planner, claim, runner and history, over a database in memory. Only time is not real.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduled.clock import Clock
from scheduled.commands import Commands
from scheduled.daemon import Parts, assemble
from scheduled.events import Event, Events
from scheduled.loading import load
from scheduled.registry import Registry
from scheduled.settings import Settings
from scheduled.store import rows as reads
from scheduled.store.database import Database
from scheduled.store.schema import prepare

START = datetime(2026, 1, 1, tzinfo=UTC)


class SettableClock(Clock):
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: datetime = START) -> None:
        if now.tzinfo is None:
            raise ValueError(f"{now!r} has no time zone")
        self._now = now.astimezone(UTC)
        self._awake = 0.0
        self._since_boot = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._awake

    def since_boot(self) -> float:
        return self._since_boot

    def wait(self, wait: Callable[[float], object], seconds: float) -> None:
        self.advance(seconds=seconds)

    def advance(self, **duration: float) -> None:
        """Time passes: `advance(minutes=5)`. For a job to take time, let it call this."""
        passed = timedelta(**duration)
        self._now += passed
        self._awake += passed.total_seconds()
        self._since_boot += passed.total_seconds()

    def advance_to(self, moment: datetime) -> None:
        """Time passes until that instant."""
        self.advance(seconds=max(0.0, (moment - self._now).total_seconds()))

    def step(self, **duration: float) -> None:
        """Somebody sets the clock, forward or (with a negative duration) back."""
        self._now += timedelta(**duration)

    def suspend(self, **duration: float) -> None:
        """The host sleeps for so long."""
        asleep = timedelta(**duration)
        self._now += asleep
        self._since_boot += asleep.total_seconds()


@dataclass(frozen=True)
class Row:
    """An occurrence, as the ledger has it."""

    id: int
    schedule_id: str
    due_at: datetime
    due_until: datetime
    due_count: int
    trigger: str
    status: str
    reason: str | None
    detail: str | None
    started_at: datetime | None
    finished_at: datetime | None


class ManualDaemon:
    """A daemon without a process: time passes when you say so, and it does what a real one would do then."""

    def __init__(
        self,
        definitions: str | Registry = "schedules.py",
        *,
        now: datetime = START,
        settings: Settings | None = None,
        database: Database | None = None,
        clock: SettableClock | None = None,
    ) -> None:
        """`database` and `clock` may be those of another: then they are two daemons side by side.

        Raises DefinitionsError if the definitions have faults.
        """
        self.settings = settings or Settings()
        self.registry = (
            definitions if isinstance(definitions, Registry) else load(definitions, self.settings.environment)
        )
        self.clock = clock or SettableClock(now)
        self.database = database or Database("sqlite://", create=True)
        self.events: list[Event] = []
        prepare(self.database, auto_migrate=True)
        self._parts: Parts | None = None
        self.start()

    @property
    def parts(self) -> Parts:
        """The parts of the daemon that lives now. Raises RuntimeError if none does."""
        if self._parts is None:
            raise RuntimeError("the daemon is down: start() it first")
        return self._parts

    def start(self, definitions: str | Registry | None = None) -> None:
        """A daemon process starts, with these definitions if they are given (a deploy)."""
        if definitions is not None:
            self.registry = definitions if isinstance(definitions, Registry) else load(definitions)
        events = Events(self.events.append)
        self._parts = assemble(self.database, self.settings, self.registry, self.clock, events)
        self._parts.engine.begin()

    def stop(self) -> None:
        """The daemon process stops in good order."""
        parts, self._parts = self.parts, None
        parts.lifeline.stop(parts.engine.held, self.clock.now())
        self._drop(parts)

    def crash(self) -> None:
        """The daemon process is killed: it writes nothing more."""
        parts, self._parts = self.parts, None
        self._drop(parts)

    def close(self) -> None:
        """The test is over."""
        if self._parts is not None:
            self._drop(self._parts)
            self._parts = None
        self.database.close()

    def beat(self) -> None:
        """The heartbeat, which a real daemon sends from its side thread also while a job runs."""
        self.parts.lifeline.beat(self.parts.engine.held, self.clock.now())

    def run_due(self) -> None:
        """Do everything that is due at this instant."""
        while self.parts.engine.step().worked:
            pass

    def advance(self, **duration: float) -> None:
        """Let time pass, `advance(days=2)`, and do everything that is due on the way."""
        self.advance_to(self.clock.now() + timedelta(**duration))

    def advance_to(self, moment: datetime) -> None:
        """Let time pass until that instant, and do everything that is due on the way."""
        while True:
            step = self.parts.engine.step()
            if step.worked:
                continue
            heartbeat = self.clock.now() + timedelta(milliseconds=self.settings.heartbeat_interval_ms)
            until = min(moment, step.wake_at or moment)
            if self.clock.now() >= moment:
                return
            if until > heartbeat:
                self._beat_until(until)
            self.clock.advance_to(until)
            self.parts.lifeline.feel(busy=True)

    def down(self, **duration: float) -> None:
        """The daemon stops, time passes, and it starts again."""
        self.stop()
        self.clock.advance(**duration)
        self.start()

    def enable(self, *ids: str, reason: str | None = None) -> None:
        self.commands.enable(ids, reason)

    def disable(self, *ids: str, reason: str | None = None) -> None:
        self.commands.disable(ids, reason)

    def trigger(self, schedule_id: str, *jobs: str, **params: Any) -> int:
        """Ask for a run now; its occurrence's id. It runs when time passes, or at run_due()."""
        return self.commands.trigger(schedule_id, jobs, params).occurrence_id

    def cancel(self, occurrence_id: int) -> None:
        self.commands.cancel(occurrence_id)

    @property
    def commands(self) -> Commands:
        return Commands(self.database, "test", self.settings.missed_grace_ms / 1000, self.clock)

    def ledger(self, schedule_id: str | None = None) -> list[Row]:
        """All occurrences, or those of one schedule, in the order of their due instants."""
        return [Row(**row) for row in reads.occurrences(self.database, schedule_id)]

    def ran(self, schedule_id: str) -> list[Row]:
        """The occurrences that were started, in the order of their due instants."""
        return [row for row in self.ledger(schedule_id) if row.started_at is not None]

    def skipped(self, schedule_id: str, reason: str | None = None) -> list[Row]:
        """The stretches that were skipped, for that reason if one is given."""
        rows = [row for row in self.ledger(schedule_id) if row.status == "SKIPPED"]
        return [row for row in rows if reason is None or row.reason == reason]

    def runs(self, occurrence_id: int | None = None) -> list[dict[str, Any]]:
        """The attempts to run jobs, in the order in which they were made."""
        return reads.runs(self.database, occurrence_id)

    def schedule(self, schedule_id: str) -> dict[str, Any]:
        """The schedule's row."""
        return reads.schedule(self.database, schedule_id)

    def history_of(self, schedule_id: str) -> list[dict[str, Any]]:
        """The schedule's events, oldest first."""
        return reads.events(self.database, schedule_id)

    def _beat_until(self, moment: datetime) -> None:
        """A real daemon's side thread would have beaten all the while: the last beat is what counts."""
        interval = timedelta(milliseconds=self.settings.heartbeat_interval_ms)
        beats = (moment - self.clock.now()) // interval
        self.parts.lifeline.beat(self.parts.engine.held, self.clock.now() + beats * interval)
        self.clock.advance_to(self.clock.now() + beats * interval)

    @staticmethod
    def _drop(parts: Parts) -> None:
        parts.engine.held.close()
        parts.control.wakeup.close()


@contextmanager
def manual_daemon(definitions: str | Registry = "schedules.py", **options: Any) -> Iterator[ManualDaemon]:
    """A ManualDaemon that is closed at the end of the block."""
    daemon = ManualDaemon(definitions, **options)
    try:
        yield daemon
    finally:
        daemon.close()
