"""`scheduled why`, `show` and `history --occurrences`, as people call them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli_support import NOON, Place, place_at


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as made:
        made.lived(hours=30)
        yield made


def test_why_answers_for_the_newest_instant(place: Place) -> None:
    told = place.out("why", "nightly")
    assert told.startswith("nightly at 2026-03-03 00:00:00 UTC: COMPLETED, occurrence ")
    assert "  - it started on time" in told


def test_why_takes_a_time_of_day_by_the_schedules_clock(place: Place) -> None:
    assert place.json("why", "nightly", "--at", "02:00")["at"] == "2026-03-03T02:00:00+02:00"


def test_a_time_of_day_to_come_is_that_of_yesterday(place: Place) -> None:
    assert place.json("why", "nightly", "--at", "23:30")["at"] == "2026-03-02T23:30:00+02:00"


def test_why_takes_an_instant(place: Place) -> None:
    found = place.json("why", "nightly", "--at", "2026-03-03T02:15")
    assert (found["due"], found["outcome"]) == (False, "not_due")


def test_why_refuses_a_time_that_no_clock_showed(place: Place) -> None:
    assert "03:30 did not exist" in place.error("why", "nightly", "--at", "2026-03-29T03:30", status=2)


def test_why_refuses_what_is_no_instant(place: Place) -> None:
    assert "is no instant" in place.error("why", "nightly", "--at", "soon", status=2)


def test_why_suggests_the_schedule_that_is_meant(place: Place) -> None:
    assert "did you mean 'nightly'?" in place.error("why", "nigthly", "--at", "02:00", status=2)
    assert "did you mean 'nightly'?" in place.error("why", "nigthly", status=2)


def test_why_says_that_a_schedule_was_never_due(place: Place) -> None:
    place.freeze(NOON + timedelta(hours=30))
    assert "nobody had enabled it" in place.out("why", "resting")


def test_show_tells_all_about_a_schedule(place: Place) -> None:
    told = place.out("show", "broken")
    for expected in ("broken: Broken", "if missed", "next instants", "newest occurrences", "added by daemon"):
        assert expected in told


def test_show_has_ten_instants_and_the_newest_occurrences(place: Place) -> None:
    found = place.json("show", "broken")
    assert len(found["upcoming"]) == 10
    assert [row["status"] for row in found["recent"]] == ["FAILED"] * 6
    assert (found["missed"], found["mode"], found["jobs"]) == ("skip", "GROUP", ["fails"])


def test_show_says_what_a_resting_schedule_would_do(place: Place) -> None:
    assert "next instants, were it on" in place.out("show", "resting")


def test_show_suggests_the_schedule_that_is_meant(place: Place) -> None:
    assert "did you mean 'nightly'?" in place.error("show", "nigthly", status=2)


def test_history_lists_occurrences(place: Place) -> None:
    found = place.json("history", "broken", "--occurrences")
    assert [row["due_at"] for row in found][:2] == ["2026-03-03T18:00:00+00:00", "2026-03-03T12:00:00+00:00"]


def test_history_shows_stretches_that_were_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place_at(tmp_path, monkeypatch) as place:
        place.lived(hours=1)
        place.lived(NOON + timedelta(days=2), hours=1)
        assert "daemon_down: no daemon was alive from 2026-03-02T13:00:00Z" in place.out(
            "history", "--occurrences"
        )
        skipped = place.json("history", "broken", "--occurrences", "--status", "skipped")
        assert [(row["due_count"], row["reason"]) for row in skipped] == [(7, "daemon_down")]


def test_history_of_occurrences_knows_no_job(place: Place) -> None:
    assert "leave one of the two out" in place.error("history", "--occurrences", "--job", "works", status=2)


def test_history_of_a_stretch_of_time(place: Place) -> None:
    assert len(place.json("history", "broken", "--occurrences", "--last", "7h")) == 2


def test_an_empty_ledger_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place_at(tmp_path, monkeypatch) as place:
        place.lived(NOON, minutes=0)
        place.sql("DELETE FROM job_run")
        place.sql("DELETE FROM job_output")
        place.sql("DELETE FROM occurrence")
        assert place.out("history", "--occurrences") == "nothing stands in the ledger yet\n"


def test_an_instant_outside_of_the_calendar_is_refused(place: Place) -> None:
    for instant in ("0001-01-01T00:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00"):
        assert "outside of the calendar" in place.error("why", "nightly", "--at", instant, status=2)


def test_events_suggests_the_schedule_that_is_meant(place: Place) -> None:
    assert "did you mean 'nightly'?" in place.error("events", "nigthly", status=2)
