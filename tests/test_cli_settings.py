from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduled.settings import VARIABLES, load_settings
from scheduled.version import VERSION
from tests.cli_support import Place, place_at

SECRET = "a secret that nobody but us two knows"


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


def test_a_secret_is_shown_to_nobody(place: Place) -> None:
    place.patch.setenv("JWT_SECRET", SECRET)
    assert setting(place, "JWT_SECRET")["value"] == "set"
    assert SECRET not in place.out("settings")
    assert SECRET not in repr(load_settings())


def test_a_secret_that_is_not_set_is_nothing(place: Place) -> None:
    assert setting(place, "JWT_SECRET")["value"] is None


def test_a_short_secret_is_a_fault_that_does_not_show_it(place: Place) -> None:
    place.patch.setenv("JWT_SECRET", "hush hush")
    said = place.error("settings", status=2)
    assert (
        "JWT_SECRET (environment): it has fewer than 32 bytes (make one with `openssl rand -hex 32`)" in said
    )
    assert "hush" not in said


@pytest.mark.parametrize("proxies", ["10.0.0.1", "10.0.0.0/8, ::1", "10.1.2.3/8"])
def test_proxies_are_addresses_or_networks(place: Place, proxies: str) -> None:
    place.patch.setenv("SCHEDULE_TRUSTED_PROXIES", proxies)
    assert setting(place, "SCHEDULE_TRUSTED_PROXIES")["value"] == proxies


@pytest.mark.parametrize("proxies", ["proxy.example.org", "*", "10.0.0.1,", "10.0.0.0/33"])
def test_proxies_are_nothing_else(place: Place, proxies: str) -> None:
    place.patch.setenv("SCHEDULE_TRUSTED_PROXIES", proxies)
    assert "it should be like 10.0.0.7 or 10.0.0.0/8" in place.error("settings", status=2)


def test_a_login_lives_for_five_minutes_at_least(place: Place) -> None:
    place.patch.setenv("SCHEDULE_SESSION_IDLE_MS", "1000")
    assert "greater than or equal to 300000" in place.error("settings", status=2)


def test_it_refuses_names_to_redact_that_are_no_pattern(place: Place) -> None:
    place.patch.setenv("SCHEDULE_REDACT", "iban|(")
    told = place.error("settings", status=2)
    assert "SCHEDULE_REDACT" in told
    assert "it is no regular expression: missing )" in told


@pytest.mark.parametrize("port", ["9090", "0.0.0.0:9090", "[::1]:0"])
def test_metrics_are_served_at_a_port(place: Place, port: str) -> None:
    place.patch.setenv("SCHEDULE_METRICS_PORT", port)
    assert setting(place, "SCHEDULE_METRICS_PORT")["value"] == port


@pytest.mark.parametrize("port", ["here", "70000", "9090:", "-1", "1" * 5000])
def test_metrics_are_served_nowhere_else(place: Place, port: str) -> None:
    place.patch.setenv("SCHEDULE_METRICS_PORT", port)
    assert "it should be like 9090" in place.error("settings", status=2)
