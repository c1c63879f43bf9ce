"""The public Daemon: for those who want it within their application, instead of as a process beside it."""

import atexit
import threading
from contextlib import nullcontext
from dataclasses import replace
from typing import Self

from scheduled.clock import zone_data_version
from scheduled.control import STUBBORN_SECONDS
from scheduled.daemon import start_afresh
from scheduled.errors import ConflictError, UsageError
from scheduled.events import INFO, Events
from scheduled.host import require_platform
from scheduled.lives import DaemonStatus, Life, MainLife, ThreadLife
from scheduled.loading import load
from scheduled.logs import ApplicationLog
from scheduled.registry import Registry
from scheduled.settings import Settings, load_settings

AT_EXIT_SECONDS = STUBBORN_SECONDS + 5
"""How long the interpreter's exit waits at most for a daemon that nobody stopped."""


class Daemon:
    """Runs what is due, within your application.

        with Daemon(load_settings(), load("schedules.py")) as daemon:   # start() … stop()
            serve_requests()

    On its thread an inline job's timeout interrupts at the next bytecode: not within a call that blocks, but
    as soon as it returns. What has to be ended in any case is for isolation="process", or a command().
    """

    def __init__(self, settings: Settings | None = None, registry: Registry | None = None) -> None:
        """By default, when it starts, the settings of the environment and the definitions that they name."""
        self._settings = settings
        self._registry = registry
        self._guard = threading.Lock()
        self._life: Life | None = None

    def start(self) -> Self:
        """Run on a thread of its own from now on; not at all if SCHEDULE_DAEMON_ENABLED is false.

        1. The definitions are loaded, unless they were given, and the database made ready.
        2. The instance registers, reaps what the dead left, and reconciles the definitions.
        3. The threads are started.

        Raises:
            ConflictError: it runs already.
            DefinitionsError: the definitions have faults.
            SettingsError: the environment holds settings that are not valid.
            DatabaseError: the database is not there, or its schema is another one.
        """
        with self._guard:
            self._refuse_twice()
            settings, registry = self._given()
            if _enabled(settings):
                life = ThreadLife(settings, registry)
                life.start()
                self._life = life
                atexit.unregister(self._at_exit)
                atexit.register(self._at_exit)
        return self

    def run(self) -> None:
        """Run on the main thread, as `scheduled run` does, until SIGTERM, SIGINT or a stop() elsewhere.

        SIGHUP starts the same command afresh, if the definitions that the settings name are right. If they
        were given to this object, or on a terminal, it stops.

        Raises:
            UsageError: this is not the main thread.
            and what start() raises.
        """
        if threading.current_thread() is not threading.main_thread():
            raise UsageError("run() belongs to the main thread: start() makes a thread of its own")
        with self._guard:
            self._refuse_twice()
            settings, registry = self._given()
            if not _enabled(settings):
                return
            life = self._life = MainLife(settings, registry, reloads=self._registry is None)
        if life.run():
            start_afresh()

    def stop(self) -> None:
        """Take no new work, and return when the running job has ended and all is recorded.

        It has SCHEDULE_SHUTDOWN_GRACE_MS to end, then it is interrupted; a second stop() meanwhile interrupts
        it at once. A job that does not heed that for five seconds is left to its thread, and recorded as
        INTERRUPTED. From within a job, stop() does not wait. After it, start() starts anew.
        """
        life = self._life
        if life is not None and life.alive:
            life.stop()

    def check_now(self) -> None:
        """Look for work at once, instead of at the next due instant or poll.

        Raises:
            ConflictError: it is not running.
        """
        with self._guard:
            if self._life is None or not self._life.alive:
                raise ConflictError("the daemon is not running: start() it first")
            self._life.parts.control.wakeup.set()

    def status(self) -> DaemonStatus:
        """Whether it runs, what it runs just now, and how many jobs it has run."""
        return DaemonStatus(running=False) if self._life is None else self._life.status()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def _given(self) -> tuple[Settings, Registry]:
        require_platform()
        settings = self._settings or load_settings()
        registry = self._registry or load(settings.definitions)
        if not registry.zone_data:
            registry = replace(registry, zone_data=zone_data_version())
        return settings, registry.for_environment(settings.environment)

    def _refuse_twice(self) -> None:
        if self._life is None or not self._life.alive:
            return
        if self._life.parts.control.stopping:
            raise ConflictError("the daemon is still stopping: its running job has not ended yet")
        raise ConflictError("the daemon is running already: stop() it before you start it again")

    def _at_exit(self) -> None:
        if self._life is not None and self._life.alive:
            self._life.hurry(AT_EXIT_SECONDS)


def _enabled(settings: Settings) -> bool:
    if not settings.daemon_enabled:
        Events(ApplicationLog(nullcontext)).emit("daemon.disabled", INFO, by="SCHEDULE_DAEMON_ENABLED")
    return settings.daemon_enabled
