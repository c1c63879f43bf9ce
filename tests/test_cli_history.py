from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from scheduled.cli import common
from tests.cli_support import DEFINITIONS, NOON, Place, place_at

KEYS = {"id", "occurrence_id", "schedule_id", "job_name", "tenant", "attempt", "trigger", "status",
        "queued_at", "started_at", "finished_at", "duration_ms", "progress_done", "progress_total",
        "worker_id", "reason", "error_type",
        "error_message", "due_at"}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def lived(place: Place) -> Place:
    """From noon to noon: `broken` ran at 12, 18, 0, 6 and 12 hours, twice each; `nightly` at midnight."""
    place.lived(days=1)
    return place


def test_it_lists_runs_newest_first(lived: Place) -> None:
    ids = [run["id"] for run in lived.json("history")]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 11


def test_the_json_has_stable_keys_and_instants_with_their_offset(lived: Place) -> None:
    run = lived.json("history", "nightly")[0]
    assert run.keys() == KEYS
    assert run["due_at"] == "2026-03-03T00:00:00+00:00"
    assert run["started_at"].endswith("+00:00")


def test_a_line_tells_what_ran_and_why_it_failed(lived: Place) -> None:
    newest = lived.out("history").splitlines()[2]
    assert newest.split()[1:5] == ["broken", "fails", "2", "FAILED"]
    assert newest.endswith("ValueError: no [red]such[/red] table")


def test_it_lists_one_schedule(lived: Place) -> None:
    assert {run["job_name"] for run in lived.json("history", "nightly")} == {"works"}


def test_it_lists_one_job(lived: Place) -> None:
    assert {run["schedule_id"] for run in lived.json("history", "--job", "fails")} == {"broken"}


def test_it_lists_by_status_in_any_case(lived: Place) -> None:
    assert len(lived.json("history", "--status", "completed")) == 1
    assert len(lived.json("history", "--status", "failed", "--status", "COMPLETED")) == 11


def test_it_lists_the_last_stretch_of_time(lived: Place) -> None:
    assert len(lived.json("history", "--last", "7h")) == 4
    assert len(lived.json("history", "--last", "1d")) == 11


def test_it_lists_no_more_than_the_limit(lived: Place) -> None:
    assert len(lived.json("history", "--limit", "3")) == 3


def test_it_says_when_nothing_fits(lived: Place) -> None:
    assert lived.out("history", "--status", "CANCELLED") == "nothing ran that fits\n"
    assert lived.json("history", "resting") == []


def test_it_says_when_nothing_ran_yet(place: Place) -> None:
    place.call("db", "upgrade")
    assert place.out("history") == "nothing ran yet\n"


@pytest.mark.parametrize(("arguments", "said"), [
    (("nihgtly",), "there is no schedule 'nihgtly': did you mean 'nightly'?"),
    (("--job", "work"), "there is no job 'work': did you mean 'works'?"),
    (("--status", "faild"), "there is no status 'faild': did you mean 'FAILED'?"),
    (("--last", "7 moons"), "is no duration: write 500ms, 10s, 2m, 1h or 7d"),
    (("--last", "0s"), "'0s' is not between 1ms and 36500d"),
    (("--limit", "0"), "0 is not in the range"),
])  # fmt: skip
def test_what_is_misspelt_is_a_usage_error(lived: Place, arguments: tuple[str, ...], said: str) -> None:
    assert said in lived.error("history", *arguments, status=2)


def test_a_job_that_left_the_code_still_has_its_history(lived: Place) -> None:
    lived.define(DEFINITIONS.replace("def works", "def toils"))
    lived.lived(since=NOON + timedelta(days=2), minutes=1)
    assert lived.json("history", "--job", "works", "--last", "1h") == []


def test_it_says_what_to_do_where_there_is_no_database(place: Place) -> None:
    assert "there is no database" in place.error("history")
    assert "there is no database" in place.error("run-log", "1")


def test_a_run_shows_what_it_printed_and_returned(lived: Place) -> None:
    run = lived.json("history", "nightly")[0]["id"]
    page = lived.out("run-log", str(run))
    assert f"run         {run}: works of nightly, attempt 1\nstatus      COMPLETED" in page
    assert "due         2026-03-03 00:00:00 UTC (12 hours ago)" in page
    assert 'output\nit works\n\nresult\n{\n  "rows": 3\n}' in page
    assert "attempts" not in page


