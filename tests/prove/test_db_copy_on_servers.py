"""A ledger that moves from database to database, of each kind, stays the same ledger."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from scheduled import tables
from scheduled.store import copying
from scheduled.store.database import Database
from scheduled.testing import ManualDaemon
from scheduled.verifying import verify
from tests.cli_support import NOON, Place, place_at
from tests.servers import fresh_url

pytestmark = pytest.mark.prove

DEFINITIONS = """
from scheduled import JobContext, Schedule, job

@job(group="talks", retries=1, retry_backoff=0)
def talks(ctx: JobContext):
    print("Grüße, 世界 🚀 \\\\ ' \\" %s %(x)s :x \\x00 \\r\\n" * 50)
    if ctx.due_at.hour % 6 == 0:
        raise ValueError("it broke: 🚀")
    return {"naïve": [1, 2.5, None, True, "🚀"], "a": {"c": 1, "b": 2}, "nul": "\\x00"}

@job(group="talks", depends_on=["talks"])
def Listens(ctx: JobContext):
    ctx.progress(1, 3)

schedules = [
    Schedule(id="talking", name="Talking 🚀", cron="0 * * * *", timezone="Europe/Riga", mode="GROUP",
             group="talks", enabled_by_default=True),
    Schedule(id="Often", name="Often", cron="*/10 * * * *", mode="GROUP", group="talks",
             missed="run_all", catch_up_limit=3, enabled_by_default=True),
    Schedule(id="resting", name="Resting", cron="@daily", mode="GROUP", group="talks"),
]
"""
PERIOD = timedelta(days=4, hours=5, microseconds=123457)
ROUTES = [
    ("sqlite", "postgresql", "sqlite"),
    ("sqlite", "mysql", "sqlite"),
    ("sqlite", "postgresql", "mysql"),
    ("sqlite", "mysql", "postgresql"),
    ("sqlite", "postgresql", "postgresql"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        found.define(DEFINITIONS)
        live(found, "sqlite:///source.db")
        admit(found, "sqlite:///source.db")
        yield found


def admit(place: Place, url: str) -> None:
    """Somebody may use the admin there, and has."""
    with closing(Database(url)) as database, database.writing() as into:
        made: dict[str, Any] = {"created_at": NOON, "token_hash": "ä" * 32, "user_id": 1}
        password = {"password_hash": "$argon2id$☃", "password_changed_at": NOON, "created_at": NOON}
        into.execute(insert(tables.users).values(id=1, name="ada", role="ADMIN", **password))
        into.execute(insert(tables.sessions).values(last_seen_at=NOON, expires_at=NOON, **made))
        into.execute(insert(tables.tokens).values(name="ci", role="VIEWER", hint="sch_a", **made))
        key = {"key_hash": "k", "request_hash": "r", "occurrence_id": 1, "at": NOON}
        into.execute(insert(tables.keys).values(**key))


def live(place: Place, url: str, begin: Any = NOON, period: timedelta = PERIOD) -> None:
    """A daemon lives there for some days, with all that can happen to one; at the end it dies."""
    database = Database(url, create=True, own_clock=True)
    daemon = ManualDaemon("schedules.py", now=begin, database=database)
    daemon.parts.capture.install()
    daemon.advance(seconds=(period / 2).total_seconds())
    daemon.trigger("resting", shop="Ērgļi 🚀", count=10**12)
    daemon.parts.capture.uninstall()
    daemon.down(hours=3)
    daemon.disable("talking", reason="zu laut 🚀 \\ '")
    daemon.clock.suspend(hours=8)
    daemon.enable("talking")
    daemon.advance(seconds=(period / 2).total_seconds())
    assert verify(database, clock=daemon.clock).ok
    place.freeze(daemon.clock.now() + timedelta(days=1))
    daemon.crash()
    daemon.close()


def contents(url: str) -> dict[str, list[Any]]:
    """All rows of all tables, as this test reads them: without a word of what copies them."""
    database = Database(url)
    with database.reading() as connection:
        found = {
            table.name: sorted((tuple(row) for row in connection.execute(select(*table.c))), key=repr)
            for table in copying.TABLES
        }
    database.close()
    return found


@pytest.mark.parametrize("route", ROUTES, ids="-to-".join)
def test_the_ledger_stays_the_same_on_its_way(place: Place, route: tuple[str, ...]) -> None:
    expected = contents("sqlite:///source.db")
    assert len(expected["job_run"]) > 1000
    assert all(expected.values())
    with ExitStack() as stack:
        urls = ["sqlite:///source.db"]
        for number, kind in enumerate(route[1:]):
            (folder := place.folder / str(number)).mkdir()
            urls.append(stack.enter_context(fresh_url(kind, folder)))
            place.patch.setenv("DATABASE_URL", urls[-2])
            told = place.json("db", "copy", "--to", urls[-1])
            assert {name: table["rows"] for name, table in told["tables"].items()} == {
                name: len(rows) for name, rows in expected.items()
            }
            assert contents(urls[-1]) == expected


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_daemon_goes_on_where_the_other_ended(place: Place, kind: str) -> None:
    with fresh_url(kind, place.folder) as url:
        place.patch.setenv("DATABASE_URL", "sqlite:///source.db")
        place.call("db", "copy", "--to", url)
        before = contents(url)
        live(place, url, begin=NOON + PERIOD + timedelta(days=2))
        after = contents(url)
    for table in ("occurrence", "job_run", "schedule_event", "worker_gap"):
        old, new = ({row[0] for row in found[table]} for found in (before, after))
        assert min(new - old) == max(old) + 1


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_it_knows_the_same_database_by_another_name(place: Place, kind: str) -> None:
    with fresh_url(kind, place.folder) as url:
        place.patch.setenv("DATABASE_URL", url)
        place.call("db", "upgrade")
        other = url.replace("127.0.0.1", "localhost")
        assert "is the database that would be copied" in place.error("db", "copy", "--to", other, status=2)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_it_copies_the_source_as_it_was_at_one_instant(place: Place, kind: str) -> None:
    """What is written behind a page that was read is not in the copy, and the copy is not kept."""
    with fresh_url(kind, place.folder) as url:
        place.patch.setenv("DATABASE_URL", "sqlite:///source.db")
        place.call("db", "copy", "--to", url)
        source = Database(url)
        copied: list[Any] = []

        def meddle(_rows: int) -> None:
            if not copied:
                copied.append(place.call("disable", "Often"))

        place.patch.setenv("DATABASE_URL", url)
        target = Database("sqlite:///back.db", create=True)
        copying.prepare(source, target)
        with pytest.raises(Exception, match="somebody changed"):
            copying.copy(source, target, lambda: None, meddle)
        assert not any(contents("sqlite:///back.db").values())
        source.close()
        target.close()
