"""The process: it registers, loops, heeds signals, and leaves in good order."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import FrameType

from scheduled.clock import Clock
from scheduled.control import Control
from scheduled.engine import Engine
from scheduled.errors import DatabaseError, DatabaseUnavailableError
from scheduled.events import ERROR, INFO, Events
from scheduled.lifeline import Lifeline
from scheduled.lock import Holder
from scheduled.patience import Patience
from scheduled.registry import Registry
from scheduled.reloads import Reloads
from scheduled.runner import Runner
from scheduled.running.capture import Capture
from scheduled.running.interrupts import Interrupter
from scheduled.settings import Settings
from scheduled.sidework import Sidework
from scheduled.store.database import Database
from scheduled.words import WorkerType

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
IMPATIENCE = 0.001
"""How long before its alarm the main thread wakes by itself, so that a late alarm is no late start."""


@dataclass(frozen=True)
class Parts:
    """What a daemon is made of, put together once."""

    lifeline: Lifeline
    control: Control
    capture: Capture
    engine: Engine
    sidework: Sidework


def assemble(
    database: Database,
    settings: Settings,
    registry: Registry,
    clock: Clock,
    events: Events,
    worker_type: WorkerType = WorkerType.SCHEDULE_DAEMON,
    least_grace: float = 0.0,
    threaded: bool = False,
) -> Parts:
    """Put the parts of a daemon together, around one held connection.

    `threaded`: it runs on a thread of its own in an application's process, instead of the main one of ours.
    """
    grace = settings.missed_grace_ms / 1000
    # A schedule of less patience than most wants to know of a shorter gap.
    graces = [schedule.missed_grace for schedule in registry.schedules.values()]
    least_gap = min([grace, *(given for given in graces if isinstance(given, int | float))])
    lifeline = Lifeline(clock, worker_type, settings.poll_interval_ms, timedelta(seconds=least_gap))
    control = Control(clock, _interrupter(threaded), settings.shutdown_grace_ms / 1000)
    capture = Capture(control.interrupter.held, shared=threaded)
    held = database.hold()
    runner = Runner(
        held,
        clock,
        control,
        capture,
        events,
        settings.definitions,
        settings.job_timeout_ms / 1000,
        settings.output_limit,
        lifeline.beat_if_stale,
    )
    holder = Holder(lifeline.id, registry, timedelta(milliseconds=settings.lock_timeout_ms))
    engine = Engine(
        held, registry, clock, lifeline, control, runner, events, holder, grace, least_grace=least_grace
    )
    sidework = Sidework(database, settings, clock, control, lifeline, holder, capture, events)
    return Parts(lifeline, control, capture, engine, sidework)


def _interrupter(threaded: bool) -> Interrupter:
    if not threaded:
        return Interrupter()
    from scheduled.running.thread_interrupts import ThreadInterrupter  # only who embeds us pays for it

    return ThreadInterrupter()


@contextmanager
def hosting(parts: Parts, on_signal: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Within the block the process's signals and streams serve job code; then they are as they were found."""
    found = {number: signal.signal(number, on_signal) for number in SIGNALS}
    parts.control.interrupter.install()
    parts.capture.install()
    try:
        yield
    finally:
        parts.capture.uninstall()
        parts.control.interrupter.uninstall()
        for number, handler in found.items():
            signal.signal(number, handler)
        parts.engine.held.close()
        parts.control.wakeup.close()


