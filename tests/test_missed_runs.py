"""Missed: no daemon was alive for longer than the grace between the instant and now."""

import time

import pytest

from scheduled.definitions import Policy
from scheduled.missed_runs import gaps
from tests.plan_support import clock, details, hourly, planned, rows, runs, span, spans


def test_it_never_catches_up_what_was_missed_by_default() -> None:
    made = planned(hourly(), "03:00", "09:30", alive="00:00-02:10 09:02-09:30")
    assert rows(made) == ["03:00-09:00 x7 daemon_down"]
    assert runs(made) == []


def test_it_names_the_gap() -> None:
    made = planned(hourly(), "03:00", "03:30", alive="00:00-03:00 03:20-03:30")
    assert details(made) == ["no daemon was alive from 2026-03-02T03:00:00Z to 2026-03-02T03:20:00Z"]


def test_it_names_the_gap_from_where_it_began() -> None:
    made = planned(hourly(), "02:00", "09:59", alive="00:00-00:30 00:40-01:02 09:58-09:59")
    assert details(made) == ["no daemon was alive from 2026-03-02T01:02:00Z to 2026-03-02T09:58:00Z"]


def test_it_names_the_gap_from_the_frontier_on_when_nobody_is_known_to_have_lived_before() -> None:
    made = planned(hourly(), "03:00", "03:30", alive="03:20-03:30")
    assert details(made) == ["no daemon was alive from 2026-03-02T03:00:00Z to 2026-03-02T03:20:00Z"]


def test_it_names_the_gap_that_followed_each_instant() -> None:
    alive = "00:00-03:30 04:30-05:30 06:30-07:00"
    made = planned(hourly(), "04:00", "07:00", alive=alive)
    assert rows(made) == ["04:00 daemon_down", "05:00-06:00 x2 daemon_down", "07:00 CRON"]


@pytest.mark.parametrize(
    ("back", "expected"),
    [("03:00:59", "03:00 CRON"), ("03:01", "03:00 CRON"), ("03:01:01", "03:00 daemon_down")],
)
def test_it_forgives_a_silence_no_longer_than_the_grace(back: str, expected: str) -> None:
    made = planned(hourly(), "03:00", "03:30", alive=f"00:00-02:59 {back}-03:30")
    assert rows(made) == [expected]


def test_it_counts_only_the_silence_after_the_instant() -> None:
    made = planned(hourly(), "03:00", "03:30", alive="00:00-01:00 03:00:30-03:30")
    assert rows(made) == ["03:00 CRON"]


def test_it_counts_a_silence_that_began_long_after_the_instant() -> None:
    made = planned(hourly(), "03:00", "03:30", alive="00:00-03:10 03:20-03:30")
    assert rows(made) == ["03:00 daemon_down"]


def test_it_forgives_a_later_silence_no_longer_than_the_grace() -> None:
    made = planned(hourly(), "03:00", "03:30", alive="00:00-03:10 03:11-03:30")
    assert rows(made) == ["03:00 CRON"]


def test_it_does_not_add_up_short_silences() -> None:
    made = planned(hourly(), "03:00", "03:03", alive="03:00:50-03:01 03:01:50-03:02 03:02:50-03:03")
    assert rows(made) == ["03:00 CRON"]


def test_it_counts_a_silence_that_lasts_until_now() -> None:
    made = planned(hourly(), "03:00", "03:30", alive="00:00-03:10")
    assert rows(made) == ["03:00 daemon_down"]


def test_it_is_strict_with_no_grace() -> None:
    made = planned(hourly(), "03:00", "03:30", alive="00:00-03:00 03:00:01-03:30", grace=0)
    assert rows(made) == ["03:00 daemon_down"]


def test_it_is_on_time_when_the_daemon_starts_at_that_very_instant() -> None:
    made = planned(hourly(), "03:00", "03:00", alive="", grace=0)
    assert rows(made) == ["03:00 CRON"]


def test_it_prefers_the_grace_of_the_schedule() -> None:
    made = planned(hourly(missed_grace=1200), "03:00", "03:30", alive="03:20-03:30")
    assert rows(made) == ["03:00 CRON"]


@pytest.mark.parametrize(("least", "expected"), [(1199.0, "03:00 daemon_down"), (1200.0, "03:00 CRON")])
def test_it_never_has_less_than_the_least_grace(least: float, expected: str) -> None:
    made = planned(hourly(missed_grace=0), "03:00", "03:30", alive="03:20-03:30", least_grace=least)
    assert rows(made) == [expected]


def test_it_takes_lives_in_any_order_and_overlapping() -> None:
    alive = spans("05:00-06:00 01:00-02:00 01:30-03:00 09:00-10:00")
    found = gaps(alive, span("00:30-08:00"))
    assert [f"{clock(gap.start)}-{clock(gap.end)}" for gap in found] == [
        "00:30-01:00",
        "03:00-05:00",
        "06:00-08:00",
    ]


def test_it_begins_no_gap_before_a_life_that_reaches_into_the_window() -> None:
    assert gaps(spans("00:00-00:10 00:20-01:30 01:30-02:00"), span("01:00-02:00")) == []


@pytest.mark.parametrize("alive", ["00:00-09:00", "01:00-02:00", "00:30-01:30 01:30-02:00"])
def test_it_finds_no_gap_where_somebody_always_lived(alive: str) -> None:
    assert gaps(spans(alive), span("01:00-02:00")) == []


def test_it_runs_the_latest_when_told_latest() -> None:
    made = planned(hourly(missed="run_latest"), "03:00", "09:30", alive="09:20-09:30")
    assert rows(made) == ["03:00-08:00 x6 coalesced", "09:00 CATCH_UP"]
    assert runs(made) == ["09:00 CATCH_UP"]
    assert details(made)[0] == "coalesced into the run due at 2026-03-02T09:00:00Z"


def test_it_runs_all_when_told_all_the_oldest_first() -> None:
    made = planned(hourly(missed="run_all"), "07:00", "09:30", alive="09:20-09:30")
    assert rows(made) == ["07:00 CATCH_UP", "08:00 CATCH_UP", "09:00 CATCH_UP"]
    assert runs(made) == ["07:00 CATCH_UP"]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [
        ("skip", ["07:00-08:00 x2 daemon_down", "09:00 CRON"]),
        ("run_latest", ["07:00-08:00 x2 coalesced", "09:00 CRON"]),
        ("run_all", ["07:00 CATCH_UP", "08:00 CATCH_UP", "09:00 CRON"]),
    ],
)
def test_it_runs_what_is_due_now_whatever_was_missed(missed: Policy, expected: list[str]) -> None:
    made = planned(hourly(missed=missed), "07:00", "09:00", alive="08:30-09:00")
    assert rows(made) == expected
    assert runs(made) == ["09:00 CRON"]


def test_it_settles_a_year_of_seconds_at_once() -> None:
    began = time.perf_counter()
    made = planned(hourly("every second"), "00:00", "23:59", alive="23:50-23:59")
    assert rows(made) == ["00:00-23:48:59 x85740 daemon_down", "23:49-23:58:59 x600 coalesced", "23:59 CRON"]
    assert time.perf_counter() - began < 0.5
