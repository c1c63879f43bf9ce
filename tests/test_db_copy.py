"""`scheduled db copy`: everything moves to another database, or nothing does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduled.store import copying
from scheduled.store.database import Database
from scheduled.store.schema import HEAD, upgrade
from scheduled.testing import manual_daemon
from scheduled.verifying import verify
from tests.cli_support import NOON, Place, place_at

TO = ("db", "copy", "--to", "sqlite:///other.db")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        found.lived(days=2)
        yield found


def rows(table: str, file: str = "other.db") -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()


@pytest.mark.parametrize("table", [table.name for table in copying.TABLES])
def test_it_copies_each_table_whole(place: Place, table: str) -> None:
    place.call(*TO)
    assert rows(table) == rows(table, "scheduled.db")


def test_it_tells_how_much_it_copied_and_what_is_next(place: Place) -> None:
    told = place.out(*TO)
    assert f"job_run             {len(rows('job_run'))} " in told
    assert "from sqlite:///scheduled.db to sqlite:///other.db: the same rows are on both sides" in told
    assert "Next: set DATABASE_URL to sqlite:///other.db, and start the daemon: `scheduled run`" in told


def test_it_tells_the_same_to_programs(place: Place) -> None:
    told = place.json(*TO)
    assert (told["source"], told["target"]) == ("sqlite:///scheduled.db", "sqlite:///other.db")
    assert set(told["tables"]) == {table.name for table in copying.TABLES}
    assert told["tables"]["job_run"]["rows"] == len(rows("job_run"))
    assert told["rows"] == sum(table["rows"] for table in told["tables"].values())


def test_a_daemon_goes_on_with_the_copy(place: Place) -> None:
    place.call(*TO)
    database = Database("sqlite:///other.db", own_clock=True)
    with manual_daemon("schedules.py", now=NOON + timedelta(days=2), database=database) as daemon:
        before = len(daemon.ledger())
        daemon.advance(days=1)
        assert len(daemon.ledger()) == before + 5
        assert verify(database, clock=daemon.clock).ok


def test_it_copies_page_by_page(place: Place) -> None:
    place.patch.setattr(copying, "PAGE", 3)
    place.patch.setattr(copying, "LARGE", {})
    assert place.json(*TO)["tables"]["job_run"]["rows"] == len(rows("job_run", "scheduled.db")) > 3


def test_it_copies_into_tables_that_hold_nothing(place: Place) -> None:
    upgrade(Database("sqlite:///other.db", create=True))
    assert place.json(*TO)["rows"] > 0


def test_it_replaces_the_nul_that_not_every_database_takes(place: Place) -> None:
    place.sql("UPDATE schedule_event SET reason = 'a' || char(0) || 'b'")
    place.call(*TO)
    assert {row[5] for row in rows("schedule_event")} == {"a\ufffdb"}


def test_it_refuses_a_database_that_holds_rows(place: Place) -> None:
    place.call(*TO)
    told = place.error(*TO)
    assert "sqlite:///other.db holds rows already, in job_schedule, " in told
    assert "name an empty database" in told


def test_it_refuses_a_database_of_another_revision(place: Place) -> None:
    upgrade(Database("sqlite:///other.db", create=True), "0001")
    told = place.error(*TO)
    assert f"sqlite:///other.db has schema 0001, and what would be copied has {HEAD}" in told


def test_it_refuses_tables_that_are_not_ours(place: Place) -> None:
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute("CREATE TABLE occurrence (id)")
    assert "Error: the database sqlite:///other.db has tables that" in place.error(*TO)


@pytest.mark.parametrize("url", ["sqlite:///scheduled.db", "sqlite:///./scheduled.db", "sqlite:///link.db"])
def test_it_refuses_the_same_database(place: Place, url: str) -> None:
    Path("link.db").symlink_to("scheduled.db")
    assert "is the database that would be copied" in place.error("db", "copy", "--to", url, status=2)


def test_it_refuses_a_database_in_memory(place: Place) -> None:
    assert "would be gone" in place.error("db", "copy", "--to", "sqlite://", status=2)


@pytest.mark.parametrize("url", ["nonsense", "foo://somewhere/x"])
def test_it_refuses_what_is_no_url(place: Place, url: str) -> None:
    told = place.error("db", "copy", "--to", url, status=2)
    assert "Invalid value for --to: the URL " in told


def test_it_needs_to_know_where_to(place: Place) -> None:
    assert "Missing option '--to'" in place.error("db", "copy", status=2)


def test_an_error_of_the_target_names_the_target(place: Place) -> None:
    told = place.error("db", "copy", "--to", "sqlite:////nowhere/at/all.db")
    assert told == "Error: the database sqlite:////nowhere/at/all.db: unable to open database file\n"


def test_it_refuses_a_source_that_is_out_of_date(place: Place) -> None:
    place.patch.setattr("scheduled.store.schema.HEAD", "0099")
    assert "`scheduled db upgrade` brings it up to date" in place.error(*TO)
    assert not Path("other.db").exists()


def test_it_refuses_while_a_daemon_lives(place: Place) -> None:
    place.sql("UPDATE worker_instance SET status = 'RUNNING'")
    told = place.error(*TO)
    assert "a daemon is alive on sqlite:///scheduled.db (" in told
    assert "stop it first" in told
    assert not Path("other.db").exists()


def test_it_copies_nothing_if_a_daemon_comes_to_life_meanwhile(place: Place) -> None:
    def wake(_rows: int) -> None:
        place.sql("UPDATE worker_instance SET status = 'RUNNING'")

    meanwhile(place, wake)
    assert "a daemon is alive" in place.error(*TO)
    assert rows("job_run") == []


def test_it_copies_nothing_if_somebody_asks_for_a_run_meanwhile(place: Place) -> None:
    meanwhile(place, lambda _rows: place.call("trigger", "resting", "--job", "works"))
    assert "somebody changed sqlite:///scheduled.db while it was copied" in place.error(*TO)
    assert rows("job_run") == []


def test_it_copies_nothing_if_what_arrives_is_not_what_was_sent(place: Place) -> None:
    upgrade(Database("sqlite:///other.db", create=True))
    with closing(sqlite3.connect("other.db")) as connection:
        connection.execute(
            "CREATE TRIGGER spoils AFTER INSERT ON job_output "
            "BEGIN UPDATE job_output SET output = 'spoilt' WHERE job_run_id = new.job_run_id; END"
        )
    told = place.error(*TO)
    assert "the table job_output is not the same in sqlite:///other.db" in told
    assert rows("job_schedule") == []


def meanwhile(place: Place, action: Any) -> None:
    """Do it once, when the first page has been copied."""
    copy, todo = copying.copy, [action]

    def copy_meanwhile(source: Database, target: Database, still: Any, _progress: Any) -> Any:
        return copy(source, target, still, lambda rows: todo.pop()(rows) if todo else None)

    place.patch.setattr(copying, "copy", copy_meanwhile)
