"""What an occurrence came to, and what the schedule's counters say."""

from typing import Any

import pytest

from scheduled import JobContext, SkipJob, job
from scheduled.events import Event, Events
from tests.conftest import World, at


def fails() -> None:
    raise ValueError("no such table")


def test_a_failed_job_does_not_stop_the_others(world: World) -> None:
    world.job("bad", fails)
    world.job("good")
    daemon = world.start()
    daemon.run_due()
    assert [(run["job_name"], run["status"]) for run in daemon.runs()] == [
        ("bad", "FAILED"),
        ("good", "COMPLETED"),
    ]
    assert daemon.ledger("it")[0].status == "FAILED"


def test_jobs_that_depend_on_a_failed_one_are_skipped(world: World) -> None:
    world.job("bad", fails)
    world.job("needs", depends_on=["bad"])
    world.job("needs-that", depends_on=["needs"])
    daemon = world.start()
    daemon.run_due()
    assert [(run["status"], run["reason"], run["error_message"]) for run in daemon.runs()[1:]] == [
        ("SKIPPED", "dependency_failed", "it depends on 'bad', which is FAILED"),
        ("SKIPPED", "dependency_failed", "it depends on 'needs', which is SKIPPED"),
    ]


def test_a_job_may_run_although_its_dependency_failed(world: World) -> None:
    world.job("bad", fails)
    world.job("clean-up", depends_on=["bad"], run_if_dependency_fails=True)
    daemon = world.start()
    daemon.run_due()
    assert daemon.runs()[1]["status"] == "COMPLETED"


def test_a_job_that_skipped_itself_blocks_nothing(world: World) -> None:
    def skips() -> None:
        raise SkipJob("nothing new")

    world.job("maybe", skips)
    world.job("then", depends_on=["maybe"])
    daemon = world.start()
    daemon.run_due()
    assert [run["status"] for run in daemon.runs()] == ["SKIPPED", "COMPLETED"]


def test_results_reach_the_jobs_that_depend_on_them(world: World) -> None:
    seen: list[Any] = []
    world.job("load", lambda: {"rows": 3})

    def score(ctx: JobContext) -> None:
        seen.append((ctx.results["load"], ctx.due_at, ctx.trigger, ctx.attempt))

    job(name="score", depends_on=["load"])(score)
    world.start().run_due()
    assert seen == [({"rows": 3}, at("12:00"), "CRON", 1)]


def test_it_counts_runs_and_failures(world: World) -> None:
    world.job("bad", fails)
    daemon = world.start("0 * * * *")
    daemon.advance(hours=2)
    row = daemon.schedule("it")
    assert (row["run_count"], row["failure_count"], row["consecutive_failures"]) == (3, 3, 3)
    assert (row["last_status"], row["last_run_at"]) == ("FAILED", at("14:00"))


def test_a_success_ends_the_row_of_failures(world: World) -> None:
    left = iter([True, True])
    world.job("work", lambda: fails() if next(left, False) else None)
    daemon = world.start("0 * * * *")
    daemon.advance(hours=2)
    row = daemon.schedule("it")
    assert (row["failure_count"], row["consecutive_failures"]) == (2, 0)


def test_a_job_past_its_deadline_is_timed_out_whatever_it_returned(world: World) -> None:
    world.job("slow", lambda: world.crank.clock.advance(seconds=31), timeout=30)
    daemon = world.start()
    daemon.run_due()
    (run,) = daemon.runs()
    assert (run["status"], run["error_message"]) == ("TIMED_OUT", "it ran longer than its timeout of 30 s")
    assert daemon.ledger("it")[0].status == "FAILED"


def cancels_itself(world: World) -> None:
    world.job("first", lambda: world.crank.parts.control.cancel(1, "ann"))


def test_a_cancelled_occurrence_ends_before_its_next_job(world: World) -> None:
    cancels_itself(world)
    world.job("second")
    daemon = world.start()
    daemon.run_due()
    assert [run["status"] for run in daemon.runs()] == ["COMPLETED", "SKIPPED"]
    (row,) = daemon.ledger("it")
    assert (row.status, row.detail) == ("CANCELLED", "cancelled by ann")


def test_a_cancellation_that_comes_too_late_changes_nothing(world: World) -> None:
    cancels_itself(world)
    daemon = world.start()
    daemon.run_due()
    assert daemon.ledger("it")[0].status == "COMPLETED"


def test_a_broken_subscriber_breaks_nothing(world: World) -> None:
    def breaks(event: Event) -> None:
        raise RuntimeError(event.name)

    heard: list[str] = []
    events = Events(breaks)
    events.subscribe(lambda event: heard.append(event.name))
    events.emit("job.finished")
    assert heard == ["job.finished"]


def test_a_schedule_that_breaks_the_planner_does_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = world.start_with(world.schedule(id="bad"), world.schedule(id="good"))
    monkeypatch.setitem(daemon.registry.schedules["bad"].__dict__, "expression", None)
    daemon.run_due()
    assert [row.schedule_id for row in daemon.ledger()] == ["good"]
    assert [event.fields["schedule_id"] for event in daemon.events if event.name == "schedule.faulty"] == [
        "bad"
    ]
    monkeypatch.undo()
