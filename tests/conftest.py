"""Fixtures that many tests share."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduled import collecting
from scheduled.definitions import Schedule, job
from scheduled.registry import Registry
from scheduled.runner import Runner
from scheduled.running.calling import Outcome
from scheduled.running.processes import process_start_time
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.store.schema import upgrade
from scheduled.testing import ManualDaemon
from tests.law import assert_lawful
from tests.servers import KINDS, empty, fresh_url

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_jobs() -> Iterator[None]:
    """Jobs that a test decorates count in that test alone."""
    before = collecting.jobs_so_far()
    yield
    collecting.restore(before)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--on", choices=KINDS, default="sqlite", help="the kind of database for `-m contract`")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whatever happens in a world happens on every kind of database, unless it says that it cannot."""
    for item in items:
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker("contract")
        only, kind = item.get_closest_marker("only_on"), config.getoption("--on")
        if only is not None and kind not in only.args:
            item.add_marker(pytest.mark.skip(reason=f"not on {kind}: {only.kwargs['why']}"))


@pytest.fixture(scope="session")
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database that `--on` names."""
    return str(request.config.getoption("--on"))


@pytest.fixture(scope="session")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database | None]:
    """A database with our tables on that kind of server; None for SQLite."""
    if kind == "sqlite":
        yield None
        return
    with fresh_url(kind, tmp_path_factory.getbasetemp()) as url:
        database = Database(url)
        upgrade(database)
        yield database
        database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "scheduled.db"
    with closing(Database(f"sqlite:///{file}", create=True)) as database:
        upgrade(database)
    return file


@pytest.fixture
def database_url(server: Database | None, migrated_file: Path, tmp_path: Path) -> str:
    """A database for this test that more than one may open, and that has no rows yet."""
    if server is None:
        copy = tmp_path / "shared.db"
        copy.write_bytes(migrated_file.read_bytes())
        return f"sqlite:///{copy}"
    empty(server)
    return server.url


class Killed(BaseException):
    """The daemon's process was killed: nothing of ours may run after it."""


class World:
    """One application in one test: its definitions, its daemon, and what its jobs did."""

    def __init__(self, url: str = "sqlite://") -> None:
        self.url = url
        self.called: list[str] = []
        self.daemon: ManualDaemon | None = None
        self.daemons: list[ManualDaemon] = []
        self.others: list[ManualDaemon] = []
        self.killed = False

    def job(self, name: str = "work", body: Callable[..., Any] | None = None, **options: Any) -> None:
        """Define a job; without a body it only notes that it was called."""

        def work() -> Any:
            self.called.append(name)
            return body() if body is not None else None

        job(name=name, **options)(work)

    def taking(self, name: str = "work", **duration: float) -> None:
        """Define a job that takes so long."""
        self.job(name, lambda: self.crank.clock.advance(**duration), timeout=1_000_000)

    def killing(self, name: str = "work", times: int = 1, **options: Any) -> None:
        """Define a job within which the daemon is killed, the first `times` that it runs."""

        def die() -> None:
            self.killed = self.called.count(name) <= times

        self.job(name, die, **options)

    def run_until_killed(self, **duration: float) -> None:
        """Let time pass until the daemon is killed."""
        with pytest.raises(Killed):
            self.crank.advance(**duration)
        self.killed = False
        self.crank.crash()

    def start(
        self, cron: str = "0 * * * *", *, now: datetime = NOON, grace: float = 60, **options: Any
    ) -> ManualDaemon:
        """Start a daemon with one schedule, `it`, that is enabled."""
        return self.start_with(self.schedule(cron, **options), now=now, grace=grace)

    def start_with(self, *schedules: Schedule, now: datetime = NOON, grace: float = 60) -> ManualDaemon:
        settings = Settings(missed_grace_ms=int(grace * 1000))
        self.daemon = self.start_on(self.url, self.registry(*schedules), now=now, settings=settings)
        return self.daemon

    def start_on(self, url: str, registry: Registry, **options: Any) -> ManualDaemon:
        """Start a daemon that opens this database for itself."""
        database = Database(url, create=True, own_clock=True)
        self.daemons.append(ManualDaemon(registry, database=database, **options))
        return self.daemons[-1]

    def another(self, *schedules: Schedule, host: str = "elsewhere", pid: int | None = None) -> ManualDaemon:
        """A second daemon on the same database and clock; with the same definitions, unless others are given.

        It is on another host; or, of another `pid`, on ours.
        """
        with pytest.MonkeyPatch.context() as patch:
            if pid is None:
                patch.setattr("scheduled.lifeline.socket.gethostname", lambda: host)
            else:
                began = process_start_time(pid)
                patch.setattr("scheduled.lifeline.os.getpid", lambda: pid)
                patch.setattr("scheduled.lifeline.process_start_time", lambda: began)
            made = ManualDaemon(
                self.registry(*schedules) if schedules else self.crank.registry,
                settings=self.crank.settings,
                database=self.crank.database,
                clock=self.crank.clock,
            )
        self.others.append(made)
        return made

    def status_of(self, daemon: ManualDaemon) -> str:
        """The status of the daemon's instance."""
        query = f"SELECT status FROM worker_instance WHERE id = '{daemon.parts.lifeline.id}'"
        with self.crank.database.reading() as connection:
            return str(connection.exec_driver_sql(query).scalar())

    def emitted(self, name: str) -> list[dict[str, Any]]:
        """The facts of each event of that name that the daemon emitted."""
        return [dict(event.fields) for event in self.crank.events if event.name == name]

    def answers(self, schedule_id: str = "it") -> list[tuple[str, str | None]]:
        """What became of each occurrence, in the order of their instants: a status, and a reason if any."""
        return [(row.status, row.reason) for row in self.crank.ledger(schedule_id)]

    def schedule(self, cron: str = "0 * * * *", id: str = "it", **options: Any) -> Schedule:
        given: dict[str, Any] = {"enabled_by_default": True, "name": id} | options
        return Schedule(id=id, cron=cron, **given)

    def registry(self, *schedules: Schedule) -> Registry:
        if not collecting.jobs():
            self.job()
        return Registry.of(schedules)

    @property
    def crank(self) -> ManualDaemon:
        assert self.daemon is not None
        return self.daemon


@pytest.fixture
def world(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, server: Database | None
) -> Iterator[World]:
    """At the end the ledger must be lawful, whatever the test did."""
    made = World(request.getfixturevalue("database_url") if server else "sqlite://")
    call = Runner._call

    def call_and_die(runner: Runner, *arguments: Any) -> Outcome:
        outcome = call(runner, *arguments)
        if made.killed:
            raise Killed
        return outcome

    monkeypatch.setattr(Runner, "_call", call_and_die)
    try:
        yield made
        if made.daemon is not None:
            assert_lawful(made.daemon)
    finally:
        for other in made.others:
            other.crash()
        for daemon in made.daemons:
            daemon.close()


def at(text: str) -> datetime:
    """An instant of the day on which these tests happen: at("12:30") or at("12:30:15")."""
    hour, minute, *second = (int(part) for part in text.split(":"))
    return NOON.replace(hour=hour, minute=minute, second=second[0] if second else 0)


def days(count: float) -> timedelta:
    return timedelta(days=count)
