"""A process of ours in the eyes of the others: its registration, its heartbeat, and the gaps in its life."""

import os
import socket
import threading
import uuid
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduled.clock import Clock
from scheduled.errors import DuplicateError
from scheduled.missed_runs import Interval
from scheduled.running.identity import boot_id, process_start_time
from scheduled.store import workers
from scheduled.store.held import Held
from scheduled.store.statements import Write
from scheduled.stretches import without
from scheduled.version import VERSION
from scheduled.words import WorkerStatus, WorkerType

MILLISECOND = timedelta(milliseconds=1)
QUICK_ANSWER = timedelta(seconds=1)
"""An answer that took longer says little about the time."""
LEAST_GAP = timedelta(seconds=5)
"""A stall shorter than this is a slow machine, not a gap."""


@dataclass(frozen=True)
class Gap:
    """A stretch in which this process could do nothing, and why."""

    interval: Interval
    cause: str


class Pulse:
    """Notices, each time that it is felt, that since the last time the host slept or the clock stepped."""

    def __init__(self, clock: Clock, least_gap: timedelta) -> None:
        self._clock = clock
        self._least = max(least_gap, LEAST_GAP)
        self._guard = threading.Lock()
        self._wall, self._monotonic, self._boot = self._read()

    def _read(self) -> tuple[datetime, float, float]:
        return self._clock.now(), self._clock.monotonic(), self._clock.since_boot()

    def feel(self, *, busy: bool) -> Gap | None:
        """Call it at least every few seconds. `busy`: job code may have kept every thread from running.

        The wall clock against the clock since boot tells of a step; that against the one which stands
        still in sleep tells of a suspended host; and when nothing was due to keep us, any long silence
        tells that the process itself was stopped.
        """
        with self._guard:
            before = (self._wall, self._monotonic, self._boot)
            self._wall, self._monotonic, self._boot = self._read()
            passed = self._wall - before[0]
            if passed <= self._least:
                return None
            awake = timedelta(seconds=self._monotonic - before[1])
            real = timedelta(seconds=self._boot - before[2])
        between = Interval(before[0], self._wall)
        if passed - real > self._least:
            return Gap(Interval(before[0] + awake, self._wall), "clock_stepped")
        if real - awake > self._least:
            return Gap(between, "host_suspended")
        return None if busy else Gap(between, "process_stopped")


class Lifeline:
    """This process's row among the worker instances."""

    def __init__(
        self, clock: Clock, worker_type: WorkerType, poll_interval_ms: int, least_gap: timedelta
    ) -> None:
        self.id = str(uuid.uuid4())
        self.worker_type = worker_type
        self.hostname = socket.gethostname()
        self.boot_id = boot_id()
        self.pid = os.getpid()
        self.pid_started_at = process_start_time()
        self.poll_interval_ms = poll_interval_ms
        self.started_at = clock.now()
        self.pulse = Pulse(clock, least_gap)
        self.status = WorkerStatus.RUNNING
        self.current_occurrence_id: int | None = None
        self.last_begun_id: int | None = None
        """The occurrence whose jobs we began to run last."""
        self.jobs_processed = 0
        self.clock_skew_ms: int | None = None
        """How far our clock is ahead of the database's, if that has one of its own."""
        self._clock = clock
        self._found: deque[Gap] = deque()
        self._gaps: deque[Interval] = deque(maxlen=1000)
        self._last_beat = self.started_at

    @property
    def name(self) -> str:
        """As people call it: host/pid."""
        return f"{self.hostname}/{self.pid}"

    @property
    def last_beat(self) -> datetime:
        """When we last said that we live."""
        return self._last_beat

    def register(self, held: Held, definition_hash: str | None) -> None:
        """Write the instance's row, unless that was done before the database went away."""
        self.compare_clocks(held)
        with suppress(DuplicateError), held.transaction():
            held.insert(
                workers.REGISTER,
                id=self.id,
                worker_type=self.worker_type,
                hostname=self.hostname,
                boot_id=self.boot_id,
                pid=self.pid,
                pid_started_at=self.pid_started_at,
                version=VERSION,
                definition_hash=definition_hash,
                status=self.status,
                started_at=self.started_at,
                last_heartbeat_at=self.started_at,
                poll_interval_ms=self.poll_interval_ms,
                jobs_processed=0,
                clock_skew_ms=self.clock_skew_ms,
            )

    def beat(self, held: Held, now: datetime) -> None:
        """Say that we live, and how far our clock is off."""
        self.compare_clocks(held)
        with held.transaction():
            held.make(self._beat(now))
        self._last_beat = now

    def compare_clocks(self, held: Held) -> None:
        """Measure how far our clock is ahead of the database's: theirs against the middle of our question."""
        before = self._clock.now()
        theirs = held.time()
        after = self._clock.now()
        if theirs is not None and after - before <= QUICK_ANSWER:
            self.clock_skew_ms = round((before + (after - before) / 2 - theirs) / MILLISECOND)

    def beat_if_stale(self, now: datetime) -> list[Write]:
        """Say that we live, unless we said so within the last second."""
        if now - self._last_beat < timedelta(seconds=1):
            return []
        self._last_beat = now
        return [self._beat(now)]

    def _beat(self, now: datetime) -> Write:
        return Write(
            workers.BEAT,
            {
                "me": self.id,
                "status": self.status,
                "last_heartbeat_at": now,
                "current_occurrence_id": self.current_occurrence_id,
                "jobs_processed": self.jobs_processed,
                "clock_skew_ms": self.clock_skew_ms,
            },
        )

    def stop(self, held: Held, now: datetime) -> None:
        """Say that we stopped, in good order."""
        self.status = WorkerStatus.STOPPED
        with held.transaction():
            held.run(
                workers.STOPPED,
                me=self.id,
                last_heartbeat_at=now,
                stopped_at=now,
                jobs_processed=self.jobs_processed,
            )

    def feel(self, *, busy: bool) -> bool:
        """Feel the pulse; whether a gap was found, which is then remembered until it is recorded."""
        gap = self.pulse.feel(busy=busy)
        if gap is not None:
            self._found.append(gap)
        return gap is not None

    @property
    def has_found_gaps(self) -> bool:
        """Whether there are gaps to be recorded."""
        return bool(self._found)

    def record_gaps(self, held: Held) -> list[Gap]:
        """Write down the gaps that were found. From the thread that plans, so that it judges by them."""
        recorded = []
        while self._found:
            gap = self._found[0]
            with held.transaction():
                held.insert(
                    workers.ADD_GAP,
                    worker_id=self.id,
                    from_at=gap.interval.start,
                    to_at=gap.interval.end,
                    cause=gap.cause,
                )
            self._gaps.append(gap.interval)
            recorded.append(self._found.popleft())
        return recorded

    def alive(self, now: datetime) -> list[Interval]:
        """When this process lived: until now, less its gaps."""
        return without(Interval(self.started_at, now), self._gaps) if now > self.started_at else []

    def was_alive_throughout(self, since: datetime) -> bool:
        """Whether it has lived, without a gap, since that instant."""
        return self.started_at <= since and all(gap.end <= since for gap in self._gaps)
