"""Whoever forgets a long history holds no lock for long, and the daemon beside it is on time."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.figures import percentile
from benchmarks.filling import JOBS, LAST, filled
from benchmarks.place import Place, instant
from benchmarks.served import ServedPlace
from scheduled.retention import prune
from scheduled.store.database import Database
from scheduled.store.held import Held
from tests.servers import KINDS, fresh_url

pytestmark = pytest.mark.prove

SCHEDULES, RUNS = 50, 60_000
EACH_SECOND = """
from scheduled import Schedule, job

@job
def no_op():
    pass

schedules = [Schedule(id="each-second", name="Each second", cron="every second", enabled_by_default=True)]
"""
LATENESS = """
    SELECT r.started_at, o.due_at FROM job_run r JOIN occurrence o ON o.id = r.occurrence_id
    WHERE o.schedule_id = 'each-second' ORDER BY o.id"""
LOCKED_SECONDS = 0.3
"""What it may take on a machine that is crowded; a tenth of a second is the aim on a quiet one."""
SELDOM = 0.99
"""A disk may let anybody wait for once: by so many of all transactions a promise in time is judged."""


class Timed(Held):
    """Notes how long each of its transactions was."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.took: list[float] = []

    def begin(self) -> None:
        super().begin()
        self._began = time.monotonic()

    def end(self, error: BaseException | None) -> None:
        super().end(error)
        self.took.append(time.monotonic() - self._began)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place with a long history, in which a daemon runs something each second."""
    with fresh_url(request.param, tmp_path) as url:
        filled(url, SCHEDULES, RUNS)
        made = ServedPlace(tmp_path, EACH_SECOND, url)
        made.env["SCHEDULE_RETENTION_DAYS"] = "0"
        with made.daemon():
            yield made
        made.close()


def test_it_holds_no_lock_for_long(place: Place, record_property: Callable[[str, object], None]) -> None:
    with closing(Database(place.env["DATABASE_URL"])) as database, closing(Timed(database)) as held:
        pruned = prune(held, LAST + timedelta(days=1))
    record_property("seconds", {"p99": percentile(held.took, SELDOM), "most": max(held.took)})
    assert pruned.occurrences >= RUNS / JOBS - SCHEDULES
    assert pruned.job_runs == pruned.occurrences * JOBS
    assert percentile(held.took, SELDOM) <= LOCKED_SECONDS
    late = [(instant(start) - instant(due)).total_seconds() for start, due in place.rows(LATENESS)]
    assert percentile(late, 0.5) <= LOCKED_SECONDS
