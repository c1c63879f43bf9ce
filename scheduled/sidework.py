"""What goes on beside the jobs, on APScheduler's threads: heartbeat, lease, deadlines, requests, alarm."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from scheduled.clock import Clock
from scheduled.control import Control
from scheduled.errors import DatabaseError, DatabaseUnavailableError
from scheduled.events import ERROR, INFO, WARNING, Events
from scheduled.lifeline import Lifeline
from scheduled.lock import Holder
from scheduled.reaping import reap_own, why_dead
from scheduled.reporting import Reporter
from scheduled.retention import Pruned, forget_expired, prune
from scheduled.running.capture import Capture
from scheduled.settings import Settings
from scheduled.store import schedules, workers
from scheduled.store.database import Database
from scheduled.store.listening import Ear, Newspaper
from scheduled.store.watching import Watch

POOL = "scheduled"
"""Our threads' name with APScheduler: an application may use it, too, and have it log as it likes."""
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOGGERS = [logging.getLogger(f"apscheduler.{part}.{POOL}") for part in ("scheduler", "executors")]
HOUSEKEEPING_SECONDS = 3600.0
LOCKS_SECONDS = 2.0
LOOKS_FOR_LOCKS = 18
"""On SQLite, where a query waits for nobody, it is done by one of so many looks: the pool costs more."""
LISTEN_SECONDS = 1.0
LOOKS_FOR_PULSE = 9
"""The gaps that the pulse tells of last for seconds: one of so many looks is enough for it."""
LOOK_SECONDS = 0.11
"""How often deadlines and SQLite's change counter are looked at."""


