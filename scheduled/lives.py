"""One life of a daemon within Python code, from start to stop: on the main thread, or on one of its own."""

import os
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from scheduled.clock import Clock
from scheduled.daemon import Daemon as Process
from scheduled.daemon import Loop, Parts, assemble, least_grace
from scheduled.errors import DatabaseError
from scheduled.events import ERROR, WARNING, Event, Events
from scheduled.logs import ApplicationLog
from scheduled.registry import Registry
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.store.schema import prepare


@dataclass(frozen=True)
class Current:
    """What runs just now."""

    schedule_id: str
    occurrence_id: int
    due_at: datetime
    job: str | None = None


@dataclass(frozen=True)
class DaemonStatus:
    """How a daemon is doing."""

    running: bool
    stopping: bool = False
    """It runs on until its job has ended."""
    current: Current | None = None
    """What runs just now, if anything does."""
    jobs_processed: int = 0
    """How many attempts to run jobs it has made since it was started."""
    worker_id: str | None = None
    """Its id among the instances that `scheduled workers` lists."""
    started_at: datetime | None = None
    error: str | None = None
    """What ended it, if that was no stop(): the log tells more."""


class Life:
    """One stretch from start to stop."""

    parts: Parts

    def __init__(self) -> None:
        self.current: Current | None = None
        self.error: str | None = None
        self.over = threading.Event()
        self._pid = os.getpid()

    @property
    def alive(self) -> bool:
        """Whether it goes on, and in this process: a thread does not survive a fork."""
        return not self.over.is_set() and self._pid == os.getpid()

    def stop(self) -> None:
        self.parts.control.stop()
        if threading.current_thread() is not self.thread:
            self.over.wait()

    @property
    def thread(self) -> threading.Thread:
        """The one that jobs run on."""
        return threading.main_thread()

    def hurry(self, seconds: float) -> None:
        """Interrupt what runs, and wait for so long at most until that is recorded."""
        self.parts.control.stop()
        self.parts.control.stop()
        self.over.wait(seconds)

    def status(self) -> DaemonStatus:
        control, lifeline = self.parts.control, self.parts.lifeline
        return DaemonStatus(
            running=self.alive,
            stopping=self.alive and control.stopping,
            current=self.current if self.alive else None,
            jobs_processed=self.parts.engine.runner.jobs_processed,
            worker_id=lifeline.id,
            started_at=lifeline.started_at,
            error=self.error,
        )

    def note(self, event: Event) -> None:
        """Follow what runs."""
        fields = event.fields
        if event.name == "occurrence.started":
            self.current = Current(fields["schedule_id"], fields["occurrence_id"], fields["due_at"])
        elif event.name == "job.started" and self.current is not None:
            self.current = replace(self.current, job=fields["job"])
        elif event.name in ("occurrence.finished", "occurrence.fenced"):
            self.current = None


class MainLife(Life):
    """On the main thread, with the signals and the streams of a process that has nothing else to do."""

    def __init__(self, settings: Settings, registry: Registry, *, reloads: bool) -> None:
        super().__init__()
        self.database = _open(settings)
        events = Events(self.note)
        options = ("--schedules", settings.definitions)
        self.process = Process(
            settings, registry, self.database, events, check_options=options, reloads=reloads
        )
        self.parts = self.process.parts
        events.subscribe(ApplicationLog(self.parts.capture.aside))

    def run(self) -> bool:
        """Whether the command is to be started afresh."""
        try:
            return self.process.run()
        finally:
            self.over.set()
            self.database.close()


class ThreadLife(Life):
    """On a thread of its own, among those of an application."""

    def __init__(self, settings: Settings, registry: Registry) -> None:
        super().__init__()
        self.database = _open(settings)
        self.registry = registry
        clock = Clock()
        self.events = Events(self.note)
        self.parts = assemble(
            self.database, settings, registry, clock, self.events,
            least_grace=least_grace(settings), threaded=True,
        )  # fmt: skip
        self.events.subscribe(ApplicationLog(self.parts.capture.aside))
        self.parts.sidework.on_give_up = self._give_up
        self._loop = Loop(self.parts, settings, clock, self.events)
        self._thread = threading.Thread(target=self._run, name="scheduled", daemon=True)
        self._abandoned = False
        self._left = False
        self._leaving = threading.Lock()

    @property
    def thread(self) -> threading.Thread:
        return self._thread

    def start(self) -> None:
        """Whatever can go wrong, goes wrong here, on the caller's thread."""
        lifeline, held = self.parts.lifeline, self.parts.engine.held
        try:
            self.parts.engine.begin()
        except BaseException:
            with suppress(DatabaseError):  # it may have registered
                lifeline.stop(held, Clock().now())
            self._close()
            raise
        self.parts.capture.install()
        self.parts.sidework.start()
        self._loop.tell_started(self.database, self.registry)
        self._thread.start()

    def stop(self) -> None:
        super().stop()
        if self.over.is_set():
            self._leave_the_process_alone()

    def hurry(self, seconds: float) -> None:
        self.parts.sidework.pause()
        super().hurry(seconds)

    def _run(self) -> None:
        """Work until told to stop; then end the threads, give back the streams, and be STOPPED."""
        self.parts.control.interrupter.install()
        try:
            self._loop.work()
        except BaseException as error:
            self.error = f"{type(error).__name__}: {error}"
            told = "".join(traceback.format_exception(error))
            self.events.emit("daemon.failed", ERROR, error=self.error, traceback=told)
            self.parts.control.stop()  # and wait for the database no longer than one that was told to stop
        self._leave_the_process_alone()
        if not self._abandoned:
            try:
                self._loop.leave()
            except DatabaseError as error:
                self.events.emit("daemon.left", WARNING, error=str(error))
        self._close()
        self.over.set()

    def _give_up(self) -> None:
        """From the side thread: the job goes on, but whatever it does, it writes nothing more."""
        self._abandoned = True
        occurrence_id = self.parts.control.occurrence_id
        if occurrence_id is not None:
            self.parts.control.fence(occurrence_id)
        self.over.set()

    def _leave_the_process_alone(self) -> None:
        with self._leaving:
            if not self._left:
                self._left = True
                self.parts.sidework.stop()
                self.parts.capture.uninstall()

    def _close(self) -> None:
        self.parts.engine.held.close()
        self.parts.control.wakeup.close()
        self.database.close()


def _open(settings: Settings) -> Database:
    database = Database(settings.database_url, create=True)
    try:
        prepare(database, settings.migrates)
    except BaseException:
        database.close()
        raise
    return database