class Loop:
    """Step after step, and sleep in between: on the main thread, or on one that was made for it."""

    def __init__(
        self, parts: Parts, settings: Settings, clock: Clock, events: Events, *, once: bool = False
    ) -> None:
        self.parts = parts
        self._settings = settings
        self._clock = clock
        self._events = events
        self._once = once
        self.patience = Patience(parts.control, events)
        parts.engine.shares = settings.wake == "exact" and not once

    def work(self) -> bool:
        """Work until told to stop or to reload (then true); with `once`, until nothing is due."""
        control, engine = self.parts.control, self.parts.engine
        while not control.stopping:
            if control.reloading:
                return True
            try:
                step = self.patience.persist(engine.step)
            except DatabaseUnavailableError:
                continue  # only raised when it is time to stop
            if step.worked or control.stopping or control.reloading:
                continue  # who waited for the database has perhaps heard the wake-up call already
            if self._once:
                break
            self._sleep(step.wake_at)
        return False

    def _sleep(self, wake_at: datetime | None) -> None:
        """Until the next due instant, a request, a signal, or the poll interval: whichever is first."""
        seconds = self._settings.poll_interval_ms / 1000
        if self._settings.wake == "exact" and wake_at is not None:
            self.parts.sidework.alarm(wake_at)
            until = (wake_at - self._clock.now()).total_seconds()
            seconds = min(seconds, max(0.0, until) + IMPATIENCE)
        self.parts.control.wakeup.wait(seconds)

    def tell_started(self, database: Database, registry: Registry) -> None:
        settings = self._settings
        self._events.emit(
            "daemon.started", INFO, name=self.parts.lifeline.name, database=database.name,
            schedules=len(registry.schedules), jobs=len(registry.jobs), environment=settings.environment,
            poll_interval_ms=settings.poll_interval_ms, wake=settings.wake,
        )  # fmt: skip

    def leave(self) -> None:
        """The instance is STOPPED. Raises DatabaseUnavailableError if the database is away for too long."""
        lifeline, held = self.parts.lifeline, self.parts.engine.held
        with self.parts.sidework.minded():
            self.patience.persist(lambda: lifeline.stop(held, self._clock.now()))
        self._events.emit("daemon.stopped", INFO, jobs_processed=lifeline.jobs_processed)


def least_grace(settings: Settings, *, once: bool = False) -> float:
    """The grace in seconds that holds for all schedules: a daemon that only polls is late by as much."""
    return settings.poll_interval_ms / 1000 if once or settings.wake == "poll" else 0.0


class Daemon(Loop):
    """The process: it runs what is due, until it is told to stop. Its `run` belongs to the main thread."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        database: Database,
        events: Events,
        clock: Clock | None = None,
        *,
        once: bool = False,
        check_options: Sequence[str] = (),
        reloads: bool = True,
    ) -> None:
        """`check_options`: what `scheduled check` needs to be told, to check what a reload would load.

        Without `reloads`, SIGHUP stops.
        """
        clock = clock or Clock()
        grace = least_grace(settings, once=once)
        parts = assemble(database, settings, registry, clock, events, least_grace=grace)
        super().__init__(parts, settings, clock, events, once=once)
        self._database = database
        self._registry = registry
        self._checks = Reloads(check_options, self._reload)
        self._heeds_reloads = reloads and not (sys.stdin is not None and sys.stdin.isatty())

    @property
    def worker_id(self) -> str:
        return self.parts.lifeline.id

    def run(self) -> bool:
        """Work until told to stop (or, `once`, until nothing is due); whether it is to be started afresh.

        1. The signals and the streams become ours.
        2. The instance registers, reaps what the dead left, and reconciles the definitions.
        3. Step after step, and sleep in between.
        4. The instance is STOPPED, the signals and streams are given back.

        From a reload on, SIGHUP waits, through exec (signal(7)), until whoever starts afresh can heed it:
        meanwhile it would be the end of the process.

        Raises:
            DatabaseUnavailableError: the database was away when the time to stop had come.
        """
        parts = self.parts
        with hosting(parts, self._on_signal):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGHUP])
            self.patience.persist(parts.engine.begin)
            parts.sidework.start()
            self.tell_started(self._database, self._registry)
            try:
                afresh = self.work()
            finally:
                parts.sidework.stop()
            self.leave()
            afresh = afresh and not parts.control.stopping
            if afresh:
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
        return afresh

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP and self._heeds_reloads:
            self._checks.ask()
        else:
            self.parts.control.stop()

    def _reload(self, faults: str | None) -> None:
        """Reload if they load, else keep the old ones and say why."""
        self.parts.capture.own()
        if faults is None:
            self._events.emit("daemon.reloading", INFO)
            self.parts.control.reload()
            return
        from scheduled.rejecting import note_rejected  # seldom needed, and for as long in memory

        self.parts.control.stay()
        self._events.emit("definitions.rejected", ERROR, faults=faults)
        with suppress(DatabaseError), self._database.hold() as held:  # then the log alone tells of it
            note_rejected(held, self._clock.now(), f"daemon {self.parts.lifeline.name}", faults)


def leave(status: int, within: float = 2.0) -> None:
    """End the process in a moment, also if a job left a thread or an atexit handler that would keep it."""
    last_resort = threading.Timer(within, os._exit, (status,))
    last_resort.daemon = True
    last_resort.start()


def start_afresh() -> None:
    """Become the same command again: same pid, fresh modules."""
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - as we were called
