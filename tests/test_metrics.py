"""Metrics: what ended since the first scrape, counted once; and how it stands."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from scheduled.errors import ScheduledError
from scheduled.metrics import Metrics, served
from scheduled.store import ended
from scheduled.store.database import Database
from scheduled.store.schema import upgrade
from scheduled.store.tables import occurrences
from scheduled.version import VERSION
from tests.conftest import World
from tests.patience import PATIENCE


class Scraped:
    """Prometheus, before one daemon."""

    def __init__(self, world: World) -> None:
        self._metrics = Metrics(world.crank.database, world.crank.clock)
        self._metrics.scrape()

    def value(self, name: str, **labels: str) -> float | None:
        """The sample's value after one more scrape; None if there is none."""
        found = [
            sample.value
            for family in text_string_to_metric_families(self._metrics.scrape().decode())
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert len(found) < 2
        return found[0] if found else None


@pytest.fixture
def prometheus(world: World) -> Scraped:
    world.start("0 * * * *")
    return Scraped(world)


COUNT = "scheduled_occurrences_total"
DONE = {"schedule": "it", "status": "COMPLETED", "reason": ""}


def test_it_counts_what_ended_by_outcome(world: World, prometheus: Scraped) -> None:
    world.crank.advance(hours=3)
    assert prometheus.value(COUNT, **DONE) == 3 + 1
    world.crank.advance(hours=1)
    assert prometheus.value(COUNT, **DONE) == 5
    assert prometheus.value(COUNT, **DONE) == 5


def test_what_ended_before_the_first_scrape_does_not_count(world: World) -> None:
    world.start("0 * * * *").advance(hours=3)
    prometheus = Scraped(world)
    world.crank.advance(hours=1)
    assert prometheus.value(COUNT, **DONE) == 1


def test_it_counts_what_waited_when_it_has_ended(world: World, prometheus: Scraped) -> None:
    world.crank.run_due()
    before = prometheus.value(COUNT, **DONE) or 0
    world.crank.commands.trigger("it")
    assert prometheus.value(COUNT, **DONE) == before
    world.crank.run_due()
    assert prometheus.value(COUNT, **DONE) == before + 1


def test_it_counts_each_instant_that_was_skipped(world: World, prometheus: Scraped) -> None:
    world.crank.down(hours=3, minutes=30)
    world.crank.start()
    world.crank.run_due()
    assert prometheus.value(COUNT, schedule="it", status="SKIPPED", reason="daemon_down") == 4


def test_it_counts_what_is_committed_after_a_younger_one(world: World, prometheus: Scraped) -> None:
    world.crank.run_due()
    for number in (60, 55):
        with world.crank.database.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO occurrence (id, schedule_id, due_at, due_until, due_count, `trigger`, status,"
                f" jobs_total, jobs_completed, jobs_failed, jobs_skipped) VALUES ({number}, 'it',"
                " '2026-03-02', '2026-03-02', 1, 'MANUAL', 'CANCELLED', 0, 0, 0, 0)".replace(
                    "`", "`" if connection.dialect.name == "mysql" else '"'
                )
            )
        prometheus.value("scheduled_daemons")
    assert prometheus.value(COUNT, status="CANCELLED") == 2


def test_it_counts_more_than_one_batch(
    world: World, prometheus: Scraped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ended, "BATCH", 3)
    monkeypatch.setattr(ended, "BACK", 2)
    monkeypatch.setattr(prometheus._metrics, "_occurrences", ended.Ended(ended._Queries(*OF_OCCURRENCES)))
    prometheus.value("scheduled_daemons")
    world.crank.advance(hours=10)
    assert prometheus.value(COUNT, **DONE) == 11


OF_OCCURRENCES = (
    occurrences, "schedule_id", "reason", "trigger", "due_at", "due_count", "started_at"
)  # fmt: skip


def test_it_tells_how_long_jobs_took_and_how_late_they_began(world: World) -> None:
    world.taking(minutes=2)
    world.start("0 * * * *", missed_grace=900)
    prometheus = Scraped(world)
    world.crank.run_due()
    assert prometheus.value("scheduled_job_duration_seconds_sum", job="work", status="COMPLETED") == 120
    assert prometheus.value("scheduled_start_lateness_seconds_count", schedule="it") == 1
    assert prometheus.value("scheduled_start_lateness_seconds_sum", schedule="it") == 0


def test_it_tells_what_is_due_and_what_waits(world: World, prometheus: Scraped) -> None:
    world.crank.run_due()
    world.crank.commands.trigger("it")
    world.crank.clock.advance(hours=1)
    assert prometheus.value("scheduled_due_schedules") == 1
    assert prometheus.value("scheduled_requests_waiting") == 1


def test_it_tells_when_each_daemon_last_said_that_it_lives(world: World, prometheus: Scraped) -> None:
    world.crank.beat()
    world.crank.clock.advance(seconds=20)
    assert prometheus.value("scheduled_daemon_heartbeat_age_seconds") == 20
    world.crank.stop()
    assert prometheus.value("scheduled_daemon_heartbeat_age_seconds") is None
    assert prometheus.value("scheduled_daemons") == 0


def test_it_tells_the_version(prometheus: Scraped) -> None:
    assert prometheus.value("scheduled_build_info", version=VERSION) == 1


@pytest.fixture
def metrics(tmp_path: Path) -> Iterator[Metrics]:
    with closing(Database(f"sqlite:///{tmp_path / 'served.db'}", create=True)) as database:
        upgrade(database)
        yield Metrics(database)


@pytest.fixture
def address(metrics: Metrics) -> Iterator[str]:
    with served(metrics, "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


def test_the_daemon_serves_them_itself(address: str) -> None:
    with urlopen(f"{address}/metrics", timeout=PATIENCE) as answer:
        assert b"scheduled_build_info" in answer.read()


def test_the_daemon_serves_nothing_else(address: str) -> None:
    with pytest.raises(HTTPError, match="404"):
        urlopen(f"{address}/", timeout=PATIENCE)


def test_it_says_when_the_database_is_away(metrics: Metrics, address: str) -> None:
    with metrics._database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE occurrence RENAME TO away")
    with pytest.raises(HTTPError, match="503"):
        urlopen(f"{address}/metrics", timeout=PATIENCE)


def test_it_says_when_the_address_is_taken(metrics: Metrics, address: str) -> None:
    port = int(address.rpartition(":")[2])
    with (
        pytest.raises(ScheduledError, match="cannot be served"),
        served(metrics, "127.0.0.1", port),
    ):
        pass
