"""The real command on each server: what is told of a daemon that runs there."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from scheduled.store import schema
from tests.patience import PATIENCE
from tests.prove.served import ServedScene
from tests.servers import fresh_url

pytestmark = pytest.mark.prove

DEFINITIONS = """
from scheduled import JobContext, Schedule, job

@job(group="daily")
def gather(ctx: JobContext) -> dict:
    print("gathered ☃ 🦊")
    return {"rows": 3, "of": ctx.params}

@job(group="daily", depends_on=["gather"])
def ship() -> None:
    raise ValueError("no ship 🦊 with %s and 'quotes'")

@job
def tick() -> None: ...

schedules = [
    Schedule(id="daily", name="Daily", cron="0 0 1 1 *", mode="GROUP", group="daily"),
    Schedule(id="tick", name="Tick", cron="every second", mode="JOBS", jobs=["tick"],
             enabled_by_default=True),
]
"""


@pytest.fixture(scope="module", params=["postgresql", "mysql"])
def alive(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedScene]:
    """A daemon runs: `tick` has ended once, and `daily` was triggered and failed."""
    folder = tmp_path_factory.mktemp(request.param)
    with fresh_url(request.param, folder) as url:
        made = ServedScene(folder, url)
        made.define(DEFINITIONS)
        made.start()
        made.wait_for_row("SELECT 1 FROM occurrence WHERE status = 'COMPLETED'")
        triggered = made.call("trigger", "daily", "--param", "name=☃ 🦊", "--wait")
        assert triggered.returncode == 1, triggered.stderr
        assert "FAILED" in triggered.stdout + triggered.stderr
        yield made
        made.end()


def test_it_stops_in_good_order_and_trigger_needs_no_daemon(served: ServedScene) -> None:
    served.define(DEFINITIONS)
    served.start()
    served.stop_all()
    assert served.value("SELECT status FROM worker_instance") == "STOPPED"
    assert served.value("SELECT COUNT(*) FROM job_schedule WHERE locked_by IS NOT NULL") == 0
    assert served.call("trigger", "tick", "--inline").returncode == 0
    assert served.value("SELECT 1 FROM job_run WHERE status = 'COMPLETED'")


def test_history_tells_each_run(alive: ServedScene) -> None:
    runs = alive.json("history", "daily")
    assert [(run["job_name"], run["status"]) for run in runs] == [("ship", "FAILED"), ("gather", "COMPLETED")]
    assert runs[0]["error_message"] == "no ship 🦊 with %s and 'quotes'"
    assert alive.json("history", "--last", "1d", "--status", "FAILED", "--job", "ship") == runs[:1]
    assert alive.json("history", "tick", "--occurrences")[0]["schedule_id"] == "tick"


def test_run_log_tells_one_run_whole(alive: ServedScene) -> None:
    told = alive.json("run-log", str(alive.json("history", "daily")[1]["id"]))
    assert (told["output"], told["result"]) == ("gathered ☃ 🦊\n", {"rows": 3, "of": {"name": "☃ 🦊"}})


def test_show_and_list_and_jobs_tell_of_both(alive: ServedScene) -> None:
    assert alive.json("show", "daily")["failure_count"] == 1
    assert {row["id"] for row in alive.json("list")} == {"daily", "tick"}
    assert "gather" in alive.call("jobs").stdout
    assert alive.call("list").returncode == alive.call("show", "daily").returncode == 0


def test_why_explains_an_instant(alive: ServedScene) -> None:
    assert alive.json("why", "tick")["outcome"] in ("COMPLETED", "RUNNING", "pending")


def test_verify_and_health_find_nothing_wrong_but_the_failure(alive: ServedScene) -> None:
    assert alive.json("verify")["ok"]
    report = json.loads(alive.call("health", "--json").stdout)
    assert {check["name"] for check in report["checks"] if not check["ok"]} <= {"success_rate"}


def test_workers_and_events_tell_who_was_there(alive: ServedScene) -> None:
    (worker,) = alive.json("workers")
    assert worker["status"] == "RUNNING"
    events = alive.json("events", "daily")
    assert [event["event"] for event in events] == ["triggered", "added"]
    assert events[0]["data"]["params"] == {"name": "☃ 🦊"}


def test_switches_work_at_once(alive: ServedScene) -> None:
    assert alive.call("disable", "tick", "--reason", "too loud 🦊").returncode == 0
    assert not alive.json("show", "tick")["enabled"]
    assert alive.call("enable", "tick").returncode == 0
    assert [event["event"] for event in alive.json("events", "tick")][:2] == ["enabled", "disabled"]


def test_prune_forgets_and_the_ledger_stays_whole(alive: ServedScene) -> None:
    alive.wait_for_row("SELECT COUNT(*) > 3 FROM occurrence WHERE status = 'COMPLETED'")
    assert alive.json("prune", "--older-than", "1s", "--dry-run")["occurrences"] > 0
    assert alive.json("prune", "--older-than", "1s")["occurrences"] > 0
    assert alive.json("verify")["ok"]


def test_db_tells_where_it_is_and_goes_down_and_up(served: ServedScene) -> None:
    assert schema.HEAD in served.call("db", "current").stdout
    assert served.call("db", "downgrade", "0001").returncode == 0
    refused = served.call("list")
    assert (refused.returncode, "`scheduled db upgrade`" in refused.stderr) == (1, True)
    assert served.call("db", "upgrade").returncode == 0
    assert served.call("list").returncode == 0


def test_two_upgrades_at_once_are_one(served: ServedScene) -> None:
    assert served.call("db", "downgrade", "base").returncode == 0
    upgrade = [sys.executable, "-m", "scheduled", "db", "upgrade"]
    both = [subprocess.Popen(upgrade, cwd=served.folder, env=served.env) for _ in range(2)]
    assert [process.wait(PATIENCE) for process in both] == [0, 0]
    assert served.value("SELECT version_num FROM scheduled_version") == schema.HEAD
