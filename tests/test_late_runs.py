"""Late: neither overlapped nor missed, whatever the cause; the newest runs once."""

from scheduled.words import Status, Trigger
from tests.plan_support import details, entries, hourly, planned, rows, runs, waits


def test_it_runs_what_is_due_now() -> None:
    made = planned(hourly(), "03:00", "03:00")
    assert runs(made) == ["03:00 CRON"]


def test_it_runs_the_newest_once_and_coalesces_the_others_into_it() -> None:
    made = planned(hourly(), "03:00", "06:10")
    assert rows(made) == ["03:00-05:00 x3 coalesced", "06:00 CRON"]
    assert details(made) == ["coalesced into the run due at 2026-03-02T06:00:00Z", None]


def test_it_does_so_whatever_the_other_policies_are() -> None:
    made = planned(hourly(missed="run_all", overlap="run_all"), "03:00", "06:10")
    assert rows(made) == ["03:00-05:00 x3 coalesced", "06:00 CRON"]


def test_it_finds_the_run_when_the_wake_up_is_late() -> None:
    assert runs(planned(hourly("30 3 * * *"), "03:30", "03:59:59")) == ["03:30 CRON"]


def test_it_is_not_due_before_its_time() -> None:
    made = planned(hourly(), "03:00", "02:59:59")
    assert (made.records, made.starts) == ((), ())


def test_it_is_late_during_a_manual_run() -> None:
    """A manual run is not among the busy ones: what was due meanwhile runs after it."""
    made = planned(hourly(), "03:00", "03:20", busy=[], waiting=[waits(7, "03:10", Trigger.MANUAL)])
    assert (rows(made), runs(made)) == ([], ["#7 MANUAL"])
    assert runs(planned(hourly(), "03:00", "03:40")) == ["03:00 CRON"]


def test_it_marks_what_runs_as_waiting_and_what_does_not_as_skipped() -> None:
    skipped, run = entries(planned(hourly(), "03:00", "04:10"))
    assert (skipped.status, run.status) == (Status.SKIPPED, Status.QUEUED)
    assert (run.due_at, run.due_until, run.count) == (run.due_at, run.due_at, 1)


def test_it_passes_over_what_stands_in_the_ledger_already() -> None:
    """The clock stepped back: 04:00 ran, and 06:00 to 07:00 were skipped, before it came to them again."""
    made = planned(hourly(), "03:00", "08:10", in_ledger="04:00-04:00:01 06:00-07:00:01")
    assert rows(made) == ["03:00 coalesced", "05:00 coalesced", "08:00 CRON"]


def test_it_runs_nothing_twice_after_the_clock_stepped_back() -> None:
    made = planned(hourly(), "03:00", "03:10", in_ledger="03:00-03:00:01")
    assert (rows(made), runs(made)) == ([], [])
    assert [record.next_run_at for record in made.records] == [made.wake_at]
