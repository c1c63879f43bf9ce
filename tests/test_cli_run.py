import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scheduled.daemon import Daemon
from tests.cli_support import DEFINITIONS, Place, place_at


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


def log(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What the daemon logged; it does so on a stderr of its own."""
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]


def test_it_creates_the_database_and_stores_the_schedules(place: Place) -> None:
    place.call("run", "--once")
    assert [schedule["id"] for schedule in place.json("list")] == ["broken", "nightly", "resting"]


def test_it_runs_what_was_asked_for(place: Place) -> None:
    place.call("run", "--once")
    place.call("trigger", "resting")
    place.call("run", "--once")
    assert place.json("history", "resting")[0]["status"] == "COMPLETED"


def test_it_says_which_worker_logs(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    place.call("run", "--once")
    assert {len(line["worker_id"]) for line in log(capfd)} == {36}


def test_it_takes_other_schedules_and_another_poll_interval(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    place.define(Path("schedules.py").read_text().replace("nightly", "weekly"), "other.py")
    place.call("run", "--once", "--schedules", "other.py", "--poll-interval", "1m30s")
    assert "weekly" in place.out("list")
    assert 90_000 in [line.get("poll_interval_ms") for line in log(capfd)]


def test_it_says_so_when_it_is_disabled(place: Place) -> None:
    place.patch.setenv("SCHEDULE_DAEMON_ENABLED", "false")
    assert place.out("run") == "the daemon is disabled: SCHEDULE_DAEMON_ENABLED is false\n"
    assert not Path("scheduled.db").exists()


def test_it_tells_all_faults_of_the_settings_and_exits_2(place: Place) -> None:
    place.patch.setenv("SCHEDULE_WAKE", "never")
    place.patch.setenv("SCHEDULE_LOG_FORMAT", "xml")
    said = place.error("run", status=2)
    assert "SCHEDULE_WAKE" in said
    assert "SCHEDULE_LOG_FORMAT" in said


def test_it_tells_all_faults_of_the_definitions_and_makes_no_database(place: Place) -> None:
    place.define(Path("schedules.py").read_text().replace('"good"', '"god"', 1).replace("@hourly", "@hurly"))
    said = place.error("run")
    assert "did you mean 'god'?" in said
    assert "@hurly" in said
    assert not Path("scheduled.db").exists()


def test_a_start_that_failed_is_told_to_those_who_look_from_elsewhere(place: Place) -> None:
    place.call("run", "--once")
    place.define(DEFINITIONS.replace("@hourly", "@hurly"))
    for _ in range(3):
        place.error("run")
    [check] = [one for one in place.json("health", status=1)["checks"] if one["name"] == "definitions"]
    assert "did not load" in check["message"]
    assert "@hurly" in check["message"]
    assert [one["event"] for one in place.json("events")].count("reload_failed") == 1
    assert len(place.json("list")) == 3


def test_a_start_that_succeeds_ends_it(place: Place) -> None:
    place.call("run", "--once")
    place.define("nonsense")
    place.error("run")
    place.define(DEFINITIONS)
    place.call("run", "--once")
    checks = place.json("health", status=1)["checks"]
    assert [one["ok"] for one in checks if one["name"] == "definitions"] == [True]


def test_it_warns_of_misspelt_settings_in_the_log(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    place.patch.setenv("SCHEDULE_POLL_INTERVAL", "5000")
    place.call("run", "--once")
    warning = next(line for line in log(capfd) if line["event"] == "settings.suspicious")
    assert (warning["level"], warning["did_you_mean"]) == ("WARNING", "SCHEDULE_POLL_INTERVAL_MS")


def test_it_serves_metrics_where_the_setting_says(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    place.patch.setenv("SCHEDULE_METRICS_PORT", "0")
    place.call("run", "--once")
    started = next(line for line in log(capfd) if line["event"] == "metrics.started")
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/metrics", started["url"])


@pytest.mark.parametrize("interval", ["0s", "fast", "-5s", "5", "99999999d", ""])
def test_it_refuses_an_interval_that_is_none(place: Place, interval: str) -> None:
    assert "--poll-interval" in place.error("run", "--poll-interval", interval, status=2)


def test_it_starts_afresh_when_the_daemon_asks_for_it(place: Place) -> None:
    called: list[str] = []
    place.patch.setattr(Daemon, "run", lambda self: True)
    place.patch.setattr("scheduled.daemon.start_afresh", lambda: called.append("afresh"))
    place.call("run")
    assert called == ["afresh"]


@pytest.mark.acceptance
def test_the_real_command_runs_in_an_empty_folder_after_init(tmp_path: Path) -> None:
    def call(*arguments: str) -> str:
        argv = [sys.executable, "-m", "scheduled", *arguments]
        return subprocess.run(
            argv, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    call("init")
    call("run", "--once")
    call("trigger", "nightly", "--inline")
    assert {run["status"] for run in json.loads(call("history", "--json"))} == {"COMPLETED"}
