from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduled.settings import VARIABLES
from scheduled.version import VERSION
from tests.cli_support import Place, place_at


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


def setting(place: Place, variable: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = place.json("settings")
    return next(row for row in found if row["variable"] == variable)


def test_it_shows_each_setting(place: Place) -> None:
    page = place.out("settings")
    assert all(variable in page for variable in VARIABLES)
    assert "Where the ledger lives" in page


def test_the_json_has_stable_keys(place: Place) -> None:
    found = place.json("settings")
    assert [row["variable"] for row in found] == list(VARIABLES)
    assert all(row.keys() == {"variable", "value", "source", "description"} for row in found)


def test_it_tells_where_each_value_came_from(place: Place) -> None:
    place.define("SCHEDULE_ENV=staging\nSCHEDULE_WAKE=poll\n", ".env")
    place.patch.setenv("SCHEDULE_WAKE", "exact")
    assert (setting(place, "SCHEDULE_ENV")["value"], setting(place, "SCHEDULE_ENV")["source"]) == (
        "staging",
        ".env",
    )
    assert setting(place, "SCHEDULE_WAKE")["source"] == "environment"
    assert setting(place, "SCHEDULE_LOG_LEVEL")["source"] == "default"


def test_a_setting_that_is_empty_is_the_default(place: Place) -> None:
    place.patch.setenv("SCHEDULE_ENV", "")
    assert setting(place, "SCHEDULE_ENV")["source"] == "default"


@pytest.mark.parametrize(("url", "shown"), [
    ("postgresql://me:secret@db/app", "postgresql://me:***@db/app"),
    ("postgresql://me:sec@ret/x@db/app", "postgresql://me:***@db/app"),
    ("mysql+pymysql://db/app?user=me&Password=secret&x=1", "mysql+pymysql://db/app?user=me&Password=***&x=1"),
    ("sqlite:////home/me@work/x.db", "sqlite:////home/me@work/x.db"),
])  # fmt: skip
def test_it_masks_passwords(place: Place, url: str, shown: str) -> None:
    place.patch.setenv("DATABASE_URL", url)
    assert setting(place, "DATABASE_URL")["value"] == shown


@pytest.mark.parametrize(("url", "migrates"), [("sqlite:///x.db", True), ("postgresql://db/app", False)])
def test_it_shows_whether_run_would_migrate(place: Place, url: str, migrates: bool) -> None:
    place.patch.setenv("DATABASE_URL", url)
    assert setting(place, "SCHEDULE_AUTO_MIGRATE")["value"] is migrates


def test_it_warns_of_what_looks_like_a_setting_but_is_none(place: Place) -> None:
    place.patch.setenv("SCHEDULE_POLL_INTERVAL", "5000")
    said = place.call("settings").stderr
    assert said == "warning: SCHEDULE_POLL_INTERVAL is no setting: did you mean SCHEDULE_POLL_INTERVAL_MS?\n"


def test_it_tells_all_faults_at_once(place: Place) -> None:
    place.patch.setenv("SCHEDULE_WAKE", "never")
    place.define("SCHEDULE_POLL_INTERVAL_MS=often", ".env")
    said = place.error("settings", status=2)
    assert "SCHEDULE_WAKE (environment): 'never' is not allowed" in said
    assert "SCHEDULE_POLL_INTERVAL_MS (.env): 'often' is not allowed" in said


def test_a_dotenv_that_is_no_text_is_a_fault(place: Place) -> None:
    (place.folder / ".env").write_bytes(b"SCHEDULE_ENV=\xff\xfe")
    assert ".env: it is no UTF-8 text" in place.error("list", status=2)


def test_version_tells_the_version(place: Place) -> None:
    assert place.out("version").startswith(f"scheduled {VERSION} (Python 3.")
    assert place.json("version").keys() == {"version", "python", "platform", "zone_data"}
