"""For tests of your own schedules.py: a clock that you set, and a daemon that you crank by hand.

It is the real planner, claim, runner and history, over a database in memory. Only time is not real.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from scheduled.commands import Commands
from scheduled.daemon import Parts, assemble
from scheduled.definitions import Job
from scheduled.errors import UnknownNameError, did_you_mean
from scheduled.events import Event, Events
from scheduled.loading import load
from scheduled.registry import Registry
from scheduled.running.restore import Untouched, restored
from scheduled.settable import START, SettableClock
from scheduled.settings import Settings
from scheduled.store import rows as reads
from scheduled.store.database import Database
from scheduled.store.schema import prepare_in_memory
from scheduled.words import Reason

__all__ = ["START", "ManualDaemon", "Row", "SettableClock", "manual_daemon"]

FEWER_COLLECTIONS = (50_000, 20, 100)
"""Time that passes makes millions of objects, and hardly any that only the collector would find."""


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
        self._stubs: dict[str, Callable[[], Any]] = {}
        self._beat_due: datetime | None = None
        self._define(definitions)
        self.clock = clock or SettableClock(now)
        self.database = database or Database("sqlite://", create=True, own_clock=True)
        self.events: list[Event] = []
        prepare_in_memory(self.database)
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
            self._define(definitions)
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
        runner, thresholds = self.parts.engine.runner, gc.get_threshold()
        # Where no real job runs, nothing of the process changes.
        runner.guard = Untouched if self._stubs.keys() >= self.registry.jobs.keys() else restored
        gc.set_threshold(*FEWER_COLLECTIONS)
        try:
            self._advance_to(moment)
        finally:
            gc.set_threshold(*thresholds)
            self._beat_at_last()

    def _advance_to(self, moment: datetime) -> None:
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
        """Switch schedules on; all of them, if none is named. New ones are off, as in a real database."""
        self.commands.enable(ids or list(self.registry.schedules), reason)

    def disable(self, *ids: str, reason: str | None = None) -> None:
        """Switch schedules off; all of them, if none is named."""
        self.commands.disable(ids or list(self.registry.schedules), reason)

    def stub(
        self,
        *jobs: str,
        seconds: float = 0.0,
        returns: Any = None,
        raises: BaseException | type[BaseException] | None = None,
    ) -> None:
        """From now on these jobs (all, if none is named) do not run, but pretend to: functions and commands.

        They take so many `seconds` of the daemon's time, and then return or raise that.

        Raises:
            UnknownNameError: there is no such job.
        """

        def pretend() -> Any:
            self.clock.advance(seconds=seconds)
            if raises is not None:
                raise raises
            return returns

        for name in jobs or list(self.registry.jobs):
            self._replace(self.registry.job(name), pretend)
            self._stubs[name] = pretend

    def trigger(
        self, schedule_id: str, *jobs: str, for_instant: datetime | None = None, **params: Any
    ) -> int:
        """Ask for a run now; its occurrence's id. It runs when time passes, or at run_due().

        `for_instant`: the past due instant that it is for, as a re-run for yesterday.
        """
        return self.commands.trigger(schedule_id, jobs, params, for_instant=for_instant).occurrence_id

    def cancel(self, occurrence_id: int) -> None:
        self.commands.cancel(occurrence_id)

    @property
    def commands(self) -> Commands:
        return Commands(self.database, "test", self.settings.missed_grace_ms / 1000, self.clock)

    def ledger(self, schedule_id: str | None = None) -> list[Row]:
        """All occurrences, or those of one schedule, in the order of their due instants.

        Raises:
            UnknownNameError: there is no such schedule.
        """
        self._known(schedule_id)
        return [Row(**row) for row in reads.occurrences(self.database, schedule_id)]

    def ran(self, schedule_id: str) -> list[Row]:
        """The occurrences that were started, in the order of their due instants."""
        return [row for row in self.ledger(schedule_id) if row.started_at is not None]

    def skipped(self, schedule_id: str, reason: str | None = None) -> list[Row]:
        """The stretches that were skipped, for that reason if one is given.

        Raises:
            UnknownNameError: there is no such schedule, or no such reason.
        """
        if reason is not None and reason not in (known := [one.value for one in Reason]):
            raise UnknownNameError(f"there is no reason {reason!r}: {did_you_mean(reason, known)}")
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

    def _define(self, definitions: str | Registry) -> None:
        """Load the definitions, and pretend in place of the jobs that were stubbed."""
        if isinstance(definitions, str):
            # Jobs that run in a process of their own are loaded there by what the settings say.
            self.settings = self.settings.model_copy(update={"definitions": definitions})
            definitions = load(definitions, self.settings.environment)
        self.registry = replace(definitions, jobs=dict(definitions.jobs))
        for name in self._stubs.keys() & self.registry.jobs.keys():
            self._replace(self.registry.jobs[name], self._stubs[name])

    def _replace(self, job: Job, function: Callable[[], Any]) -> None:
        jobs = cast(dict[str, Job], self.registry.jobs)
        jobs[job.name] = replace(job, function=function, command=None, isolation="inline", env={}, cwd=None)

    def _known(self, schedule_id: str | None) -> None:
        """A misspelt name must not look like a schedule that never ran."""
        if schedule_id is not None and schedule_id not in reads.schedule_ids(self.database):
            self.registry.schedule(schedule_id)

    def _beat_until(self, moment: datetime) -> None:
        """A real daemon's side thread would have beaten all the while: the last beat is what counts."""
        interval = timedelta(milliseconds=self.settings.heartbeat_interval_ms)
        beats = (moment - self.clock.now()) // interval
        self._beat_due = self.clock.now() + beats * interval
        self.clock.advance_to(self._beat_due)

    def _beat_at_last(self) -> None:
        """Nobody else looks while time passes: so one heartbeat is written at its end, as of its time."""
        due, self._beat_due = self._beat_due, None
        if due is not None and self._parts is not None and due > self._parts.lifeline.last_beat:
            self._parts.lifeline.beat(self._parts.engine.held, due)

    @staticmethod
    def _drop(parts: Parts) -> None:
        parts.capture.uninstall()
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
