from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_support import DEFINITIONS, Place, place_at

KEYS = {"id", "name", "description", "expression", "in_words", "timezone", "enabled", "orphaned", "running",
        "jobs", "last_run_at", "last_status", "next_run_at", "run_count", "failure_count", "skipped_count",
        "consecutive_failures"}  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


def line(page: str, begin: str) -> list[str]:
    """The cells of the row that begins so."""
    found = next(line for line in page.splitlines() if line.startswith(begin))
    return [cell.strip() for cell in found.split("   ") if cell.strip()]


def test_it_lists_each_schedule_whole(place: Place) -> None:
    place.lived(days=1)
    cells = line(place.out("list"), "nightly")
    assert cells[:6] == ["nightly", "Nightly", "0 2 * * *", "At 02:00", "Europe/Riga", "on"]
    assert cells[6:] == ["12 hours ago", "COMPLETED", "in 12 hours", "1", "0", "0"]


def test_it_lists_what_is_switched_off(place: Place) -> None:
    place.lived(hours=1)
    assert line(place.out("list"), "resting")[5:9] == ["off", "-", "-", "-"]


def test_it_lists_what_is_no_longer_in_the_code(place: Place) -> None:
    place.lived(hours=1)
    place.define(DEFINITIONS.replace('id="nightly"', 'id="other"'))
    place.lived(hours=1)
    assert line(place.out("list"), "nightly")[5] == "orphaned"


def test_it_says_that_an_instant_has_passed(place: Place) -> None:
    daemon = place.lived(hours=5)
    daemon.clock.advance(hours=2)
    place.freeze(daemon.clock.now())
    assert "due an hour ago" in line(place.out("list"), "broken")


def test_the_json_has_stable_keys(place: Place) -> None:
    place.lived(hours=1)
    assert [schedule.keys() for schedule in place.json("list")] == [KEYS] * 3


def test_the_json_has_instants_with_their_offset(place: Place) -> None:
    place.lived(days=1)
    nightly = place.json("list")[1]
    assert nightly["next_run_at"] == "2026-03-04T00:00:00+00:00"
    assert nightly["last_run_at"].endswith("+00:00")
    assert (nightly["last_status"], nightly["run_count"], nightly["jobs"]) == ("COMPLETED", 1, ["works"])


def test_it_counts_failures(place: Place) -> None:
    place.lived(hours=12)
    broken = place.json("list")[0]
    assert (broken["failure_count"], broken["consecutive_failures"]) == (3, 3)


def test_it_shows_two_lines_a_schedule_on_a_terminal(place: Place) -> None:
    place.lived(hours=1)
    place.patch.setattr("scheduled.cli.common.on_terminal", lambda: True)
    place.patch.setenv("COLUMNS", "100")
    page = place.out("list")
    assert "nightly" in page
    assert "0 2 * * * Europe/Riga" in page
    assert max(map(len, page.splitlines())) <= 100


def test_it_pipes_no_colour_and_cuts_no_name(place: Place) -> None:
    long = "a" * 64
    place.define(DEFINITIONS.replace("Nightly", long))
    place.lived(hours=1)
    page = place.out("list")
    assert long in page
    assert "\x1b" not in page


def test_it_keeps_to_the_encoding_of_the_output(place: Place) -> None:
    place.lived(hours=1)
    place.patch.setattr("scheduled.cli.common._encoding", lambda: "ascii")
    assert place.out("list").isascii()


def test_an_expression_that_this_version_cannot_read_is_shown_without_words(place: Place) -> None:
    place.lived(hours=1)
    place.sql("UPDATE job_schedule SET definition = replace(definition, '0 2 * * *', '@fortnightly')")
    assert place.json("list")[1]["in_words"] == ""


def test_it_tells_what_is_running(place: Place) -> None:
    place.lived(hours=1)
    place.sql("UPDATE job_schedule SET locked_by = 'somebody' WHERE id = 'nightly'")
    assert line(place.out("list"), "nightly")[5] == "running"
    assert place.json("list")[1]["running"]


def test_it_says_when_there_are_none_yet(place: Place) -> None:
    place.call("db", "upgrade")
    assert "there are no schedules yet: `scheduled run` stores them" in place.out("list")
    assert place.json("list") == []


def test_it_says_what_to_do_where_there_is_no_database(place: Place) -> None:
    said = place.error("list")
    assert "there is no database at scheduled.db: `scheduled run` or `scheduled db upgrade`" in said
    assert not Path("scheduled.db").exists()


def test_a_file_that_is_no_database_is_one_sentence(place: Place) -> None:
    Path("scheduled.db").write_bytes(b"no database at all" * 100)
    said = place.error("list")
    assert "the database sqlite:///scheduled.db cannot be used" in said
    assert said.count("\n") == 1


def test_a_database_without_our_tables_is_one_sentence(place: Place) -> None:
    Path("scheduled.db").touch()
    assert "`scheduled db upgrade` creates them" in place.error("list")


def test_it_lists_a_page(place: Place) -> None:
    place.lived(hours=1)
    ids = [schedule["id"] for schedule in place.json("list")]
    first = [schedule["id"] for schedule in place.json("list", "--limit", "2")]
    rest = [schedule["id"] for schedule in place.json("list", "--after", first[-1])]
    assert (len(first), first + rest) == (2, ids)


def test_there_is_nothing_after_the_last(place: Place) -> None:
    place.lived(hours=1)
    assert place.out("list", "--after", "zzz") == "no schedule's id comes after zzz\n"
