import fcntl
import os
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduled import collecting
from scheduled.builtin import backup, backup_database
from scheduled.clock import Clock
from scheduled.context import JobContext
from scheduled.definitions import job
from scheduled.errors import DefinitionsError
from scheduled.running.calling import Outcome, call
from scheduled.running.interrupts import Interrupt
from scheduled.words import Status

NOW = datetime(2026, 11, 21, 2, 0, 0, 5, tzinfo=UTC)
NAME = "app-20261121T020000.000005Z.db"


@pytest.fixture(autouse=True)
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of some 130 pages, in the working directory; and no job counts yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "_decorated", [])
    monkeypatch.setattr(backup, "PAGES", 16)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///app.db")
    set_clock(monkeypatch, NOW)
    with closing(sqlite3.connect("app.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, filling BLOB)")
        connection.execute("CREATE INDEX i ON t (filling)")
        add_rows(connection, 300)
    return tmp_path / "app.db"


def set_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(Clock, "now", lambda _self: now)


def add_rows(connection: sqlite3.Connection, count: int) -> None:
    connection.executemany("INSERT INTO t (filling) VALUES (randomblob(800))", [()] * count)


def run(on_progress: Any = lambda done, total: None, **options: Any) -> Outcome:
    made = backup_database(**options)
    assert made.function is not None
    return call(made.function, lambda: JobContext("nightly", 7, 42, made.name, NOW, on_progress=on_progress))


def value_of(outcome: Outcome) -> Any:
    assert outcome.status is Status.COMPLETED, outcome
    return outcome.value


def count_in(file: str | Path) -> int:
    with closing(sqlite3.connect(f"{Path(file).resolve().as_uri()}?mode=ro", uri=True)) as copy:
        return int(copy.execute("SELECT count(*) FROM t").fetchone()[0])


def names_in(folder: str = "backups") -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def damage(file: Path) -> None:
    """As a bad disk would: a page in the middle is not what it was."""
    with file.open("r+b") as bytes_of:
        bytes_of.seek(4096 * 40)
        bytes_of.write(b"\xff" * 4096)


def test_it_makes_a_copy_that_opens_and_says_where() -> None:
    value = value_of(run())
    assert value == {
        "file": f"backups/{NAME}",
        "bytes": Path("backups", NAME).stat().st_size,
        "kept": 1,
        "removed": 0,
    }
    assert count_in(value["file"]) == 300


def test_it_leaves_nothing_but_the_backup() -> None:
    value_of(run(folder="other/place"))
    assert names_in("other/place") == [NAME]


def test_it_makes_one_file_that_a_read_only_medium_can_hold() -> None:
    with closing(sqlite3.connect(value_of(run())["file"])) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_it_copies_one_instant_while_others_write(source: Path) -> None:
    steps: list[float] = []

    def write_meanwhile(done: float, _total: float | None) -> None:
        steps.append(done)
        with closing(sqlite3.connect(source, isolation_level=None, timeout=0)) as writer:
            add_rows(writer, 1)

    assert count_in(value_of(run(write_meanwhile))["file"]) == 300
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert count_in(source) == 300 + len(steps)


def test_it_copies_what_is_only_in_the_log_yet(source: Path) -> None:
    with closing(sqlite3.connect(source, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint=0")
        add_rows(writer, 5)
        assert count_in(value_of(run())["file"]) == 305


def test_it_keeps_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(5):
        set_clock(monkeypatch, NOW + timedelta(days=day))
        value = value_of(run(keep=2, name=f"backup-{day}"))
    assert (value["kept"], value["removed"]) == (2, 1)
    assert names_in() == ["app-20261124T020000.000005Z.db", "app-20261125T020000.000005Z.db"]


def test_it_keeps_the_one_just_made_whatever_the_clock_says(monkeypatch: pytest.MonkeyPatch) -> None:
    value_of(run())
    set_clock(monkeypatch, NOW - timedelta(days=400))
    value_of(run(keep=1, name="again"))
    assert names_in() == ["app-20251017T020000.000005Z.db"]


def test_it_removes_no_files_of_others() -> None:
    others = ["app.db", "app-prod-20200101T000000.000000Z.db", "app-20200101.db", "notes.txt"]
    Path("backups").mkdir()
    for name in others:
        Path("backups", name).touch()
    assert value_of(run(keep=1))["removed"] == 0
    assert set(others) < set(names_in())


def test_it_fails_and_keeps_the_older_ones_if_the_copy_is_not_sound(source: Path) -> None:
    Path("backups").mkdir()
    Path("backups", "app-20200101T000000.000000Z.db").touch()
    damage(source)
    outcome = run(keep=1)
    assert outcome.status is Status.FAILED
    assert "failed its integrity check" in str(outcome.error_message)
    assert names_in() == ["app-20200101T000000.000000Z.db"]


def test_it_fails_if_the_copy_does_not_even_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        backup, "_copy", lambda _source, temporary, _ctx: temporary.write_text("rubbish" * 99)
    )
    outcome = run()
    assert "not a database" in str(outcome.error_message)
    assert names_in() == []


def test_it_leaves_no_half_file_when_it_is_interrupted() -> None:
    def interrupt(done: float, total: float | None) -> None:
        raise Interrupt("timeout")

    with pytest.raises(Interrupt):
        run(interrupt)
    assert names_in() == []


def test_it_lets_signals_in_while_it_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup, "CHECK_STEPS", 1)
    assert value_of(run())["kept"] == 1


def test_it_clears_away_what_a_killed_backup_left() -> None:
    Path("backups").mkdir()
    Path("backups", f".{NAME}.copying-journal").touch()
    Path("backups", ".app-20200101T000000.000000Z.db.copying").touch()
    value_of(run())
    assert names_in() == [NAME]


def test_it_clears_its_own_files_whatever_the_database_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("app.db").rename("a[pp] ?%41#.db")
    monkeypatch.setattr(backup, "database_file", lambda: Path("a[pp] ?%41#.db"))
    damage(Path("a[pp] ?%41#.db"))
    assert run().status is Status.FAILED
    assert names_in() == []


def test_it_waits_for_another_backup_into_the_folder() -> None:
    Path("backups").mkdir()
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(run()))
    descriptor = os.open("backups", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    thread.start()
    assert names_in() == []
    os.close(descriptor)
    thread.join()
    assert value_of(outcomes[0])["kept"] == 1


def test_it_touches_nothing_unfinished_where_folders_cannot_be_locked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError("no locks here")

    Path("backups").mkdir()
    Path("backups", ".app-20200101T000000.000000Z.db.copying").touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    assert value_of(run())["kept"] == 1
    assert ".app-20200101T000000.000000Z.db.copying" in names_in()


def test_its_backup_is_no_more_readable_than_the_database(source: Path) -> None:
    source.chmod(0o600)
    assert stat.S_IMODE(Path(value_of(run())["file"]).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "instead"),
    [
        ("postgresql+psycopg://me:secret@host/app", "pg_dump"),
        ("mysql+pymysql://me:secret@host/app", "mariadb-dump"),
        ("mariadb+pymysql://me:secret@host/app", "mariadb-dump"),
        ("oracle://me:secret@host/app", "its own tool"),
        ("sqlite://", "in memory"),
    ],
)
def test_it_skips_what_is_no_sqlite_file(url: str, instead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    outcome = run()
    assert outcome.status is Status.SKIPPED
    assert instead in str(outcome.error_message)
    assert "secret" not in str(outcome.error_message)


def test_it_fails_if_there_is_no_database_and_makes_none(source: Path) -> None:
    source.unlink()
    assert "there is no database at app.db" in str(run().error_message)
    assert not source.exists()


def test_it_counts_as_a_job_with_the_common_options() -> None:
    @job
    def first() -> None: ...

    made = backup_database(
        name="save", group="g", depends_on=[first], timeout=timedelta(minutes=1), retries=2, description="d"
    )
    assert collecting.jobs()[-1] is made
    assert (made.name, made.group, made.depends_on, made.description) == ("save", "g", ("first",), "d")
    assert (made.timeout, made.retries) == (60.0, 2)


def test_its_faults_are_told_at_the_users_line() -> None:
    with pytest.raises(DefinitionsError) as caught:
        backup_database(keep=0, gruop="x")  # type: ignore[call-arg]
    text = str(caught.value)
    assert "test_builtin_backup.py:" in text
    assert "keep 0 is not allowed (a whole number, at least 1)" in text
    assert "unknown argument 'gruop' (did you mean 'group'?)" in text


def test_it_suggests_its_own_options_too() -> None:
    with pytest.raises(DefinitionsError, match="did you mean 'folder'"):
        backup_database(floder="x")  # type: ignore[call-arg]


def test_where_it_is_from_is_the_users_line() -> None:
    assert backup_database().where.startswith("test_builtin_backup.py:")
