from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduled.cli.examples import FILES
from scheduled.loading import load
from scheduled.testing import manual_daemon
from tests.cli_support import Place, place_at

BROKEN = """
from scheduled import Schedule
schedules = [Schedule(id="it", name="It", cron="61 * * * *", mode="GRUOP"), 3]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


def test_init_writes_three_files_and_says_so(place: Place) -> None:
    said = place.out("init", "new/app")
    assert sorted(file.name for file in Path("new/app").iterdir()) == sorted(FILES)
    assert "new/app/schedules.py is written" in said
    assert "cd new/app, then `scheduled check`" in said


def test_init_takes_the_working_directory_by_default(place: Place) -> None:
    Path("schedules.py").unlink()
    assert "Next: `scheduled check`" in place.out("init")
    assert Path("schedules.py").read_text() == FILES["schedules.py"]


def test_init_overwrites_nothing_and_says_what_exists(place: Place) -> None:
    place.define("# mine")
    result = place.call("init")
    assert "schedules.py exists: it is left as it is" in result.stderr
    assert Path("schedules.py").read_text() == "# mine"
    assert Path("Procfile").exists()


def test_init_exits_1_when_there_was_nothing_to_write(place: Place) -> None:
    place.call("init")
    assert place.error("init").count("left as it is") == 3


def test_what_init_wrote_is_right(place: Place) -> None:
    place.call("init", "app")
    place.patch.chdir("app")
    assert "schedules.py is right: 2 schedules, 3 jobs" in place.out("check")
    assert "SCHEDULE_ENV" in place.out("settings")


def test_what_init_wrote_works(place: Place) -> None:
    place.call("init", "app")
    with manual_daemon(load("app/schedules.py", "development")) as daemon:
        daemon.trigger("nightly")
        daemon.advance(seconds=15)
        assert {run["job_name"] for run in daemon.runs()} == {"measure-disk", "report-disk", "greet"}
        assert {run["status"] for run in daemon.runs()} == {"COMPLETED"}


def test_check_counts_what_it_found(place: Place) -> None:
    found = place.json("check")
    assert found == {"ok": True, "schedules": 4, "jobs": 2, "faults": [], "warnings": []}


def test_check_names_the_schedules_that_are_for_elsewhere(place: Place) -> None:
    assert "not for the environment 'production': elsewhere" in place.out("check")


def test_check_says_nothing_of_environments_where_all_schedules_are_for_this_one(place: Place) -> None:
    place.patch.setenv("SCHEDULE_ENV", "development")
    assert place.out("check") == "schedules.py is right: 4 schedules, 2 jobs\n"


def test_check_lists_all_faults_at_once(place: Place) -> None:
    place.define(BROKEN)
    said = place.error("check")
    assert "'61'" in said
    assert "did you mean 'GROUP'?" in said
    assert "schedules[1] is no Schedule" in said


def test_check_lists_faults_as_json_for_programs(place: Place) -> None:
    place.define(BROKEN)
    found = place.json("check", status=1)
    assert (found["ok"], found["schedules"], found["jobs"], found["warnings"]) == (False, None, None, [])
    assert all(fault.keys() == {"where", "message", "hint"} for fault in found["faults"])
    assert any(fault["hint"] == "did you mean 'GROUP'?" for fault in found["faults"])


def test_check_takes_another_file(place: Place) -> None:
    place.define("from scheduled import Schedule\nschedules = []", "other.py")
    assert place.json("check", "--schedules", "other.py")["schedules"] == 0


def test_check_needs_no_database_and_makes_none(place: Place) -> None:
    place.call("check")
    assert not Path("scheduled.db").exists()


def test_what_the_definitions_print_does_not_spoil_the_json(place: Place) -> None:
    place.define("print('hello from the module')\nfrom scheduled import Schedule\nschedules = []")
    assert place.json("check")["ok"]
    assert "hello from the module" in place.call("check").stderr


def test_definitions_that_exit_do_not_end_the_command(place: Place) -> None:
    place.define("import sys\nsys.exit(0)")
    assert "it called sys.exit(0)" in place.error("check")
