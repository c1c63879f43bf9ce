"""The threads on which something goes on beside the jobs: APScheduler's, by the clock, and some that loop."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from scheduled.clock import Clock
from scheduled.errors import DatabaseError
from scheduled.events import WARNING, Events
from scheduled.running.capture import Capture

POOL = "scheduled"
"""Our threads' name with APScheduler: an application may use it, too, and have it log as it likes."""
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOGGERS = [logging.getLogger(f"apscheduler.{part}.{POOL}") for part in ("scheduler", "executors")]


class Hands:
    """None of these threads is a job's, gets our signals, or ends because its work failed."""

    def __init__(self, clock: Clock, capture: Capture, events: Events) -> None:
        self._clock = clock
        self._capture = capture
        self._events = events
        self._threads: list[threading.Thread] = []
        for logger in LOGGERS:
            logger.setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            logger=LOGGERS[0],
            executors={POOL: ThreadPoolExecutor(4)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def loop(self, work: Callable[[], None], name: str) -> None:
        """Let a thread of its own do it, from the start on."""
        self._threads.append(self.thread(work, name))

    def start(self) -> None:
        """Begin."""
        # A signal that the kernel hands to a side thread does not wake a main thread that blocks in a job.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            self._scheduler.start()
            for thread in self._threads:
                thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def pause(self) -> None:
        """Begin nothing more but to loop: the interpreter ends, and with it the pool of threads."""
        self._scheduler.pause()

    def shut_down(self) -> None:
        """Begin nothing more by the clock, and wait for what has begun."""
        self._scheduler.shutdown()

    def join(self, seconds: float | None) -> None:
        """Wait for the threads that loop, each for so long at most."""
        for thread in self._threads:
            thread.join(seconds)

    def at(self, moment: datetime, work: Callable[[], None], name: str) -> None:
        """Do it then, in place of what was to be done by that name.

        APScheduler removes a job that has no next turn, and may race there with its own shutdown: so it
        has one, to which it never comes.
        """
        never_again = IntervalTrigger(days=100_000)
        self._scheduler.add_job(
            work, never_again, id=name, next_run_time=moment, replace_existing=True, executor=POOL
        )

    def every(self, seconds: float, work: Callable[[], None], name: str, *, at_once: bool = False) -> None:
        """Do it again and again; first after so many seconds, or at once."""
        options = {"next_run_time": self._clock.now()} if at_once else {}
        trigger = IntervalTrigger(seconds=timedelta(seconds=seconds).total_seconds())
        self._scheduler.add_job(
            self.owned(self.careful(work, name)), trigger, id=name, executor=POOL, **options
        )

    def thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        """A thread for it, that is still to be started."""
        return threading.Thread(target=self.owned(work), name=f"scheduled-{name}", daemon=True)

    def owned(self, work: Callable[[], None]) -> Callable[[], None]:
        """The threads of a pool are made when they are needed: each says that it is not a job's."""

        def owned() -> None:
            if not getattr(threading.current_thread(), "scheduled_own", False):
                threading.current_thread().scheduled_own = True  # type: ignore[attr-defined]
                self._capture.own()
            work()

        return owned

    def careful(self, work: Callable[[], None], name: str) -> Callable[[], None]:
        """Side work that fails, as a rule for want of the database, says so and tries again."""

        def careful() -> None:
            try:
                work()
            except Exception as error:
                told = str(error) if isinstance(error, DatabaseError) else repr(error)
                self._events.emit("sidework.failed", WARNING, work=name, error=told)

        return careful


def seldom(seconds: float, work: Callable[[], None]) -> Callable[[], None]:
    """The work, which is done at most once in so many seconds, however often it is called for."""
    due = 0.0

    def perhaps() -> None:
        nonlocal due
        if (now := time.monotonic()) >= due:
            due = now + seconds
            work()

    return perhaps
