"""What goes on beside the jobs: heartbeats, the lease, deadlines, requests."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from scheduled.clock import Clock
from scheduled.commands import Commands
from scheduled.daemon import Parts, assemble
from scheduled.errors import DatabaseUnavailableError
from scheduled.events import Event, Events
from scheduled.settings import Settings
from scheduled.store import rows
from scheduled.store.database import Database
from scheduled.store.schema import prepare
from scheduled.store.tables import occurrences
from scheduled.words import WorkerType
from tests.conftest import World
from tests.patience import PATIENCE

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
CANCELLED = {
    "id": 7,
    "schedule_id": "it",
    "trigger": "MANUAL",
    "status": "RUNNING",
    "cancel_requested_by": "somebody",
    "jobs_total": 1,
    **dict.fromkeys(("due_at", "due_until", "cancel_requested_at"), NEW_YEAR),
    **dict.fromkeys(("jobs_completed", "jobs_failed", "jobs_skipped"), 0),
}


class Bench:
    """The parts of a daemon with its side threads running, and no loop."""

    def __init__(self, world: World, url: str, **settings: object) -> None:
        self.settings = Settings(database_url=url).model_copy(update=settings)
        self.database = Database(self.settings.database_url, create=True)
        prepare(self.database, auto_migrate=True)
        self.heard: list[Event] = []
        registry = world.registry(world.schedule("0 0 1 1 *"))
        events = Events(self.heard.append)
        self.parts: Parts = assemble(
            self.database, self.settings, registry, Clock(), events, WorkerType.SCHEDULE_DAEMON
        )
        self.parts.engine.begin()
        self.parts.sidework.start()

    def close(self) -> None:
        self.parts.sidework.stop()
        self.parts.engine.held.close()
        self.parts.control.wakeup.close()
        self.database.close()


def eventually(condition: Callable[[], object]) -> None:
    """Wait for what a thread does within a moment."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, "waited in vain"
        threading.Event().wait(0.01)


@pytest.fixture
def bench(world: World, database_url: str) -> Iterator[Bench]:
    made = Bench(world, database_url, heartbeat_interval_ms=50, lock_timeout_ms=150, retention_days=0)
    yield made
    made.close()


def heartbeat(bench: Bench) -> object:
    with bench.database.reading() as connection:
        return connection.exec_driver_sql("SELECT last_heartbeat_at FROM worker_instance").scalar()


def test_it_says_that_we_live(bench: Bench) -> None:
    before = heartbeat(bench)
    eventually(lambda: heartbeat(bench) != before)


def test_it_wakes_the_loop_when_somebody_asks_for_a_run(bench: Bench) -> None:
    bench.parts.control.wakeup.wait(0)
    with bench.database.writing() as connection:
        connection.exec_driver_sql("UPDATE job_schedule SET enabled = true")
    assert bench.parts.control.wakeup.wait(PATIENCE)


def test_it_fences_us_when_the_lock_is_no_longer_ours(bench: Bench) -> None:
    bench.parts.control.begin(7)
    eventually(lambda: bench.parts.control.fenced)


def test_it_renews_the_lease_of_what_runs(bench: Bench) -> None:
    with bench.database.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE job_schedule SET locked_at = '2026-01-01 00:00:00.000000', "
            f"lock_expires_at = '2026-01-01 00:00:00.000000', locked_by = '{bench.parts.lifeline.id}'"
        )
    bench.parts.control.begin(7)
    eventually(lambda: rows.schedule(bench.database, "it")["lock_expires_at"] > Clock().now())
    assert not bench.parts.control.fenced


def test_it_wakes_the_loop_at_its_alarm(bench: Bench) -> None:
    bench.parts.control.wakeup.wait(0)
    bench.parts.sidework.alarm(Clock().now())
    assert bench.parts.control.wakeup.wait(PATIENCE)


def test_it_survives_a_database_in_trouble(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*_: object) -> None:
        raise DatabaseUnavailableError("database is locked")

    monkeypatch.setattr(bench.parts.lifeline, "beat", unavailable)
    eventually(lambda: any(event.fields.get("work") == "heartbeat" for event in bench.heard))


def test_it_survives_a_defect_of_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench.parts.control, "tick", lambda: 1 / 0)
    bench.parts.control.begin(7)
    eventually(lambda: [e for e in bench.heard if "ZeroDivisionError" in str(e.fields.get("error"))])


def test_it_beats_only_once_a_poll_for_a_database_that_should_sleep(world: World, database_url: str) -> None:
    bench = Bench(world, database_url, wake="poll", heartbeat_interval_ms=20, poll_interval_ms=60_000)
    before = heartbeat(bench)
    threading.Event().wait(0.2)
    assert heartbeat(bench) == before
    bench.close()


def test_it_forgets_old_history(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduled.sidework.HOUSEKEEPING_SECONDS", 0.05)
    bench = Bench(world, database_url)
    with bench.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO schedule_event (schedule_id, at, event, actor) "
            "VALUES ('it', '2020-01-01 00:00:00.000000', 'triggered', 'test')"
        )
    eventually(lambda: any(event.name == "history.pruned" for event in bench.heard))
    bench.close()


def test_it_gives_up_when_it_overstays_whichever_thread_sees_that_first(
    world: World, database_url: str
) -> None:
    bench = Bench(world, database_url)
    sidework, control = bench.parts.sidework, bench.parts.control
    given_up = threading.Event()
    sidework.on_give_up = given_up.set
    control._overdue_since = time.monotonic() - 1000
    control.stop()
    sidework.stop()
    assert given_up.is_set()
    control._overdue_since = None
    sidework._held.close()
    sidework._eye.close()


@pytest.mark.only_on("sqlite", why="only there all who write wait for each other")
def test_it_watches_clock_and_requests_while_its_writes_wait(bench: Bench) -> None:
    """A heartbeat may wait for seconds for SQLite's write lock, with the side threads' connection in hand."""
    bench.parts.control.begin(7)
    ticks: list[None] = []
    bench.parts.control.tick = lambda: ticks.append(None)  # type: ignore[method-assign]
    with bench.parts.sidework._held._guard:
        with bench.database.writing() as connection:
            connection.execute(occurrences.insert(), CANCELLED)
        eventually(lambda: bench.parts.control.cancelled_by)
        so_far = len(ticks)
        eventually(lambda: len(ticks) > so_far + 5)


def test_it_wakes_the_loop_when_somebody_asks_for_a_check(bench: Bench) -> None:
    bench.parts.control.wakeup.wait(2)
    Commands(bench.database, "alice", 60).check_now()
    assert bench.parts.control.wakeup.wait(PATIENCE)
    (event,) = rows.events(bench.database, "")
    assert (event["event"], event["actor"]) == ("check_requested", "alice")


def test_a_daemon_that_is_cranked_by_hand_watches_no_file(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be thousands in one process, and a user has but a hundred watches."""
    monkeypatch.setattr("scheduled.sidework.Bell", None)
    world.start().advance(hours=1)
    assert "work" in world.called
