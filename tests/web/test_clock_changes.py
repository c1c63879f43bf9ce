"""What the clocks do around the instants that come.

In 2026 Riga's go forward on 29 March, from 03:00 to 04:00, and back on 25 October, from 04:00 to 03:00.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scheduled.expressions import parse
from scheduled.instants import upcoming
from scheduled.web.clock_changes import changes, with_clock_changes

RIGA = ZoneInfo("Europe/Riga")


def notes(cron: str, after: str, count: int = 3, zone: str = "Europe/Riga") -> list[tuple[str, ...]]:
    since = datetime.fromisoformat(after)
    coming = with_clock_changes(upcoming(cron, zone, since, count), parse(cron, zone).zone, since)
    return [one.notes for one in coming]


def test_it_tells_of_a_change_between_two_instants() -> None:
    forward = ("clocks go forward 1 h on Sun 29 Mar, from 03:00 to 04:00",)
    assert notes("0 12 * * *", "2026-03-27T12:00Z") == [(), forward, ()]


def test_it_tells_of_a_change_before_the_first() -> None:
    assert notes("0 12 * * *", "2026-10-24T12:00Z", 1) == [
        ("clocks go back 1 h on Sun 25 Oct, from 04:00 to 03:00",)
    ]


def test_it_marks_a_time_that_comes_twice() -> None:
    found = notes("*/30 * * * *", "2026-10-25T00:01Z", 4)
    assert found[0] == ("the clocks show 03:30 twice that day: this is the first time",)
    assert found[1] == (
        "clocks go back 1 h on Sun 25 Oct, from 04:00 to 03:00",
        "the clocks show 03:00 twice that day: this is the second time",
    )


def test_it_is_silent_where_clocks_never_change() -> None:
    assert notes("0 12 * * *", "2026-03-27T12:00Z", 5, zone="UTC") == [()] * 5


def test_it_is_silent_about_the_changes_between_instants_years_apart() -> None:
    assert notes("0 0 29 2 *", "2026-01-01T00:00Z", 2) == [(), ()]


def test_it_knows_the_offset_of_each_instant() -> None:
    since = datetime(2026, 3, 28, 12, tzinfo=UTC)
    coming = with_clock_changes(
        upcoming("0 9 * * *", "America/St_Johns", since, 1), ZoneInfo("America/St_Johns"), since
    )
    assert (coming[0].offset, coming[0].wall.isoformat()) == ("-02:30", "2026-03-29T09:00:00-02:30")


@pytest.mark.parametrize(("year", "found"), [(2026, 2), (1990, 2), (2200, 2)])
def test_it_finds_each_change_to_the_second(year: int, found: int) -> None:
    of = list(changes(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), RIGA))
    assert len(of) == found
    for change in of:
        assert (change.minute, change.second) == (0, 0)
