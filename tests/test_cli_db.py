from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduled.store.schema import HEAD
from tests.cli_support import Place, place_at


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


def test_upgrade_creates_the_database_and_its_tables(place: Place) -> None:
    assert place.out("db", "upgrade") == f"the schema of sqlite:///scheduled.db is at {HEAD} now\n"
    assert place.json("list") == []


def test_upgrade_says_when_there_was_nothing_to_do(place: Place) -> None:
    place.call("db", "upgrade")
    assert "is up to date already" in place.out("db", "upgrade")


def test_current_tells_the_revision(place: Place) -> None:
    place.call("db", "upgrade")
    assert f"is at {HEAD}, and up to date" in place.out("db", "current")
    assert place.json("db", "current") == {
        "database": "sqlite:///scheduled.db", "current": HEAD, "expected": HEAD, "up_to_date": True,
    }  # fmt: skip


def test_current_tells_that_there_is_none(place: Place) -> None:
    Path("scheduled.db").touch()
    assert "is absent: `scheduled db upgrade` creates it" in place.out("db", "current")
    assert place.json("db", "current")["current"] is None


def test_current_tells_that_it_is_another_one(place: Place) -> None:
    place.call("db", "upgrade")
    place.patch.setattr("scheduled.store.schema.HEAD", "0099")
    assert f"is at {HEAD}, but 0099 is expected" in place.out("db", "current")
    assert not place.json("db", "current")["up_to_date"]


def test_a_schema_that_is_out_of_date_says_what_mends_it(place: Place) -> None:
    place.call("db", "upgrade")
    place.patch.setattr("scheduled.store.schema.HEAD", "0099")
    assert "`scheduled db upgrade` brings it up to date" in place.error("list")


def test_downgrade_drops_the_tables(place: Place) -> None:
    place.call("db", "upgrade")
    assert "is at base now" in place.out("db", "downgrade", "base")
    assert "`scheduled db upgrade` creates them" in place.error("list")


def test_downgrade_refuses_a_revision_that_it_does_not_know(place: Place) -> None:
    place.call("db", "upgrade")
    assert "cannot be migrated" in place.error("db", "downgrade", "7777")


@pytest.mark.parametrize("command", [("current",), ("downgrade", "base")], ids=str)
def test_only_upgrade_creates_a_database(place: Place, command: tuple[str, ...]) -> None:
    assert "there is no database at scheduled.db" in place.error("db", *command)
    assert not Path("scheduled.db").exists()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "foo://somewhere/x"])
def test_a_database_that_cannot_be_opened_is_one_sentence(place: Place, url: str) -> None:
    place.patch.setenv("DATABASE_URL", url)
    assert place.error("db", "upgrade").count("\n") == 1


def test_what_is_no_url_is_a_fault_among_the_other_settings(place: Place) -> None:
    place.patch.setenv("DATABASE_URL", "nonsense")
    place.patch.setenv("SCHEDULE_WAKE", "often")
    told = place.error("db", "upgrade", status=2)
    assert "it is no URL (as in sqlite:///scheduled.db)" in told
    assert "SCHEDULE_WAKE" in told