class Sidework:
    """The daemon's second pair of hands. Its connections are for its threads alone.

    On SQLite one writes and one looks, as a write may wait for seconds for its turn, and requests must not. A
    server gets one for both. Whatever the database does, deadlines wait for nothing.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        clock: Clock,
        control: Control,
        lifeline: Lifeline,
        holder: Holder,
        capture: Capture,
        events: Events,
    ) -> None:
        self._database = database
        self._settings = settings
        self._clock = clock
        self._control = control
        self._lifeline = lifeline
        self._holder = holder
        self._capture = capture
        self._events = events
        self._held = database.hold()
        self._by_file = database.file is not None
        self._eye = database.hold() if self._by_file else self._held
        self._gives_up = False
        self._looked_for: int | None = None
        self._newspaper = Newspaper(self._held)
        self._reporter = Reporter(self._held, control, clock)
        self._report = self._owned(self._careful(self._reporter.write, "report"))
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._alarm_at: datetime | None = None
        self._threads = [self._thread(self._attend, "attention")]
        if self._settings.wake == "exact" and database.dialect.name == "postgresql":
            self._threads.append(self._thread(self._listen, "ear"))
        self.on_give_up: Callable[[], None] = lambda: os._exit(0)
        """What to do about a job that does not end, when all that is true of it has been written."""
        for logger in LOGGERS:
            logger.setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            logger=LOGGERS[0],
            executors={POOL: ThreadPoolExecutor(4)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )

    def start(self) -> None:
        """Start the threads."""
        beat = self._settings.heartbeat_interval_ms / 1000
        if self._settings.wake == "poll":
            beat = max(beat, self._settings.poll_interval_ms / 1000)
        self._every(beat, self._beat, "heartbeat")
        self._every(self._settings.lock_timeout_ms / 3000, self._renew, "lease")
        self._every(HOUSEKEEPING_SECONDS, self._keep_house, "housekeeping", at_once=True)
        if self._settings.wake == "poll":
            self._every(self._settings.poll_interval_ms / 1000, self._look_for_cancel, "cancellations")
        elif not self._by_file:
            self._every(LOCKS_SECONDS, self._look_for_dead_locks, "locks")
            if self._database.dialect.name != "postgresql":
                self._every(self._settings.request_interval_ms / 1000, self._read_the_news, "requests")
        # A signal that the kernel hands to a side thread does not wake a main thread that blocks in a job.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
        try:
            self._scheduler.start()
            for thread in self._threads:
                thread.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def alarm(self, at: datetime | None) -> None:
        """Wake the main thread at that instant: APScheduler is the alarm clock."""
        if at is not None and at != self._alarm_at:
            self._alarm_at = at
            self._at(at, self._control.wakeup.set, "alarm")

    def stop(self) -> None:
        """End the threads, and close their connections."""
        self._ending.set()
        ending = threading.Thread(target=self._scheduler.shutdown, name="scheduled-ending", daemon=True)
        ending.start()  # which may wait for the database: somebody must still look after us
        while ending.is_alive() and not self._control.overstayed:
            ending.join(LOOK_SECONDS)
        self._ended.set()
        for thread in self._threads:
            thread.join(LISTEN_SECONDS + 1 if self._control.overstayed else None)
        if not self._control.overstayed:
            self._held.close()
            self._eye.close()

    def pause(self) -> None:
        """Begin nothing more but to attend: the interpreter ends, and with it the pool of threads."""
        self._scheduler.pause()

    def _at(self, moment: datetime, work: Callable[[], None], name: str) -> None:
        """Do it then, in place of what was to be done by that name.

        APScheduler removes a job that has no next turn, and may race there with its own shutdown: so it
        has one, to which it never comes.
        """
        never_again = IntervalTrigger(days=100_000)
        self._scheduler.add_job(
            work, never_again, id=name, next_run_time=moment, replace_existing=True, executor=POOL
        )

    def _every(self, seconds: float, work: Callable[[], None], name: str, *, at_once: bool = False) -> None:
        options = {"next_run_time": self._clock.now()} if at_once else {}
        trigger = IntervalTrigger(seconds=timedelta(seconds=seconds).total_seconds())
        self._scheduler.add_job(
            self._owned(self._careful(work, name)), trigger, id=name, executor=POOL, **options
        )

    def _owned(self, work: Callable[[], None]) -> Callable[[], None]:
        """The threads of a pool are made when they are needed: each says that it is not a job's."""

        def owned() -> None:
            if not getattr(threading.current_thread(), "scheduled_own", False):
                threading.current_thread().scheduled_own = True  # type: ignore[attr-defined]
                self._capture.own()
            work()

        return owned

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        return threading.Thread(target=self._owned(work), name=f"scheduled-{name}", daemon=True)

    def _careful(self, work: Callable[[], None], name: str) -> Callable[[], None]:
        """Side work that fails, as a rule for want of the database, says so and tries again."""

        def careful() -> None:
            try:
                work()
            except Exception as error:
                told = str(error) if isinstance(error, DatabaseError) else repr(error)
                self._events.emit("sidework.failed", WARNING, work=name, error=told)

        return careful

    def _beat(self) -> None:
        self._lifeline.beat(self._held, self._clock.now())
        self._held.checkpoint()

    def _renew(self) -> None:
        occurrence_id = self._control.occurrence_id
        if occurrence_id is None:
            return
        if not self._holder.renew(self._held, self._clock.now()):
            self._control.fence(occurrence_id)

    def _keep_house(self) -> None:
        now = self._clock.now()
        forget_expired(self._held, now)
        if not self._settings.retention_days:
            return
        cutoff = now - timedelta(days=self._settings.retention_days)
        pruned = prune(self._held, cutoff, go_on=lambda: not self._ending.is_set())
        if pruned != Pruned():
            self._events.emit("history.pruned", INFO, cutoff=cutoff, **asdict(pruned))

    def _attend(self) -> None:
        """Look around several times a second, for as long as the daemon runs."""
        watch = Watch(self._eye) if self._settings.wake == "exact" and self._by_file else None
        looks = count(1)
        look = self._careful(lambda: self._look(watch), "attention")
        feel = self._careful(self._feel, "pulse")
        look_for_dead_locks = self._careful(self._look_for_dead_locks, "locks")
        while not self._ended.is_set():
            look()
            number = next(looks)
            if number % LOOKS_FOR_PULSE == 0:
                feel()
            if watch is not None and number % LOOKS_FOR_LOCKS == 0:
                look_for_dead_locks()
            time.sleep(LOOK_SECONDS)  # half as dear as to wait for the event, all day long

    def _look(self, watch: Watch | None) -> None:
        if self._control.stopping or self._control.occurrence_id is not None:
            self._mind()
        if self._reporter.due():
            self._at(self._clock.now(), self._report, "report")
        if watch is not None and (watch.changed() or self._has_just_begun()):
            self._look_for_requests()

    def _mind(self) -> None:
        """See to the job that runs, and to our own end."""
        self._control.tick()
        if self._control.stuck and not self._gives_up:
            self._gives_up = True
            self._thread(self._careful(self._give_up, "giving up"), "giving-up").start()
        if self._control.overstayed:
            self._events.emit("daemon.overstayed", ERROR, occurrence_id=self._control.occurrence_id)
            self._leave()

    def _listen(self) -> None:
        """On PostgreSQL: hear of requests at once."""
        ear = Ear(self._held)
        heed = self._careful(lambda: self._heed(ear), "listening")
        while not self._ended.is_set():
            heed()

    def _heed(self, ear: Ear) -> None:
        try:
            if ear.wait(LISTEN_SECONDS) or self._has_just_begun():
                self._look_for_requests()
        except DatabaseUnavailableError:
            self._ended.wait(LISTEN_SECONDS)
            raise

    def _read_the_news(self) -> None:
        if self._control.occurrence_id is None:
            self._newspaper.read(self._control.wakeup.set)
        else:
            self._look_for_cancel()

    def _feel(self) -> None:
        if self._lifeline.feel(busy=self._control.occurrence_id is not None):
            self._control.wakeup.set()

    def _look_for_dead_locks(self) -> None:
        """Wake an idle loop for a lock whose holder died: nothing else might, for a whole poll."""
        if self._control.occurrence_id is not None:
            return
        now = self._clock.now()
        locks = self._held.rows(workers.LOCKS, me=self._lifeline.id, the_now=now)
        if any(why_dead(lock, self._lifeline) for lock in locks):
            self._control.wakeup.set()

    def _give_up(self) -> None:
        """The job swallows every Interrupt, and keeps its thread: write what is true, and leave."""
        self._events.emit("daemon.gave_up", ERROR, occurrence_id=self._control.occurrence_id)
        now = self._clock.now()
        reap_own(self._held, self._lifeline, self._holder.registry, now)
        self._lifeline.stop(self._held, now)
        self._leave()

    def _leave(self) -> None:
        self._ended.set()
        self.on_give_up()

    def _has_just_begun(self) -> bool:
        """Whether an occurrence runs that may have been cancelled before we knew that it does."""
        return self._control.occurrence_id not in (None, self._looked_for)

    def _look_for_requests(self) -> None:
        if self._control.occurrence_id is None:
            self._control.wakeup.set()
        else:
            self._look_for_cancel()

    def _look_for_cancel(self) -> None:
        occurrence_id = self._control.occurrence_id
        if occurrence_id is None:
            return
        self._looked_for = occurrence_id
        asked: Any = self._eye.row(schedules.CANCEL_REQUESTED, the_id=occurrence_id)
        if asked is not None:
            self._control.cancel(occurrence_id, asked.cancel_requested_by or "somebody")
