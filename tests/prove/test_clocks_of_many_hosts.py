"""Hosts whose clocks are off: leases go by the server's clock, and who is off is told of."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from scheduled.collecting import jobs
from scheduled.definitions import Schedule, job
from scheduled.health import health
from scheduled.registry import Registry
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.testing import ManualDaemon, SettableClock
from tests.prove.served import ServedScene

pytestmark = pytest.mark.prove

AHEAD, BEHIND = timedelta(hours=1), -timedelta(hours=1)
LEASE = Settings(lock_timeout_ms=3000)


LIVING: list[ManualDaemon] = []


class GoingClock(SettableClock):
    """Goes on by itself, too: however long the daemon takes to start, its clock is off by as much."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self._made = time.monotonic()

    def _passed(self) -> float:
        return time.monotonic() - self._made

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._passed())

    def monotonic(self) -> float:
        return super().monotonic() + self._passed()

    def since_boot(self) -> float:
        return super().since_boot() + self._passed()


@pytest.fixture
def database(served: ServedScene) -> Iterator[Database]:
    with closing(Database(served.env["DATABASE_URL"])) as made:
        yield made
        while LIVING:
            LIVING.pop().crash()


def daemon(database: Database, off: timedelta) -> ManualDaemon:
    """A daemon on a host of its own, whose clock is off by so much."""
    if not jobs():
        job(name="work")(lambda: None)
    schedule = Schedule(id="it", name="It", cron="every second", enabled_by_default=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scheduled.lifeline.socket.gethostname", lambda: f"off by {off}")
        clock = GoingClock(datetime.now(UTC) + off)
        LIVING.append(ManualDaemon(Registry.of([schedule]), settings=LEASE, database=database, clock=clock))
    return LIVING[-1]


def claim(holder: ManualDaemon) -> None:
    """Claim what is due, and go no further."""
    holder.clock.advance(seconds=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(holder.parts.engine, "run", lambda claim: None)
        assert holder.parts.engine.step().worked


def holder_of(watcher: ManualDaemon) -> str | None:
    watcher.parts.engine.reap(watcher.clock.now())
    found: str | None = watcher.schedule("it")["locked_by"]
    return found


@pytest.mark.parametrize(("holds", "looks"), [(BEHIND, AHEAD), (AHEAD, BEHIND), (AHEAD, 2 * AHEAD)])
def test_a_lease_lasts_as_long_as_it_lasts(database: Database, holds: timedelta, looks: timedelta) -> None:
    claim(first := daemon(database, holds))
    second = daemon(database, looks)
    assert holder_of(second) == first.parts.lifeline.id
    time.sleep(3.2)
    assert holder_of(second) is None


def test_health_tells_whose_clock_is_off(database: Database, served: ServedScene) -> None:
    daemon(database, timedelta(seconds=30))
    settings = Settings(database_url=served.env["DATABASE_URL"])
    (check,) = [check for check in health(settings).checks if check.name == "clock_skew"]
    assert not check.ok
    assert re.search(r"\(\+(29|30)\.\d s\)", check.message)


def test_a_clock_that_is_right_is_fine(database: Database, served: ServedScene) -> None:
    daemon(database, timedelta(0))
    settings = Settings(database_url=served.env["DATABASE_URL"])
    assert all(check.ok for check in health(settings).checks if check.name == "clock_skew")
    assert abs(served.value("SELECT clock_skew_ms FROM worker_instance")) < 1000
