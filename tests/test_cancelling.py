"""Cancelling an occurrence: at once while it waits, by its daemon while it runs."""

import pytest

from scheduled.errors import ConflictError, UnknownNameError
from tests.conftest import World, at


def cancelled_within(world: World, name: str = "work") -> None:
    """A job that asks for its own end, which the side thread would notice within it."""

    def body() -> None:
        daemon = world.crank
        daemon.cancel(1)
        try:
            daemon.parts.sidework._look_for_requests()
        finally:
            daemon.parts.sidework._eye.close()

    world.job(name, body, retries=3)


def test_it_interrupts_the_job_that_runs(world: World) -> None:
    cancelled_within(world)
    world.job("more")
    daemon = world.start()
    interrupter = daemon.parts.control.interrupter
    interrupter.install()
    daemon.run_due()
    interrupter.uninstall()
    assert [(run["job_name"], run["status"], run["reason"]) for run in daemon.runs()] == [
        ("work", "CANCELLED", "cancelled"),
        ("more", "SKIPPED", "cancelled"),
    ]
    assert world.answers() == [("CANCELLED", "cancelled")]


def test_it_records_who_cancelled_it(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    occurrence = daemon.trigger("it")
    daemon.cancel(occurrence)
    event = daemon.history_of("it")[-1]
    assert (event["event"], event["actor"], event["at"]) == ("cancelled", "test", at("12:10"))
    assert event["data"] == {"occurrence_id": occurrence, "at_once": True}
    assert daemon.ledger("it")[0].detail == "cancelled by test"


def test_a_cancellation_is_neither_a_failure_nor_a_success(world: World) -> None:
    outcomes = iter(["fail", "cancel"])

    def body() -> None:
        if next(outcomes) == "fail":
            raise ValueError
        world.crank.parts.control.cancel(2, "ann")

    world.job("first", body)
    world.job("second")
    daemon = world.start("0 * * * *")
    daemon.advance(hours=1)
    row = daemon.schedule("it")
    assert (row["last_status"], row["failure_count"], row["consecutive_failures"]) == ("CANCELLED", 1, 1)


def test_it_cancels_a_run_that_is_to_be_caught_up(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"), missed="run_all")
    daemon.down(hours=2)
    daemon.parts.engine.step()
    waiting = daemon.ledger("it")[-1]
    daemon.cancel(waiting.id)
    daemon.run_due()
    assert world.answers() == [("COMPLETED", None), ("CANCELLED", "cancelled")]


def test_a_cancellation_during_the_backoff_ends_the_occurrence(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise ValueError

    world.job("work", fails, retries=3)
    daemon = world.start()
    monkeypatch.setattr(daemon.clock, "wait", lambda *_: daemon.parts.control.cancel(1, "ann"))
    daemon.run_due()
    assert [(run["status"], run["reason"]) for run in daemon.runs()] == [
        ("FAILED", None),
        ("SKIPPED", "cancelled"),
    ]
    assert world.answers() == [("CANCELLED", "cancelled")]


def test_a_cancelled_run_that_a_dead_daemon_left_is_not_run_again(world: World) -> None:
    def body() -> None:
        world.crank.cancel(1)
        world.killed = True

    world.job("work", body)
    daemon = world.start("0 * * * *", rerun_interrupted=True)
    world.run_until_killed(minutes=1)
    daemon.start()
    assert world.answers() == [("INTERRUPTED", "holder_lost")]


def test_it_refuses_what_has_ended(world: World) -> None:
    daemon = world.start()
    daemon.run_due()
    with pytest.raises(ConflictError, match="already ended: it is COMPLETED"):
        daemon.cancel(1)


def test_it_refuses_what_never_was(world: World) -> None:
    daemon = world.start()
    with pytest.raises(UnknownNameError, match="no occurrence 7"):
        daemon.cancel(7)
