"""Overlap: an occurrence of the same schedule, by CRON or CATCH_UP, was running at that instant."""

import pytest

from scheduled.definitions import Policy
from tests.plan_support import details, hourly, planned, ran, rows, runs


def test_it_skips_what_was_due_during_a_run_by_default() -> None:
    made = planned(hourly(), "03:00", "05:30", busy=[ran("02:00-05:30")])
    assert rows(made) == ["03:00-05:00 x3 overlap"]
    assert runs(made) == []


def test_it_names_the_occurrence_that_was_in_the_way() -> None:
    made = planned(hourly(), "03:00", "03:30", busy=[ran("02:00-03:30", occurrence_id=17)])
    assert details(made) == ["occurrence 17 was still running"]


@pytest.mark.parametrize(
    ("run", "expected"),
    [("02:00-03:00", "03:00 CRON"), ("02:00-03:00:01", "03:00 overlap"), ("03:00-03:01", "03:00 overlap")],
)
def test_it_was_running_from_its_start_up_to_its_end(run: str, expected: str) -> None:
    assert rows(planned(hourly(), "03:00", "03:30", busy=[ran(run)])) == [expected]


def test_it_calls_a_second_run_by_its_own_name() -> None:
    made = planned(hourly(), "03:00", "04:30", busy=[ran("02:30-03:30", 1), ran("03:30-04:30", 2)])
    assert rows(made) == ["03:00 overlap", "04:00 overlap"]


@pytest.mark.parametrize(
    ("overlap", "expected", "started"),
    [
        ("skip", ["03:00-04:00 x2 overlap", "05:00 CRON"], ["05:00 CRON"]),
        ("run_latest", ["03:00-04:00 x2 coalesced", "05:00 CRON"], ["05:00 CRON"]),
        ("run_all", ["03:00 CRON", "04:00 CRON", "05:00 CRON"], ["03:00 CRON"]),
    ],
)
def test_it_goes_by_the_policy(overlap: Policy, expected: list[str], started: list[str]) -> None:
    made = planned(hourly(overlap=overlap), "03:00", "05:10", busy=[ran("02:00-04:30")])
    assert (rows(made), runs(made)) == (expected, started)


def test_it_runs_the_latest_as_soon_as_the_run_has_ended() -> None:
    made = planned(hourly(overlap="run_latest"), "03:00", "04:30", busy=[ran("02:00-04:30")])
    assert rows(made) == ["03:00 coalesced", "04:00 CRON"]


def test_it_was_overlap_before_it_was_missed() -> None:
    """The holder died at 04:30 in its run; 03:00 and 04:00 overlapped, 05:00 found nobody alive."""
    made = planned(
        hourly(missed="run_all"), "03:00", "05:30", busy=[ran("02:00-04:30")], alive="00:00-04:30 05:10-05:30"
    )
    assert rows(made) == ["03:00-04:00 x2 overlap", "05:00 CATCH_UP"]


def test_it_joins_no_stretches_across_an_instant_of_another_kind() -> None:
    made = planned(hourly(), "03:00", "06:10", busy=[ran("03:59-04:01")], alive="00:00-02:00 06:05-06:10")
    assert rows(made) == ["03:00 daemon_down", "04:00 overlap", "05:00-06:00 x2 daemon_down"]
