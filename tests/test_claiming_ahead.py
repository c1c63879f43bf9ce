"""Of schedules that are due at once, the next is claimed as the one before ends: but only if it may begin."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import pytest

from scheduled.errors import DatabaseUnavailableError
from scheduled.lifeline import Gap
from scheduled.lock import Holder
from scheduled.missed_runs import Interval
from scheduled.store.held import Held
from scheduled.testing import ManualDaemon
from tests.commits import before_and_after_commits, nothing
from tests.conftest import World, at


@pytest.fixture
def during(world: World) -> Callable[[Callable[[], Any]], ManualDaemon]:
    """Two schedules are due, and this happens while the first of them runs."""

    def run(happens: Callable[[], Any]) -> ManualDaemon:
        world.job("work", lambda: happens() if len(world.called) == 1 else None)
        daemon = world.start_with(world.schedule(id="one"), world.schedule(id="two"), now=at("12:59"))
        daemon.clock.advance_to(at("13:00"))
        return daemon

    return run


def order(daemon: ManualDaemon) -> list[str]:
    """Which schedules ran, in their order."""
    return [event.fields["schedule_id"] for event in daemon.events if event.name == "occurrence.started"]


@pytest.mark.only_on("sqlite", why="there the longer transaction would make others wait")
def test_the_second_is_claimed_before_anybody_hears_that_the_first_ended(world: World, during: Any) -> None:
    daemon = during(lambda: None)
    held: list[Any] = []

    def look(event: Any) -> None:
        if event.name == "occurrence.finished":
            held.append(daemon.schedule("two")["locked_by"])

    daemon.parts.engine.runner.events.subscribe(look)
    daemon.run_due()
    assert held == [daemon.parts.lifeline.id, None]


def test_a_stop_leaves_it_for_later(world: World, during: Any) -> None:
    daemon = during(lambda: world.crank.parts.control.stop())
    daemon.run_due()
    assert world.answers("two") == []
    assert daemon.schedule("two")["locked_by"] is None


def test_a_reload_leaves_it_for_later(world: World, during: Any) -> None:
    daemon = during(lambda: world.crank.parts.control.reload())
    assert daemon.parts.engine.step().worked
    assert world.answers("one") == [("COMPLETED", None)]
    assert world.answers("two") == []
    daemon.run_due()


def test_a_request_comes_before_it(world: World, during: Any) -> None:
    daemon = during(lambda: world.crank.trigger("one"))
    daemon.run_due()
    assert order(daemon) == ["one", "one", "two"]


def test_one_that_is_switched_off_meanwhile_does_not_begin(world: World, during: Any) -> None:
    def switch_off() -> None:
        world.crank.clock.advance(seconds=0.5)
        world.crank.disable("two")

    daemon = during(switch_off)
    daemon.run_due()
    assert world.answers("one") == [("COMPLETED", None)]
    assert world.answers("two") == [("SKIPPED", "disabled")]


def test_one_that_somebody_else_ran_meanwhile_does_not_begin(world: World, during: Any) -> None:
    daemon = during(lambda: world.another().run_due())
    daemon.run_due()
    assert world.called == ["work", "work"]
    assert world.answers("two") == [("COMPLETED", None)]


@pytest.mark.parametrize(
    "wrong", [{"unique_key": "one@2026-03-02T13:00:00.000000Z"}, {"schedule_id": "nobody's"}]
)
def test_one_that_the_database_refuses_keeps_nobody_from_ending(
    world: World, during: Any, monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    daemon = during(lambda: None)
    spoil_the_second(world, monkeypatch, **wrong)
    daemon.parts.engine.step()
    monkeypatch.undo()
    assert world.answers("one") == [("COMPLETED", None)]
    assert world.answers("two") == []
    daemon.run_due()
    assert world.answers("two") == [("COMPLETED", None)]


def spoil_the_second(world: World, monkeypatch: pytest.MonkeyPatch, **wrong: str) -> None:
    """What is written to claim it, once the first has run, is wrong."""
    bid = Holder.bid

    def spoilt(holder: Holder, start: Any, now: Any) -> Any:
        made = bid(holder, start, now)
        if start.schedule_id == "two" and world.called:
            cast(dict[str, Any], made.writes[1].values).update(wrong)
        return made

    monkeypatch.setattr(Holder, "bid", spoilt)


def test_a_gap_is_recorded_before_it(world: World, during: Any) -> None:
    def sleep() -> None:
        now = daemon.clock.now()
        daemon.parts.lifeline._found.append(Gap(Interval(at("12:59"), now), "host_suspended"))

    daemon = during(sleep)
    assert daemon.parts.engine.step().worked
    assert world.answers("two") == []
    daemon.run_due()
    assert world.emitted("worker.gap")


@pytest.mark.parametrize(
    "words", ["BEGIN", "UPDATE occurrence", "UPDATE job_schedule", "INSERT INTO occurrence", "MAX"]
)
def test_a_database_that_is_away_as_the_first_ends_loses_nothing(
    world: World, during: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go_away() -> None:
        execute, left = Held._execute, iter(range(2))

        def unavailable(held: Held, sql: str, parameters: Any) -> Any:
            if words.lower() in sql.lower() and next(left, None) is not None:
                raise DatabaseUnavailableError("database is locked")
            return execute(held, sql, parameters)

        monkeypatch.setattr(Held, "_execute", unavailable)
        monkeypatch.setattr(daemon.parts.control.wakeup, "wait", lambda seconds: False)

    daemon = during(go_away)
    for _ in range(3):  # as often as the loop of a daemon likes
        with suppress(DatabaseUnavailableError):
            daemon.run_due()
    assert world.called == ["work", "work"]
    assert [world.answers(name) for name in ("one", "two")] == [[("COMPLETED", None)]] * 2


def test_a_commit_that_nobody_answered_is_no_claim_forgotten(
    world: World, during: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall_silent() -> None:
        before_and_after_commits(monkeypatch, nothing, say_nothing)

    def say_nothing() -> None:
        if next(once, False):
            raise DatabaseUnavailableError("server closed the connection unexpectedly")

    once = iter([True])
    daemon = during(fall_silent)
    monkeypatch.setattr(daemon.parts.control.wakeup, "wait", lambda seconds: False)
    daemon.run_due()
    assert world.called == ["work", "work"]
    assert [world.answers(name) for name in ("one", "two")] == [[("COMPLETED", None)]] * 2


def test_it_is_not_claimed_by_one_that_was_fenced(world: World, during: Any) -> None:
    def take() -> None:
        with daemon.database.writing() as connection:
            connection.exec_driver_sql("UPDATE worker_instance SET status = 'STOPPED'")
        world.another().parts.engine.reap(daemon.clock.now())
        daemon.clock.advance(seconds=0.1)

    daemon = during(take)
    daemon.parts.engine.step()
    assert world.answers("one")[0] == ("INTERRUPTED", "holder_lost")
    assert world.answers("two") == []
    daemon.run_due()


@pytest.mark.parametrize("happens", ["stop", "trigger"])
@pytest.mark.only_on("sqlite", why="there nobody bids")
def test_what_comes_while_it_waits_for_the_database_is_heeded(
    world: World, during: Any, monkeypatch: pytest.MonkeyPatch, happens: str
) -> None:
    def wait_for_it() -> None:
        monkeypatch.setattr(Held, "_execute", waiting)

    def waiting(held: Held, sql: str, parameters: Any) -> Any:
        if sql.startswith("BEGIN"):
            monkeypatch.undo()
            daemon.parts.control.stop() if happens == "stop" else daemon.trigger("one")
        return execute(held, sql, parameters)

    execute = Held._execute
    daemon = during(wait_for_it)
    daemon.run_due()
    assert order(daemon) == (["one"] if happens == "stop" else ["one", "one", "two"])


def test_a_cancelled_first_takes_nothing_with_it(world: World, during: Any) -> None:
    def cancel() -> None:
        control = world.crank.parts.control
        control.cancelled_by = "ada"

    daemon = during(cancel)
    daemon.run_due()
    assert world.answers("two") == [("COMPLETED", None)]


def test_a_dead_lock_is_taken_also_while_one_follows_another(world: World) -> None:
    world.taking("work", seconds=0.4)
    daemon = world.start_with(*(world.schedule(id=name) for name in "abcdef"), now=at("12:59"))
    reaped: list[Any] = []
    reap = daemon.parts.engine.reap
    daemon.parts.engine.reap = lambda now: (reaped.append(now), reap(now))  # type: ignore[method-assign, assignment, func-returns-value]
    daemon.clock.advance_to(at("13:00"))
    daemon.run_due()
    assert len(reaped) >= 3


@pytest.mark.only_on("sqlite", why="there nobody bids")
def test_a_lost_bid_costs_no_plan(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.job("work", lambda: other.parts.engine.step() if world.called.count("work") == 1 else None)
    daemon = world.start_with(*(world.schedule(id=name) for name in "abcd"), now=at("12:59"))
    other = world.another()
    other.parts.engine.run = lambda claim: None  # type: ignore[method-assign]
    daemon.parts.engine.shares = other.parts.engine.shares = False
    daemon.clock.advance_to(at("13:00"))
    daemon.parts.engine.step()
    assert order(daemon) == ["a", "c", "d"]
