import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scheduled import collecting
from scheduled.builtin import optimize_database
from scheduled.context import JobContext
from scheduled.running.calling import Outcome, call
from scheduled.store import database as databases
from scheduled.store import engines, schema
from scheduled.store.database import Database
from scheduled.tables import metadata
from scheduled.words import Status

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
LOG = Path("scheduled.db-wal")


@pytest.fixture(autouse=True)
def migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database with our tables in the working directory; and no job counts yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "_decorated", [])
    monkeypatch.delenv("DATABASE_URL", raising=False)
    database = Database("sqlite:///scheduled.db", create=True)
    schema.upgrade(database)
    database.close()


@pytest.fixture
def other() -> Iterator[sqlite3.Connection]:
    """Somebody else's connection, who waits for nobody."""
    with closing(sqlite3.connect("scheduled.db", isolation_level=None, timeout=0)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        yield connection


def run(on_progress: Callable[[float, float | None], None] = lambda done, total: None) -> Outcome:
    made = optimize_database()
    assert made.function is not None
    return call(made.function, lambda: JobContext("nightly", 7, 42, made.name, NOW, on_progress=on_progress))


def value_of(outcome: Outcome) -> Any:
    assert outcome.status is Status.COMPLETED, outcome
    return outcome.value


def add_events(connection: sqlite3.Connection, count: int) -> None:
    event = (
        "INSERT INTO schedule_event (schedule_id, at, event, actor) VALUES ('s', '2026-01-01', 'added', ?)"
    )
    connection.executemany(event, [("x" * 200,)] * count)


def test_it_gathers_statistics_of_our_tables(other: sqlite3.Connection) -> None:
    add_events(other, 100)
    value_of(run())
    found = other.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'schedule_event'").fetchall()
    assert found == [("100 100 1",)]


def test_it_empties_the_log_and_says_how_large_everything_was(other: sqlite3.Connection) -> None:
    add_events(other, 1000)
    value = value_of(run())
    assert value["log_emptied"] is True
    assert value["before"]["log"] > 100_000
    assert value["after"]["log"] == 0 == LOG.stat().st_size
    assert value["after"]["database"] > value["before"]["database"]


def test_it_tells_how_much_room_was_left_by_what_is_gone(other: sqlite3.Connection) -> None:
    add_events(other, 1000)
    other.execute("DELETE FROM schedule_event")
    assert value_of(run())["reusable_bytes"] > 100_000


def test_it_leaves_the_log_to_whoever_still_reads_in_it(other: sqlite3.Connection) -> None:
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM schedule_event").fetchone()
    value = value_of(run())
    assert value["log_emptied"] is False
    assert value["after"]["log"] == LOG.stat().st_size > 0


def test_it_waits_for_nobody_to_empty_the_log(
    other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader of the newest state hinders no copying, but the emptying."""
    monkeypatch.setattr("scheduled.builtin.optimize._checkpoint", between(other))
    assert value_of(run())["log_emptied"] is False


def between(other: sqlite3.Connection) -> Callable[[Any], bool]:
    from scheduled.builtin.optimize import _checkpoint

    def checkpoint(connection: Any) -> bool:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM schedule_event").fetchone()
        return _checkpoint(connection)

    return checkpoint


def test_others_may_write_between_its_steps(other: sqlite3.Connection) -> None:
    value_of(run(lambda _done, _total: add_events(other, 1)))
    assert other.execute("SELECT count(*) FROM schedule_event").fetchone() == (len(metadata.tables),)


def test_it_leaves_the_log_alone_where_there_is_none(
    other: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_prepare_sqlite", lambda connection, _record: None)
    other.execute("PRAGMA journal_mode=DELETE")
    value = value_of(run())
    assert (value["log_emptied"], value["after"]["log"]) == (False, 0)


def test_it_skips_a_database_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    assert run().status is Status.SKIPPED


def test_it_fails_where_there_is_no_database() -> None:
    Path("scheduled.db").unlink()
    assert "there is no database" in str(run().error_message)


class Server:
    """Stands in for a server: remembers what it was told, and answers `size` or the rows of an analysis."""

    def __init__(self, kind: str, analysis: list[tuple[str, ...]]) -> None:
        self.file = None
        self.dialect = SimpleNamespace(name=kind)
        self.analysis = analysis
        self.told: list[str] = []

    @contextmanager
    def reading(self) -> Iterator["Server"]:
        yield self

    def exec_driver_sql(self, sql: str) -> Any:
        self.told.append(sql)
        rows: list[Any] = [(4096,)] if sql.startswith("SELECT") else self.analysis
        return SimpleNamespace(returns_rows=bool(rows), fetchall=lambda: rows)

    def close(self) -> None: ...


def run_on(server: Server, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    monkeypatch.setattr(databases, "Database", lambda _url: server)
    return run()


def test_it_analyzes_each_of_our_tables_on_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("postgresql", [])
    value = value_of(run_on(server, monkeypatch))
    assert value == {"before": {"database": 4096}, "after": {"database": 4096}}
    assert [sql for sql in server.told if sql.startswith("ANALYZE")] == [
        f"ANALYZE {name}" for name in sorted(metadata.tables)
    ]


@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_it_analyzes_each_of_our_tables_on_mysql(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(kind, [("app.job_run", "analyze", "status", "OK")])
    value_of(run_on(server, monkeypatch))
    assert "ANALYZE NO_WRITE_TO_BINLOG TABLE job_run" in server.told


def test_it_fails_when_mysql_tells_of_an_error_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server("mysql", [("app.job_output", "analyze", "Error", "Table doesn't exist")])
    message = run_on(server, monkeypatch).error_message
    assert message == "the table admin_session cannot be analyzed: Table doesn't exist"


def test_it_skips_a_database_that_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_on(Server("oracle", []), monkeypatch).status is Status.SKIPPED
