"""What goes on beside the jobs, on APScheduler's threads: heartbeat, lease, deadlines, requests, alarm."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from scheduled.clock import Clock
from scheduled.control import OVERSTAYED_SECONDS, Control
from scheduled.errors import DatabaseUnavailableError
from scheduled.events import ERROR, INFO, Events
from scheduled.hands import Hands, seldom
from scheduled.lifeline import Lifeline
from scheduled.lock import Holder
from scheduled.reaping import reap_own, why_dead
from scheduled.reporting import Reporter
from scheduled.retention import Pruned, forget_expired, prune
from scheduled.running.capture import Capture
from scheduled.running.wakeup import Bell
from scheduled.settings import Settings
from scheduled.store import schedules, workers
from scheduled.store.database import Database
from scheduled.store.listening import Ear, Newspaper
from scheduled.store.watching import Watch, wal_of

HOUSEKEEPING_SECONDS = 3600.0
LOCKS_SECONDS = 2.0
LISTEN_SECONDS = 1.0
LOOK_SECONDS = 0.11
"""How often deadlines and SQLite's change counter are looked at while something goes on."""
IDLE_SECONDS = 1.0
"""And while nothing does and nobody rings. As often the pulse is felt: its gaps last for seconds."""
SETTLE_SECONDS = 0.005
"""A change is written before it is committed: to look at once is too soon."""


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
        self._events = events
        self._held = database.hold()
        self._by_file = database.file is not None
        self._eye = database.hold() if self._by_file else self._held
        self._hears = self._by_file and settings.wake == "exact"
        self._bell: Bell | None = None
        self._gives_up = False
        self._looked_for: int | None = None
        self._newspaper = Newspaper(self._held)
        self._reporter = Reporter(self._held, control, clock)
        self._hands = Hands(clock, capture, events)
        self._report = self._hands.owned(self._hands.careful(self._reporter.write, "report"))
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._alarm_at: datetime | None = None
        self.on_give_up: Callable[[], None] = lambda: os._exit(0)
        """What to do about a job that does not end, when all that is true of it has been written."""

    def start(self) -> None:
        """Start the threads."""
        bell = self._bell = Bell(wal_of(self._database.file) if self._hears and self._database.file else None)
        self._control.on_change = bell.wake
        self._hands.loop(lambda: self._attend(bell), "attention")
        if self._settings.wake == "exact" and self._database.dialect.name == "postgresql":
            self._hands.loop(self._listen, "ear")
        beat = self._settings.heartbeat_interval_ms / 1000
        if self._settings.wake == "poll":
            beat = max(beat, self._settings.poll_interval_ms / 1000)
        self._hands.every(beat, self._beat, "heartbeat")
        self._hands.every(self._settings.lock_timeout_ms / 3000, self._renew, "lease")
        self._hands.every(HOUSEKEEPING_SECONDS, self._keep_house, "housekeeping", at_once=True)
        if self._settings.wake == "poll":
            self._hands.every(self._settings.poll_interval_ms / 1000, self._look_for_cancel, "cancellations")
        elif not self._by_file:
            self._hands.every(LOCKS_SECONDS, self._look_for_dead_locks, "locks")
            if self._database.dialect.name != "postgresql":
                self._hands.every(self._settings.request_interval_ms / 1000, self._read_the_news, "requests")
        self._hands.start()

    def alarm(self, at: datetime | None) -> None:
        """Wake the main thread at that instant: APScheduler is the alarm clock."""
        if at is not None and at != self._alarm_at:
            self._alarm_at = at
            self._hands.at(at, self._control.wakeup.set, "alarm")

    def stop(self) -> None:
        """End the threads, and close their connections."""
        self._ending.set()
        ending = threading.Thread(target=self._hands.shut_down, name="scheduled-ending", daemon=True)
        ending.start()  # which may wait for the database: somebody must still look after us
        while ending.is_alive() and not self._control.overstayed:
            ending.join(LOOK_SECONDS)
        if self._control.overstayed and not self._ended.wait(LOOK_SECONDS + IDLE_SECONDS):
            self._overstay()  # who attends, and would do it, must wait for the database, too
        self._ended.set()
        if self._bell is not None:
            self._bell.set()
        with self.minded():
            self._hands.join(LISTEN_SECONDS + 1 if self._control.overstayed else None)
        if not self._control.overstayed:
            self._held.close()
            self._eye.close()
            self._control.on_change = lambda: None
            if self._bell is not None:
                self._bell.close()

    @contextmanager
    def minded(self) -> Iterator[None]:
        """Within the block nobody attends any more; a database that never answers still makes us give up."""
        over = threading.Event()

        def mind() -> None:
            while not over.wait(OVERSTAYED_SECONDS):
                if self._control.stopping:
                    self._overstay()
                    over.set()

        self._hands.thread(mind, "minding").start()
        try:
            yield
        finally:
            over.set()

    def pause(self) -> None:
        """Begin nothing more but to attend: the interpreter ends, and with it the pool of threads."""
        self._hands.pause()

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

    def _attend(self, bell: Bell) -> None:
        """Look around several times a second while something goes on; else when the bell rings, or seldom."""
        watch = Watch(self._eye) if self._hears else None
        look = self._hands.careful(lambda: self._look(watch), "attention")
        feel = seldom(IDLE_SECONDS, self._hands.careful(self._feel, "pulse"))
        look_for_dead_locks = seldom(LOCKS_SECONDS, self._hands.careful(self._look_for_dead_locks, "locks"))

        rang = False
        while not self._ended.is_set():
            look()
            feel()
            if watch is not None:
                look_for_dead_locks()
            must_look = watch is not None and not bell.hears
            if rang or self._is_busy():
                time.sleep(LOOK_SECONDS)  # half as dear as to wait for the event
                rang = False
            elif rang := bell.sleep_while(self._is_idle, LOOK_SECONDS if must_look else IDLE_SECONDS):
                time.sleep(SETTLE_SECONDS)

    def _is_idle(self) -> bool:
        return not self._is_busy()

    def _is_busy(self) -> bool:
        """Whether there are deadlines to mind."""
        return self._control.stopping or self._control.occurrence_id is not None

    def _look(self, watch: Watch | None) -> None:
        if self._is_busy():
            self._mind()
        if self._reporter.due():
            self._hands.at(self._clock.now(), self._report, "report")
        if watch is not None and (watch.changed() or self._has_just_begun()):
            self._look_for_requests()

    def _mind(self) -> None:
        """See to the job that runs, and to our own end."""
        self._control.tick()
        if self._control.stuck and not self._gives_up:
            self._gives_up = True
            self._hands.thread(self._hands.careful(self._give_up, "giving up"), "giving-up").start()
        if self._control.overstayed:
            self._overstay()

    def _listen(self) -> None:
        """On PostgreSQL: hear of requests at once."""
        ear = Ear(self._held)
        heed = self._hands.careful(lambda: self._heed(ear), "listening")
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

    def _overstay(self) -> None:
        """The time to stop is long over, and the database does not let us: leave as if killed."""
        self._events.emit("daemon.overstayed", ERROR, occurrence_id=self._control.occurrence_id)
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