def test_a_failed_run_shows_its_error_and_the_other_attempts(lived: Place) -> None:
    page = lived.out("run-log", "2")
    assert "why         ValueError: no [red]such[/red] table" in page
    assert "attempts\n  1  run 1  FAILED" in page
    assert "error\nno [red]such[/red] table\nand a second line" in page
    assert "traceback\nTraceback (most recent call last):" in page


def test_a_run_as_json_is_whole(lived: Place) -> None:
    run = lived.json("run-log", "2")
    assert run.keys() == KEYS - {"due_at"} | {
        "output",
        "truncated",
        "traceback",
        "result",
        "occurrence",
        "attempts",
    }
    assert [attempt["attempt"] for attempt in run["attempts"]] == [1, 2]
    assert run["occurrence"]["due_at"] == "2026-03-02T12:00:00+00:00"
    assert (run["result"], run["truncated"]) == (None, False)


def test_the_json_of_a_run_has_its_result_as_a_value(lived: Place) -> None:
    run = lived.json("history", "nightly")[0]["id"]
    assert lived.json("run-log", str(run))["result"] == {"rows": 3}


def test_a_run_that_was_asked_for_shows_by_whom_and_how(lived: Place) -> None:
    lived.call("trigger", "resting", "--param", "rows=3")
    lived.lived(since=NOON + timedelta(days=1), minutes=1)
    page = lived.out("run-log", str(lived.json("history", "resting")[0]["id"]))
    assert "by MANUAL, asked for by " in page
    assert 'params      {"rows": 3}' in page


@pytest.mark.parametrize("number", ["999", str(2**70)])
def test_a_run_that_does_not_exist_is_a_usage_error(lived: Place, number: str) -> None:
    assert f"there is no run {number}: `scheduled history` lists them" in lived.error(
        "run-log", number, status=2
    )


@pytest.mark.parametrize("number", ["0", "x", "-1"])
def test_a_run_is_a_number(lived: Place, number: str) -> None:
    lived.error("run-log", "--", number, status=2)


@pytest.mark.parametrize(("milliseconds", "words"), [
    (None, "-"), (0, "0 ms"), (999, "999 ms"), (1000, "1 s"), (59_949, "59.9 s"), (59_950, "1 min"),
    (125_000, "2 min 5 s"), (3_600_000, "1 h"), (100_000_000, "1 d 3 h"),
])  # fmt: skip
def test_a_duration_is_told_in_two_units(milliseconds: int | None, words: str) -> None:
    assert common.duration(milliseconds) == words


@pytest.mark.parametrize(("seconds", "words"), [
    (0, "now"), (0.9, "now"), (-0.9, "now"), (300, "in 5 minutes"), (-300, "5 minutes ago"),
    (22 * 3600, "in 22 hours"), (-86_400 * 3, "3 days ago"),
])  # fmt: skip
def test_an_instant_is_told_as_seen_from_now(seconds: float, words: str) -> None:
    assert common.relative(NOON + timedelta(seconds=seconds), NOON) == words


@pytest.mark.parametrize(("text", "shown"), [
    (None, ""), ("\n\n", ""),
    ("\n  one\ntwo", "one"), ("a\x1b[31m\tb", "a [31m b"),
    ("x" * 300, "x" * 199 + "…"),
])  # fmt: skip
def test_an_error_is_told_in_one_line_that_moves_no_cursor(text: str | None, shown: str) -> None:
    assert common.one_line(text) == shown


def test_a_run_that_has_not_begun_has_no_instants() -> None:
    assert common.with_relative(None, NOON) == "-"
    assert common.status_text(None).plain == "-"


@pytest.mark.parametrize(
    ("done", "total", "shown"), [("1500000", "NULL", "1,500,000"), ("2.5", "10", "2.5 of 10")]
)
def test_run_log_tells_how_far_it_came(lived: Place, done: str, total: str, shown: str) -> None:
    lived.sql(f"UPDATE job_run SET progress_done = {done}, progress_total = {total} WHERE id = 2")
    assert f"progress    {shown}\n" in lived.out("run-log", "2")
