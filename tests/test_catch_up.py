"""At most catch_up_limit instants of a run_all class wait; the newest do, and the rest is recorded."""

import pytest

from scheduled.words import Trigger
from tests.plan_support import details, expired, hourly, planned, ran, rows, runs, waits

DOWN = "09:50-10:00"


def test_it_queues_the_newest_up_to_the_limit() -> None:
    made = planned(hourly(missed="run_all", catch_up_limit=2), "03:00", "10:00", alive=DOWN)
    assert rows(made) == ["03:00-07:00 x5 catch_up_limit", "08:00 CATCH_UP", "09:00 CATCH_UP", "10:00 CRON"]
    assert details(made)[0] == "more than 2 were waiting"


@pytest.mark.parametrize(("limit", "first"), [(7, "03:00 CATCH_UP"), (6, "03:00 catch_up_limit")])
def test_it_drops_nothing_that_the_limit_allows(limit: int, first: str) -> None:
    made = planned(hourly(missed="run_all", catch_up_limit=limit), "03:00", "09:59", alive=DOWN)
    assert rows(made)[0] == first


def test_it_counts_both_classes_together() -> None:
    schedule = hourly(missed="run_all", overlap="run_all", catch_up_limit=3)
    made = planned(schedule, "03:00", "06:59", busy=[ran("02:00-05:00")], alive="00:00-05:00 06:30-06:59")
    assert rows(made) == ["03:00 catch_up_limit", "04:00 CRON", "05:00 CATCH_UP", "06:00 CATCH_UP"]


def test_it_drops_a_whole_class_when_the_newer_one_fills_the_limit() -> None:
    schedule = hourly(missed="run_all", overlap="run_all", catch_up_limit=1)
    made = planned(schedule, "03:00", "06:59", busy=[ran("02:00-05:00")], alive="00:00-05:00 06:30-06:59")
    assert rows(made) == ["03:00-05:00 x3 catch_up_limit", "06:00 CATCH_UP"]


def test_it_drops_the_oldest_that_wait_already() -> None:
    schedule = hourly(missed="run_all", catch_up_limit=3)
    waiting = [waits(1, "02:00"), waits(2, "01:00"), waits(3, "03:00")]
    made = planned(schedule, "04:00", "05:59", alive="05:50-05:59", waiting=waiting)
    assert expired(made) == ["#2 catch_up_limit", "#1 catch_up_limit"]
    assert (rows(made), runs(made)) == (["04:00 CATCH_UP", "05:00 CATCH_UP"], ["#3 CATCH_UP"])


def test_it_drops_none_that_wait_while_nothing_new_is_due() -> None:
    waiting = [waits(1, "01:00"), waits(2, "02:00")]
    made = planned(hourly(missed="run_all", catch_up_limit=1), "04:00", "03:30", waiting=waiting)
    assert (expired(made), runs(made)) == ([], ["#1 CATCH_UP"])


def test_it_drops_no_request() -> None:
    waiting = [waits(1, "01:00", Trigger.MANUAL), waits(2, "01:30", Trigger.API), waits(3, "02:00")]
    schedule = hourly(missed="run_all", catch_up_limit=1)
    made = planned(schedule, "03:00", "03:30", alive="03:20-03:30", waiting=waiting)
    assert (expired(made), runs(made)) == (["#3 catch_up_limit"], ["#1 MANUAL"])


def test_it_takes_what_waits_oldest_first_while_the_new_joins_it() -> None:
    made = planned(
        hourly(missed="run_all"), "03:00", "03:59", alive="03:50-03:59", waiting=[waits(9, "02:00")]
    )
    assert (rows(made), runs(made)) == (["03:00 CATCH_UP"], ["#9 CATCH_UP"])
