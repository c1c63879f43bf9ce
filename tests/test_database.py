import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import bindparam, column, insert, make_url, select, table, text, update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from scheduled.errors import DatabaseError, DatabaseUnavailableError, DuplicateError
from scheduled.store import engines
from scheduled.store.database import Database
from scheduled.store.faults import translation
from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.tables import events, gaps, metadata, workers
from tests.patience import PATIENCE

SQLITE, POSTGRESQL = SQLiteDialect_pysqlite(), PGDialect_psycopg()  # type: ignore[no-untyped-call]
NOON = datetime(2026, 3, 29, 12, 0, 0, 123456, tzinfo=UTC)
A_ROW: dict[str, Any] = {
    "schedule_id": "s",
    "at": NOON,
    "event": "added",
    "actor": "me",
    "data": None,
    "reason": None,
}

ADD = Statement(insert(events).values({name: bindparam(name, type_=events.c[name].type) for name in A_ROW}))
ADD_WITH_ID = Statement(insert(events).values(id=bindparam("id"), **A_ROW))
ADD_GAP = Statement(insert(gaps).values(worker_id="nobody", from_at=NOON, to_at=NOON, cause="suspended"))
ALL = Statement(select(events.c.id, events.c.at, events.c.data).order_by(events.c.id))
COUNT = Statement(select(events.c.id))
RENAME = Statement(update(events).values(actor="you", reason=None).where(events.c.id == bindparam("the_id")))
LOST = Statement(select(table("nowhere", column("id"))))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(f"sqlite:///{tmp_path / 'scheduled.db'}", create=True)
    metadata.create_all(found.engine)
    yield found
    found.close()


@pytest.fixture
def held(database: Database) -> Iterator[Held]:
    connection = database.hold()
    yield connection
    connection.close()


@pytest.fixture
def other(database: Database) -> Iterator[sqlite3.Connection]:
    """Another process: a connection that does not wait."""
    connection = sqlite3.connect(str(database.file), timeout=0, isolation_level=None)
    yield connection
    connection.close()


