"""start_deadline: tested when a run would start, whatever it waited for."""

import pytest

from scheduled.missed_runs import past_deadline
from scheduled.words import Trigger
from tests.plan_support import at, details, expired, hourly, planned, ran, rows, runs, waits


@pytest.mark.parametrize(("now", "expected"), [("03:10", "03:00 CRON"), ("03:10:01", "03:00 start_deadline")])
def test_it_starts_nothing_later_than_its_deadline(now: str, expected: str) -> None:
    assert rows(planned(hourly(start_deadline=600), "03:00", now)) == [expected]


def test_it_says_so() -> None:
    made = planned(hourly(start_deadline=600), "03:00", "04:30")
    assert details(made) == ["later than its start deadline of 600 s"]
    assert rows(made) == ["03:00-04:00 x2 start_deadline"]


def test_it_runs_the_newest_that_is_in_time() -> None:
    made = planned(hourly(start_deadline=3600), "02:00", "04:30")
    assert rows(made) == ["02:00-03:00 x2 coalesced", "04:00 CRON"]


def test_it_leaves_the_reasons_of_others_alone() -> None:
    made = planned(hourly(start_deadline=60), "03:00", "05:30", busy=[ran("02:00-04:30")])
    assert rows(made) == ["03:00-04:00 x2 overlap", "05:00 start_deadline"]


def test_it_queues_of_all_only_what_is_in_time() -> None:
    schedule = hourly(missed="run_all", start_deadline=7200)
    made = planned(schedule, "03:00", "08:30", alive="08:20-08:30")
    assert rows(made) == ["03:00-06:00 x4 start_deadline", "07:00 CATCH_UP", "08:00 CATCH_UP"]
    assert runs(made) == ["07:00 CATCH_UP"]


def test_it_tells_the_limit_from_the_deadline() -> None:
    schedule = hourly(missed="run_all", start_deadline=7200, catch_up_limit=4)
    made = planned(schedule, "03:00", "08:30", alive="08:20-08:30")
    assert rows(made) == [
        "03:00-04:00 x2 catch_up_limit",
        "05:00-06:00 x2 start_deadline",
        "07:00 CATCH_UP",
        "08:00 CATCH_UP",
    ]


def test_it_ends_what_waited_too_long() -> None:
    waiting = [waits(1, "02:00"), waits(2, "03:00")]
    made = planned(hourly(start_deadline=3600), "05:00", "04:00", waiting=waiting)
    assert (expired(made), runs(made)) == (["#1 start_deadline"], ["#2 CATCH_UP"])
    assert made.expiries[0].detail == "later than its start deadline of 3600 s"


def test_it_holds_for_no_request() -> None:
    waiting = [waits(1, "02:00", Trigger.MANUAL)]
    made = planned(hourly(start_deadline=1), "05:00", "04:00", waiting=waiting)
    assert (expired(made), runs(made)) == ([], ["#1 MANUAL"])


def test_it_never_passes_without_one() -> None:
    assert not past_deadline(hourly(), at("00:00"), at("23:00"))
