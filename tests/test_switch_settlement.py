"""Disabling, orphaning or changing first settles what was due until then, running nothing."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from scheduled.missed_runs import Busy, Entry, Interval, gaps, judge, settle_for_switch
from scheduled.words import Reason, Status
from tests.plan_support import at, hourly, ran, row, spans


def settled(
    since: str, moment: str, *, alive: str = "00:00-23:59", busy: Sequence[Busy] = (), in_ledger: str = ""
) -> tuple[Entry, ...]:
    """What a switch at `moment` records, as switching.py puts it together."""
    expression = hourly(missed="run_all", overlap="run_all", start_deadline=1).expression
    window = Interval(at(since), at(moment))
    down = gaps(spans(alive), window)
    pieces = judge(expression, window, busy, down, timedelta(minutes=1), spans(in_ledger))
    return settle_for_switch(expression, pieces, Reason.DISABLED, "disabled by ann")


def test_it_runs_nothing_whatever_the_policies_are() -> None:
    entries = settled("03:00", "07:30", busy=[ran("02:00-03:30")], alive="00:00-04:30 06:10-07:30")
    assert [row(entry) for entry in entries] == [
        "03:00 overlap",
        "04:00-06:00 x3 daemon_down",
        "07:00 disabled",
    ]
    assert {entry.status for entry in entries} == {Status.SKIPPED}


def test_it_settles_up_to_that_moment_only() -> None:
    assert [row(entry) for entry in settled("03:00", "05:00")] == ["03:00-04:00 x2 disabled"]
    assert settled("05:00", "05:00") == ()


def test_it_tells_why_in_a_sentence() -> None:
    entries = settled("03:00", "05:30", busy=[ran("02:00-03:30", 7)], alive="00:00-04:00 04:10-05:30")
    assert [entry.detail for entry in entries] == [
        "occurrence 7 was still running",
        "no daemon was alive from 2026-03-02T04:00:00Z to 2026-03-02T04:10:00Z",
        "disabled by ann",
    ]


def test_it_passes_over_what_stands_in_the_ledger_already() -> None:
    entries = settled("03:00", "06:30", in_ledger="04:00-05:00:01")
    assert [row(entry) for entry in entries] == ["03:00 disabled", "06:00 disabled"]


@pytest.mark.parametrize("reason", [Reason.CHANGED, Reason.ORPHANED, Reason.DISABLED])
def test_it_records_under_the_reason_of_the_switch(reason: Reason) -> None:
    expression = hourly().expression
    pieces = judge(expression, Interval(at("03:00"), at("05:30")), (), (), timedelta())
    (entry,) = settle_for_switch(expression, pieces, reason, "because")
    assert (entry.reason, entry.detail, entry.count) == (reason, "because", 3)
