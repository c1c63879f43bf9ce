from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_support import NOON, Place, place_at

SPRING = ("next", "30 2 * * *", "--tz", "Europe/Berlin", "--after", "2026-03-28T12:00")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        yield found


def test_it_tells_when_an_expression_is_due(place: Place) -> None:
    place.freeze(NOON)
    assert place.out("next", "0 2,14 * * *", "--count", "2").splitlines() == [
        "At 02:00 and 14:00 (UTC)",
        "Mon 2026-03-02 14:00:00+00:00  in 2 hours",
        "Tue 2026-03-03 02:00:00+00:00  in 14 hours",
    ]


def test_the_json_is_a_list_of_instants_with_their_offset(place: Place) -> None:
    assert place.json(*SPRING, "--count", "2") == ["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"]


def test_it_tells_five_instants_by_default(place: Place) -> None:
    assert len(place.json("next", "@daily")) == 5


def test_a_schedule_has_its_own_zone(place: Place) -> None:
    told = place.json("next", "nightly", "--after", "2026-03-02T12:00Z", "--count", "1")
    assert told == ["2026-03-03T02:00:00+02:00"]


def test_a_schedule_can_be_told_in_another_zone(place: Place) -> None:
    told = place.json("next", "nightly", "--after", "2026-03-02T12:00Z", "--count", "1", "--tz", "UTC")
    assert told == ["2026-03-03T00:00:00+00:00"]


def test_a_schedule_that_is_for_elsewhere_is_told_too(place: Place) -> None:
    assert len(place.json("next", "elsewhere", "--count", "3")) == 3


def test_an_instant_without_an_offset_is_in_the_zone_of_the_expression(place: Place) -> None:
    told = place.json("next", "@hourly", "--tz", "Asia/Tokyo", "--after", "2026-03-02T12:00", "--count", "1")
    assert told == ["2026-03-02T13:00:00+09:00"]


def test_an_expression_needs_no_quotes_where_the_shell_leaves_it_alone(place: Place) -> None:
    assert "Every 15 minutes (UTC)" in place.out("next", "every", "15", "minutes")


def test_an_expression_needs_no_definitions_and_no_database(place: Place) -> None:
    place.define("raise SystemExit('never loaded')")
    place.call("next", "*/5 * * * *")
    assert not Path("scheduled.db").exists()


def test_what_is_neither_is_told_as_both(place: Place) -> None:
    said = place.error("next", "nigthly", status=2)
    assert "'nigthly' is neither a schedule nor an expression" in said
    assert "As a schedule: there is no schedule 'nigthly': did you mean 'nightly'?" in said
    assert "As an expression: " in said


def test_what_is_neither_says_that_there_are_no_definitions(place: Place) -> None:
    Path("schedules.py").unlink()
    said = place.error("next", "nightly", status=2)
    assert "As a schedule: schedules.py: there is no such file" in said


def test_it_takes_the_schedules_of_another_file(place: Place) -> None:
    place.define(Path("schedules.py").read_text().replace("nightly", "weekly"), "other.py")
    assert len(place.json("next", "weekly", "--schedules", "other.py")) == 5


@pytest.mark.parametrize("arguments", [
    ("61 * * * *",), ("0 0 30 2 *",), ("@reboot",), ("@daily", "--tz", "Riga"),
    ("nightly", "--tz", "Nowhere"),
    ("@daily", "--after", "soon"), ("@daily", "--count", "0"), (),
])  # fmt: skip
def test_what_is_not_valid_is_a_usage_error(place: Place, arguments: tuple[str, ...]) -> None:
    assert "Error: " in place.error("next", *arguments, status=2)


def test_it_says_when_the_calendar_has_ended(place: Place) -> None:
    assert "it is not due again" in place.out("next", "@daily", "--after", "9999-12-31")
    assert place.json("next", "@daily", "--after", "9999-12-31") == []