@pytest.fixture
def impatient(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The same database, for one who waits no longer than a moment for its lock."""
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_SECONDS", 0.01)
    found = Database(database.url)
    yield found
    found.close()


def fail_after(_work: object, error: type[BaseException]) -> None:
    raise error


def count(held: Held) -> int:
    return len(held.rows(COUNT))


# ------------------------------------------------------------------ opening


def test_it_names_the_commands_that_create_an_absent_file(tmp_path: Path) -> None:
    expected = r"no database at .*absent\.db: `scheduled run` or `scheduled db upgrade` creates it"
    with pytest.raises(DatabaseError, match=expected):
        Database(f"sqlite:///{tmp_path / 'absent.db'}")
    assert not (tmp_path / "absent.db").exists()


def test_it_opens_nothing_before_it_is_asked_for(tmp_path: Path) -> None:
    Database(f"sqlite:///{tmp_path / 'later.db'}", create=True).close()
    assert not (tmp_path / "later.db").exists()


@pytest.mark.parametrize(
    "url", ["", "scheduled.db", "sqlite://scheduled.db", "postgresql://me:secret@host:port/x"]
)
def test_it_refuses_what_is_no_url(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"no database URL: try sqlite:///scheduled\.db") as refusal:
        Database(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["nosuch://host/x", "mysql+nosuch://host/x"])
def test_it_refuses_a_database_that_nothing_speaks_to(url: str) -> None:
    with pytest.raises(DatabaseError, match="names a database that nothing here speaks to"):
        Database(url)


def test_a_server_is_no_file_and_its_password_is_not_told() -> None:
    database = Database("postgresql+psycopg://me:secret@host/x")
    assert database.file is None
    assert database.name == "postgresql+psycopg://me:***@host/x"


def test_what_the_url_says_of_a_server_wins() -> None:
    told = engines._defaults(make_url("postgresql+psycopg://host/x?connect_timeout=3&sslmode=require"))
    assert "connect_timeout" not in told
    assert told["application_name"] == "scheduled"


def test_it_refuses_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("buy milk\n" * 1000)
    database = Database(f"sqlite:///{tmp_path / 'notes.txt'}")
    with pytest.raises(DatabaseError, match="file is not a database"), database.reading():
        pass
    database.close()


def test_it_shares_a_database_in_memory() -> None:
    database = Database("sqlite://")
    metadata.create_all(database.engine)
    held = database.hold()
    with database.reading() as connection:
        assert connection.execute(select(events)).all() == held.rows(ALL) == []
    held.close()
    database.close()


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 10_000)],
)
def test_it_sets_every_connection_up(database: Database, pragma: str, expected: object) -> None:
    with database.reading() as first, database.reading() as second:
        assert first.exec_driver_sql(f"PRAGMA {pragma}").scalar() == expected
        assert second.exec_driver_sql(f"PRAGMA {pragma}").scalar() == expected


# ------------------------------------------------------------------ transactions


def test_it_commits_at_the_end(held: Held, other: sqlite3.Connection) -> None:
    with held.transaction():
        held.insert(ADD, **A_ROW)
        assert other.execute("SELECT count(*) FROM schedule_event").fetchone() == (0,)
    assert other.execute("SELECT count(*) FROM schedule_event").fetchone() == (1,)


def test_it_rolls_back_on_an_error(held: Held) -> None:
    with pytest.raises(ZeroDivisionError), held.transaction():
        fail_after(held.insert(ADD, **A_ROW), ZeroDivisionError)
    assert count(held) == 0


def test_it_rolls_back_on_an_interrupt(held: Held) -> None:
    with pytest.raises(KeyboardInterrupt), held.transaction():
        fail_after(held.insert(ADD, **A_ROW), KeyboardInterrupt)
    assert count(held) == 0


def test_it_takes_the_write_lock_before_it_reads(held: Held, other: sqlite3.Connection) -> None:
    with held.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")


def test_it_takes_the_write_lock_for_sqlalchemy_too(database: Database, other: sqlite3.Connection) -> None:
    with database.writing(), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")


def test_it_is_unavailable_while_another_writes(impatient: Database, other: sqlite3.Connection) -> None:
    held = impatient.hold()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError, match="database is locked"), held.transaction():
        pytest.fail("there are two writers")
    with pytest.raises(DatabaseUnavailableError, match="database is locked"), impatient.writing():
        pytest.fail("there are two writers")
    held.close()


def test_it_is_available_again_when_the_other_is_done(impatient: Database, other: sqlite3.Connection) -> None:
    held = impatient.hold()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailableError), held.transaction():
        pass
    other.execute("COMMIT")
    with held.transaction():
        held.insert(ADD, **A_ROW)
    assert count(held) == 1
    held.close()


def test_it_reads_while_another_writes(held: Held, other: sqlite3.Connection) -> None:
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM schedule_event")
    assert count(held) == 0


def test_it_keeps_the_side_thread_out_of_a_transaction(held: Held) -> None:
    seen: list[int] = []
    side = threading.Thread(target=lambda: seen.append(count(held)))
    with held.transaction():
        side.start()
        held.insert(ADD, **A_ROW)
        held.insert(ADD, **A_ROW)
    side.join(PATIENCE)
    assert seen in ([0], [2])


def test_it_ends_every_read(held: Held, database: Database, other: sqlite3.Connection) -> None:
    with held.transaction():
        held.insert(ADD, **A_ROW)
    held.rows(ALL)
    with database.reading() as connection:
        connection.execute(select(events)).all()
        other.execute("DELETE FROM schedule_event")
        busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0


def test_it_commits_a_lone_write_at_once(database: Database, other: sqlite3.Connection) -> None:
    with database.reading() as connection:  # its connection goes back to the pool, and to the next holder
        connection.execute(select(events)).all()
    held = database.hold()
    held.insert(ADD, **A_ROW)
    assert other.execute("DELETE FROM schedule_event").rowcount == 1
    held.close()


def test_it_opens_another_connection_after_it_was_closed(held: Held) -> None:
    assert count(held) == 0
    held.close()
    held.close()
    assert count(held) == 0


def test_it_gives_up_a_connection_that_cannot_roll_back(held: Held) -> None:
    with pytest.raises(ZeroDivisionError), held.transaction():
        fail_after(held._driver().close(), ZeroDivisionError)
    assert count(held) == 0


def test_it_says_that_a_commit_failed(held: Held) -> None:
    with pytest.raises(DatabaseError, match="closed database"), held.transaction():
        held._driver().close()


# ------------------------------------------------------------------ errors


def test_it_tells_a_duplicate(held: Held) -> None:
    held.insert(ADD_WITH_ID, id=1)
    with pytest.raises(DuplicateError, match=r"UNIQUE constraint failed: schedule_event\.id"):
        held.insert(ADD_WITH_ID, id=1)


def test_it_tells_a_duplicate_through_sqlalchemy(database: Database) -> None:
    with pytest.raises(DuplicateError), database.writing() as connection:
        connection.execute(insert(events), [{"id": 1, **A_ROW}, {"id": 1, **A_ROW}])


def test_it_takes_no_other_constraint_for_a_duplicate(held: Held) -> None:
    with pytest.raises(DatabaseError, match="FOREIGN KEY constraint failed") as refusal:
        held.run(ADD_GAP)
    assert type(refusal.value) is DatabaseError


@pytest.mark.parametrize("of_a_server", [("sqlstate", "23505"), ("args", (1062, "Duplicate entry"))])
def test_it_tells_a_servers_duplicate(of_a_server: tuple[str, object]) -> None:
    class IntegrityError(Exception):
        pass

    error = IntegrityError()
    setattr(error, *of_a_server)
    assert isinstance(translation(error), DuplicateError)


def test_it_tells_that_a_server_went_away_by_the_root_of_its_error() -> None:
    class OperationalError(Exception):
        pass

    class AdminShutdownError(OperationalError):
        pass

    assert isinstance(translation(AdminShutdownError()), DatabaseUnavailableError)


def test_it_waits_for_no_missing_table(held: Held, database: Database) -> None:
    for attempt in (lambda: held.rows(LOST), lambda: read_nowhere(database)):
        with pytest.raises(DatabaseError, match="no such table: nowhere") as refusal:
            attempt()
        assert type(refusal.value) is DatabaseError


def read_nowhere(database: Database) -> None:
    with database.reading() as connection:
        connection.execute(text("SELECT * FROM nowhere"))


def test_it_is_unavailable_when_its_folder_is_absent(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'absent' / 'scheduled.db'}", create=True)
    held = database.hold()
    with pytest.raises(DatabaseUnavailableError, match="unable to open database file"):
        held.rows(ALL)
    database.close()


# ------------------------------------------------------------------ values


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-3, minutes=-30))])
def test_it_keeps_an_instants_microseconds_and_gives_utc(held: Held, zone: timezone) -> None:
    held.insert(ADD, **{**A_ROW, "at": NOON.astimezone(zone)})
    found = held.row(ALL).at
    assert (found, found.tzinfo) == (NOON, UTC)


def test_it_stores_instants_as_people_write_them(held: Held, other: sqlite3.Connection) -> None:
    held.insert(ADD, **A_ROW)
    stored = other.execute("SELECT at FROM schedule_event").fetchone()
    assert stored == ("2026-03-29 12:00:00.123456",)


def test_it_refuses_a_naive_instant(held: Held) -> None:
    with pytest.raises(ValueError, match="has no time zone: instants are stored in UTC"):
        held.insert(ADD, **{**A_ROW, "at": datetime(2026, 3, 29, 12)})
    assert count(held) == 0


def test_it_gives_rows_as_named_tuples(held: Held) -> None:
    ids = [held.insert(ADD, **{**A_ROW, "data": data}) for data in ({"n": 1, "ä": [None]}, None)]
    rows = held.rows(ALL)
    assert rows == [(ids[0], NOON, {"n": 1, "ä": [None]}), (ids[1], NOON, None)]
    assert rows[0]._fields == ("id", "at", "data")


def test_it_gives_none_for_the_row_that_is_not_there(held: Held) -> None:
    assert held.row(ALL) is None


def test_it_tells_how_many_rows_it_changed(held: Held) -> None:
    the_id = held.insert(ADD, **A_ROW)
    assert held.run(RENAME, the_id=the_id) == 1
    assert held.run(RENAME, the_id=the_id + 1) == 0


def test_it_writes_null_where_the_statement_says_so(held: Held, other: sqlite3.Connection) -> None:
    the_id = held.insert(ADD, **{**A_ROW, "reason": "because"})
    held.run(RENAME, the_id=the_id)
    assert other.execute("SELECT actor, reason FROM schedule_event").fetchone() == ("you", None)


def test_it_demands_a_value_for_every_parameter(held: Held) -> None:
    with pytest.raises(KeyError, match="the_id"):
        held.run(RENAME)


def test_it_compiles_a_statement_once_for_each_dialect() -> None:
    first = ALL.compiled(SQLITE)
    assert ALL.compiled(SQLITE) is first
    assert ALL.compiled(POSTGRESQL) is not first


def test_it_asks_postgresql_for_the_id_of_a_new_row() -> None:
    assert not ADD_GAP.compiled(SQLITE).returns_rows
    compiled = ADD_GAP.compiled(POSTGRESQL)
    assert compiled.sql.endswith("RETURNING worker_gap.id")
    assert compiled.returns_rows


def test_it_names_the_parameters_where_the_driver_does() -> None:
    parameters = RENAME.compiled(POSTGRESQL).parameters({"the_id": 3})
    assert parameters == {"the_id": 3, "actor": "you", "reason": None}


def test_it_gives_plain_values_as_they_are() -> None:
    statement = Statement(select(workers.c.id, workers.c.pid))
    assert statement.compiled(SQLITE).results([("w", 7)]) == [("w", 7)]
