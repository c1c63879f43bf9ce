"""Our side of the throughput: the daemon itself, before schedules that are due at two o'clock.

It is the Daemon of `scheduled run`, whole: settings from the environment, definitions from schedules.py, the
planner, claims, history, events as log lines at INFO on stderr, capture on, heartbeat and watch on their
threads. Only its clock is set, to a moment before two; it does not wait for later instants, but skips the
time until them; and it stops after so many job runs.
"""

import json
import sys
import time
from datetime import datetime, timedelta
from itertools import pairwise

from benchmarks.place import TWO_O_CLOCK
from scheduled.clock import Clock
from scheduled.daemon import Daemon
from scheduled.loading import load
from scheduled.logs import log_to_stderr
from scheduled.settings import load_settings
from scheduled.store.database import Database
from scheduled.store.schema import prepare

LEAD = timedelta(seconds=1)
"""What a daemon gets to start in, before its schedules are due."""


class SetClock(Clock):
    """The system's clock, set to another instant: from there on it goes as usual."""

    def __init__(self, begin: datetime) -> None:
        self._offset = begin - super().now()

    def now(self) -> datetime:
        return super().now() + self._offset

    def skip_to(self, moment: datetime) -> None:
        self._offset += max(timedelta(0), moment - self.now())


class Rush(Daemon):
    """Takes the time from when it wakes for its work until all of it is done."""

    expected = 0
    lap = 0
    """So many job runs make one."""
    seconds = 0.0
    moments: tuple[float, ...] = ()
    """When it began, and when each lap was done."""
    began_at = ended_at = 0.0
    """By the wall clock of the machine: for those who watch from outside."""

    @property
    def laps(self) -> list[float]:
        """How long each took, in seconds."""
        return [after - before for before, after in pairwise(self.moments)]

    def begin(self) -> None:
        """Only make the database know the definitions, and stop."""
        parts = self.parts
        parts.engine.begin()
        parts.lifeline.stop(parts.engine.held, self._clock.now())
        parts.engine.held.close()

    def _sleep(self, wake_at: datetime | None) -> None:
        done = self.parts.lifeline.jobs_processed
        if not done:
            super()._sleep(wake_at)
            self.began, self.began_at = time.perf_counter(), time.time()
            self.moments = (self.began,)
            return
        if done == len(self.moments) * self.lap:
            self.moments += (time.perf_counter(),)
        if done < self.expected and wake_at is not None and isinstance(self._clock, SetClock):
            self._clock.skip_to(wake_at)
        else:
            self.seconds, self.ended_at = time.perf_counter() - self.began, time.time()
            self.parts.control.stop()


def main(expected: int, laps: int = 1) -> None:
    """Run so many job runs in the working directory; if 0, only store the definitions, as an hour before."""
    settings = load_settings()
    registry = load(settings.definitions, settings.environment)
    database = Database(settings.database_url, create=True)
    prepare(database, settings.migrates)
    log = log_to_stderr(settings.log_format, settings.log_level)
    clock = SetClock(TWO_O_CLOCK - (LEAD if expected else timedelta(hours=1)))
    daemon = Rush(settings, registry, database, log.events(), clock)
    log.worker_id = daemon.worker_id
    if expected:
        daemon.expected, daemon.lap = expected, expected // laps
        daemon.run()
    else:
        daemon.begin()
    database.close()
    told = {name: getattr(daemon, name) for name in ("seconds", "laps", "began_at", "ended_at")}
    print(json.dumps(told))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
