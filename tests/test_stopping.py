"""The daemon is told to stop while an occurrence runs."""

from collections.abc import Callable

import pytest

from scheduled.control import Control
from scheduled.daemon import Loop
from scheduled.engine import Step
from scheduled.events import Events
from scheduled.running.interrupts import Interrupter
from scheduled.running.wakeup import Wakeup
from scheduled.testing import ManualDaemon, SettableClock
from tests.conftest import World
from tests.patience import PATIENCE


def told_to_stop(world: World, *, failing: bool = False) -> Callable[[], None]:
    def body() -> None:
        world.crank.parts.control.stop()
        if failing:
            raise ValueError("no such table")

    return body


def ends(daemon: ManualDaemon) -> list[tuple[str, str, str | None]]:
    return [(run["job_name"], run["status"], run["reason"]) for run in daemon.runs()]


def test_it_ends_the_occurrence_before_its_next_job(world: World) -> None:
    world.job("first", told_to_stop(world))
    world.job("second")
    daemon = world.start()
    daemon.parts.engine.step()
    assert ends(daemon) == [("first", "COMPLETED", None), ("second", "SKIPPED", "shutdown")]
    assert world.answers() == [("INTERRUPTED", "shutdown")]


def test_it_takes_no_new_work(world: World) -> None:
    world.job("work")
    daemon = world.start()
    daemon.parts.control.stop()
    assert not daemon.parts.engine.step().worked
    assert daemon.ledger("it") == []


@pytest.mark.parametrize(("failing", "status"), [(False, "COMPLETED"), (True, "FAILED")])
def test_an_occurrence_whose_last_job_ended_has_ended_by_itself(
    world: World, failing: bool, status: str
) -> None:
    world.job("work", told_to_stop(world, failing=failing))
    daemon = world.start(rerun_interrupted=True)
    daemon.parts.engine.step()
    assert world.answers() == [(status, None)]


def test_so_has_one_of_which_only_blocked_jobs_are_left(world: World) -> None:
    world.job("bad", told_to_stop(world, failing=True))
    world.job("needs", depends_on=["bad"])
    daemon = world.start()
    daemon.parts.engine.step()
    assert ends(daemon) == [("bad", "FAILED", None), ("needs", "SKIPPED", "dependency_failed")]
    assert world.answers() == [("FAILED", None)]


def test_it_makes_no_retry(world: World) -> None:
    world.job("work", told_to_stop(world, failing=True), retries=3)
    daemon = world.start()
    daemon.parts.engine.step()
    assert ends(daemon) == [("work", "FAILED", None)]
    assert world.answers() == [("INTERRUPTED", "shutdown")]


def test_it_tells_apart_what_is_blocked_and_what_was_not_reached(world: World) -> None:
    world.job("bad", told_to_stop(world, failing=True))
    world.job("needs", depends_on=["bad"])
    world.job("good")
    daemon = world.start()
    daemon.parts.engine.step()
    assert ends(daemon)[1:] == [("needs", "SKIPPED", "dependency_failed"), ("good", "SKIPPED", "shutdown")]


def test_it_leaves_what_is_to_run_again_to_the_next_daemon(world: World) -> None:
    world.job("first", told_to_stop(world))
    world.job("second")
    daemon = world.start(rerun_interrupted=True)
    daemon.parts.engine.step()
    assert world.answers() == [("QUEUED", "rerun_after_interruption")]
    daemon.stop()
    daemon.start()
    daemon.run_due()
    assert world.called == ["first", "second"]
    assert world.answers() == [("COMPLETED", "rerun_after_interruption")]


def test_it_interrupts_a_job_that_outlasts_the_grace(world: World) -> None:
    def body() -> None:
        control = world.crank.parts.control
        control.stop()
        world.crank.clock.advance(seconds=26)
        control.tick()

    world.job("work", body)
    daemon = world.start()
    interrupter = daemon.parts.control.interrupter
    interrupter.install()
    daemon.parts.engine.step()
    interrupter.uninstall()
    assert ends(daemon) == [("work", "INTERRUPTED", "shutdown")]
    assert world.answers() == [("INTERRUPTED", "shutdown")]


def test_a_second_signal_interrupts_the_job_at_once(world: World) -> None:
    def body() -> None:
        world.crank.parts.control.stop()
        world.crank.parts.control.stop()

    world.job("work", body)
    daemon = world.start()
    interrupter = daemon.parts.control.interrupter
    interrupter.install()
    daemon.parts.engine.step()
    interrupter.uninstall()
    assert ends(daemon) == [("work", "INTERRUPTED", "shutdown")]


def test_a_wake_up_ends_a_wait_and_is_used_up_by_it() -> None:
    wakeup = Wakeup()
    for _ in range(100_000):
        wakeup.set()
    assert wakeup.wait(PATIENCE)
    assert not wakeup.wait(0)
    wakeup.close()


def test_the_grace_is_over_when_its_time_is() -> None:
    clock = SettableClock()
    control = Control(clock, Interrupter(), shutdown_grace=25)
    told = [control.out_of_patience]
    control.stop()
    for seconds in (0, 24.9, 0.1):
        clock.advance(seconds=seconds)
        told.append(control.out_of_patience)
    assert told == [False, False, False, True]
    control.wakeup.close()


def test_a_reload_is_a_wish_and_no_haste() -> None:
    control = Control(SettableClock(), Interrupter(), shutdown_grace=25)
    control.reload()
    assert (control.reloading, control.stopping, control.leaving) == (True, False, False)
    control.wakeup.close()


def test_what_concerns_another_occurrence_is_not_heard() -> None:
    control = Control(SettableClock(), Interrupter(), shutdown_grace=25)
    control.begin(2)
    control.cancel(1, "ann")
    control.fence(1)
    assert not control.leaving
    control.wakeup.close()


def test_it_does_not_sleep_when_the_wake_up_call_was_heard_elsewhere(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = world.start()
    parts = daemon.parts
    loop = Loop(parts, daemon.settings, daemon.clock, Events())

    def told_to_stop_in_the_meantime() -> Step:
        parts.control.stop()
        return Step(worked=False)

    monkeypatch.setattr(parts.engine, "step", told_to_stop_in_the_meantime)
    monkeypatch.setattr(Wakeup, "wait", lambda *_: pytest.fail("it sleeps"))
    loop.work()
