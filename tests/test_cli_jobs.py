"""`scheduled jobs`: groups and dependencies as a tree, and how each job did lately."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduled.joblist import job_list
from scheduled.loading import load
from tests.cli_support import NOON, Place, place_at

KEYS = {"name", "group", "description", "depends_on", "schedules", "last_run", "median_ms", "measured"}
MANY = """
from scheduled import Schedule, job

def nothing(): pass

job(name="base", group="one")(nothing)
job(name="left", group="one", depends_on=["base"])(nothing)
job(name="right", group="one", depends_on=["base", "left", "outside"])(nothing)
job(name="top", group="one", depends_on=["left", "right"])(nothing)
job(name="outside")(nothing)
job(name="alone", group="two", depends_on=["base"])(nothing)

schedules = [Schedule(id="it", name="It", cron="@daily", mode="JOBS", jobs=["top"])]
"""
TREE = """\
schedules.py: 6 jobs; what hangs below a job runs before it
├── one
│   └── top
│       ├── left
│       │   └── base
│       └── right
│           ├── base (above)
│           ├── left (above)
│           └── outside (in no group)
├── in no group
│   └── outside
└── two
    └── alone  in no schedule
        └── base (in one)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        found.freeze(NOON)
        yield found


def line(place: Place, name: str) -> str:
    """What stands behind the job's name."""
    found = next(line for line in place.out("jobs").splitlines() if f" {name}" in line)
    return found.partition(name)[2].strip()


def test_it_hangs_below_each_job_what_it_depends_on(place: Place) -> None:
    place.define(MANY)
    assert place.out("jobs") == TREE


def test_it_says_why_there_is_no_history_and_makes_no_database(place: Place) -> None:
    assert "no history: there is no database at scheduled.db" in place.call("jobs").stderr
    assert place.json("jobs")[0]["last_run"] is None
    assert not Path("scheduled.db").exists()


def test_it_tells_how_each_job_ended_and_how_long_it_takes(place: Place) -> None:
    place.lived(days=1)
    place.sql("UPDATE job_run SET duration_ms = 8000 WHERE job_name = 'works'")
    assert line(place, "works") == "COMPLETED 12 hours ago, median 8 s"
    assert line(place, "fails") == "FAILED now"


def test_it_tells_what_never_ran(place: Place) -> None:
    place.call("db", "upgrade")
    assert line(place, "works") == "never ran"


def test_it_tells_why_a_job_was_skipped(place: Place) -> None:
    place.lived(days=1)
    place.sql("UPDATE job_run SET status = 'SKIPPED', reason = 'dependency_failed', started_at = NULL")
    assert line(place, "works").startswith("SKIPPED (dependency_failed) 12 hours ago")


def test_it_tells_of_a_job_that_waits(place: Place) -> None:
    place.lived(days=1)
    place.sql("UPDATE job_run SET status = 'QUEUED', started_at = NULL, finished_at = NULL")
    assert line(place, "works") == "QUEUED"


def test_the_json_has_stable_keys(place: Place) -> None:
    place.lived(days=1)
    works, fails = place.json("jobs")
    assert works.keys() == fails.keys() == KEYS
    assert works["schedules"] == ["nightly", "resting", "elsewhere"]
    assert works["last_run"].keys() == {
        *("id", "status", "reason", "started_at", "finished_at", "duration_ms"),
    }
    assert works["last_run"]["finished_at"].endswith("+00:00")
    assert (works["measured"], fails["measured"], fails["median_ms"]) == (1, 0, None)


def test_it_takes_other_definitions(place: Place) -> None:
    place.define(MANY, "other.py")
    assert len(place.json("jobs", "--schedules", "other.py")) == 6


def test_it_says_when_there_are_none(place: Place) -> None:
    place.define("schedules = []")
    assert "there are no jobs in schedules.py" in place.out("jobs")


def test_it_keeps_to_the_encoding_of_the_output(place: Place) -> None:
    place.patch.setattr("scheduled.cli.common._encoding", lambda: "ascii")
    assert place.out("jobs").isascii()


def test_the_list_is_there_for_pages_too(place: Place) -> None:
    place.define(MANY)
    found = {entry.name: entry for entry in job_list(load("schedules.py"), None)}
    assert found["base"].schedules == ("it",)
    assert found["alone"].schedules == ()
    assert found["right"].depends_on == ("base", "left", "outside")
