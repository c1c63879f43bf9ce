"""A daemon died: whoever comes next takes its locks and makes its rows true."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from scheduled.context import JobContext
from scheduled.running.calling import Outcome, call
from scheduled.testing import ManualDaemon
from tests.conftest import World, at


class Killed(BaseException):
    """The process was killed in the middle of a job."""


def killed_within(world: World, *names: str, **options: Any) -> ManualDaemon:
    """A daemon that is killed, at 13:00:20, while the first of these jobs runs for the first time."""
    for name in names:
        world.job(name)
    daemon = world.start("0 * * * *", now=at("12:10"), **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "scheduled.runner.call", lambda function, context: call_or_die(world, names[0], function, context)
        )
        with pytest.raises(Killed):
            daemon.advance(hours=1)
    daemon.crash()
    return daemon


def call_or_die(
    world: World, name: str, function: Callable[..., Any], context: Callable[[], JobContext]
) -> Outcome:
    outcome = call(function, context)
    if context().job_name != name:
        return outcome
    world.crank.clock.advance(seconds=20)
    world.crank.beat()
    raise Killed


@pytest.fixture
def dead(world: World) -> ManualDaemon:
    return killed_within(world, "work", "more")


def test_it_finds_the_rows_of_a_dead_daemon_running(dead: ManualDaemon) -> None:
    (row,) = dead.ledger("it")
    assert row.status == "RUNNING"
    assert dead.schedule("it")["locked_by"] is not None


def test_it_interrupts_what_the_dead_daemon_ran(dead: ManualDaemon) -> None:
    dead.clock.advance(seconds=10)
    dead.start()
    (row,) = dead.ledger("it")
    assert (row.status, row.reason) == ("INTERRUPTED", "holder_lost")
    assert [(run["job_name"], run["status"]) for run in dead.runs()] == [
        ("work", "INTERRUPTED"),
        ("more", "SKIPPED"),
    ]


def test_it_ends_the_occurrence_at_the_last_sign_of_life(dead: ManualDaemon) -> None:
    dead.clock.advance(minutes=10)
    dead.start()
    assert dead.ledger("it")[0].finished_at == at("13:00:20")


def test_it_frees_the_lock_and_tells_of_it(dead: ManualDaemon) -> None:
    dead.start()
    assert dead.schedule("it")["locked_by"] is None
    assert dead.history_of("it")[-1]["event"] == "lock_reaped"


def test_it_counts_no_failure(dead: ManualDaemon) -> None:
    dead.start()
    row = dead.schedule("it")
    assert (row["failure_count"], row["consecutive_failures"], row["last_status"]) == (0, 0, "INTERRUPTED")


def test_it_does_not_run_the_interrupted_occurrence_again(dead: ManualDaemon) -> None:
    dead.start()
    dead.advance(minutes=30)
    assert len(dead.ledger("it")) == 1
    assert len(dead.runs()) == 2


def test_it_runs_it_again_once_if_the_schedule_asks_for_it(world: World) -> None:
    daemon = killed_within(world, "work", "more", rerun_interrupted=True)
    daemon.start()
    daemon.run_due()
    assert [(run["job_name"], run["attempt"], run["status"]) for run in daemon.runs()] == [
        ("work", 1, "INTERRUPTED"),
        ("work", 2, "COMPLETED"),
        ("more", 1, "COMPLETED"),
    ]
    assert [(row.status, row.reason) for row in daemon.ledger("it")] == [
        ("COMPLETED", "rerun_after_interruption")
    ]


def taken_over(world: World, *began_with: str, finds: list[str]) -> ManualDaemon:
    """A daemon on another host, which first gave the schedule other jobs, has taken the lock."""
    dead = killed_within(world, *began_with, mode="JOBS", jobs=list(began_with))
    for name in set(finds).difference(began_with):
        world.job(name)
    other = world.another(world.schedule(mode="JOBS", jobs=finds))
    dead.clock.advance(minutes=6)
    other.run_due()
    return other


def test_it_does_not_skip_jobs_that_the_schedule_had_not_when_it_began(world: World) -> None:
    other = taken_over(world, "work", finds=["work", "more"])
    assert other.ledger("it")[0].status == "INTERRUPTED"
    assert [run["job_name"] for run in other.runs()] == ["work"]


def test_it_counts_the_jobs_that_it_knows(world: World) -> None:
    other = taken_over(world, "work", "more", finds=["work"])
    assert [run["job_name"] for run in other.runs()] == ["work"]
    with other.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT jobs_total FROM occurrence LIMIT 1").scalar() == 1


def test_it_was_not_running_while_it_waited_to_run_again(world: World) -> None:
    daemon = killed_within(world, "work", rerun_interrupted=True)
    daemon.clock.advance(hours=3)
    daemon.start()
    daemon.cancel(daemon.ledger("it")[0].id)
    daemon.run_due()
    first, missed, _ = daemon.ledger("it")
    assert (first.status, first.finished_at) == ("CANCELLED", at("13:00:20"))
    assert (missed.due_at, missed.due_count, missed.reason) == (at("14:00"), 2, "daemon_down")


def test_it_does_not_repeat_the_jobs_that_were_completed(world: World) -> None:
    world.job("first")
    daemon = killed_within(world, "second", rerun_interrupted=True)
    daemon.start()
    daemon.run_due()
    assert world.called == ["first", "second", "second"]


def test_a_second_interruption_is_final(world: World) -> None:
    daemon = killed_within(world, "work", rerun_interrupted=True)
    daemon.start()
    claim_and_die(daemon)
    daemon.start()
    daemon.run_due()
    assert [(row.status, row.reason) for row in daemon.ledger("it")] == [("INTERRUPTED", "holder_lost")]


def claim_and_die(daemon: ManualDaemon) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(daemon.parts.engine.runner), "run", _die)
        with pytest.raises(Killed):
            daemon.run_due()
    daemon.crash()


def _die(*_: object) -> None:
    raise Killed


def test_it_leaves_the_lock_of_a_daemon_on_another_host_until_the_lease_ends(dead: ManualDaemon) -> None:
    elsewhere(dead)
    dead.start()
    assert dead.schedule("it")["locked_by"] is not None
    dead.clock.advance(minutes=5)
    dead.run_due()
    assert dead.ledger("it")[0].status == "INTERRUPTED"


def elsewhere(daemon: ManualDaemon) -> None:
    with daemon.database.writing() as connection:
        connection.exec_driver_sql("UPDATE worker_instance SET hostname = 'elsewhere'")


def test_it_marks_the_dead_instance_lost(dead: ManualDaemon) -> None:
    dead.start()
    with dead.database.reading() as connection:
        statuses = connection.exec_driver_sql("SELECT status FROM worker_instance ORDER BY started_at")
        assert [row[0] for row in statuses] == ["LOST", "RUNNING"]


def test_it_marks_an_idle_daemon_that_died_lost(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    daemon.crash()
    daemon.clock.advance(seconds=1)
    daemon.start()
    with daemon.database.reading() as connection:
        statuses = connection.exec_driver_sql("SELECT status FROM worker_instance ORDER BY started_at")
        assert [row[0] for row in statuses] == ["LOST", "RUNNING"]


def test_a_holder_that_lost_its_lock_writes_nothing_more(world: World, database_url: str) -> None:
    def is_slow() -> None:
        world.crank.clock.advance(minutes=10)
        second = world.start_on(database_url, world.crank.registry, now=world.crank.clock.now())
        elsewhere(second)
        second.clock.advance(seconds=1)
        second.parts.engine.reap(second.clock.now())

    world.job("slow", is_slow, timeout=100_000)
    world.job("never")
    registry = world.registry(world.schedule("0 * * * *"))
    world.daemon = world.start_on(database_url, registry, now=at("13:00"))
    elsewhere(world.daemon)
    world.daemon.parts.lifeline.hostname = "elsewhere"
    world.daemon.run_due()
    assert world.called == ["slow"]
    assert [(run["job_name"], run["status"]) for run in world.daemon.runs()] == [
        ("slow", "INTERRUPTED"),
        ("never", "SKIPPED"),
    ]
    assert any(event.name == "occurrence.fenced" for event in world.daemon.events)


def test_the_grace_of_the_next_daemon_counts_from_the_last_sign_of_life(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:58"))
    daemon.advance(seconds=100)
    daemon.crash()
    daemon.clock.advance_to(at("13:00") + timedelta(seconds=20))
    daemon.start()
    daemon.run_due()
    assert [row.status for row in daemon.ledger("it")] == ["COMPLETED"]


def test_it_ends_a_rerun_of_which_only_blocked_jobs_are_left(world: World) -> None:
    def fails() -> None:
        world.crank.parts.control.stopping = True
        raise ValueError

    world.job("work", fails)
    world.job("needs", depends_on=["work"])
    daemon = world.start("0 13 * * *", now=at("13:00"), rerun_interrupted=True)
    daemon.parts.engine.step()
    daemon.crash()
    daemon.start()
    daemon.advance(minutes=5)
    assert [(run["job_name"], run["status"]) for run in daemon.runs()] == [
        ("work", "FAILED"),
        ("needs", "SKIPPED"),
    ]
    assert daemon.ledger("it")[0].status == "FAILED"
    assert daemon.schedule("it")["locked_by"] is None


def test_a_retry_that_a_stop_cut_short_is_made_by_the_rerun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([True])

    def fails_once() -> None:
        if next(left, False):
            raise ValueError

    world.job("work", fails_once, retries=1)
    daemon = world.start("0 13 * * *", now=at("13:00"), rerun_interrupted=True)
    monkeypatch.setattr(daemon.clock, "wait", lambda wait, seconds: daemon.parts.control.stop())
    daemon.parts.engine.step()
    daemon.crash()
    daemon.start()
    daemon.run_due()
    assert [(run["attempt"], run["status"]) for run in daemon.runs()] == [
        (1, "FAILED"),
        (2, "SKIPPED"),
        (3, "COMPLETED"),
    ]


def test_a_rerun_that_was_switched_off_stays_interrupted(world: World) -> None:
    daemon = killed_within(world, "work", rerun_interrupted=True)
    daemon.start()
    daemon.disable("it")
    assert [(row.status, row.reason) for row in daemon.ledger("it")] == [("INTERRUPTED", "disabled")]


@pytest.mark.parametrize("ends", ["cancelled", "disabled", "orphaned"])
def test_a_rerun_that_never_came_tells_of_the_jobs_that_were_not_reached(world: World, ends: str) -> None:
    daemon = killed_within(world, "work", "more", rerun_interrupted=True)
    daemon.start()
    if ends == "cancelled":
        daemon.cancel(daemon.ledger("it")[0].id)
    elif ends == "disabled":
        daemon.disable("it")
    else:
        daemon.stop()
        daemon.start(world.registry(world.schedule(id="other")))
    told = [(run["job_name"], run["status"], run["reason"]) for run in daemon.runs()]
    assert told == [("work", "INTERRUPTED", "holder_lost"), ("more", "SKIPPED", ends)]


def test_what_falls_due_after_the_last_sign_of_life_is_missed_not_overlap(dead: ManualDaemon) -> None:
    dead.clock.advance(hours=3)
    dead.disable("it")
    first = dead.skipped("it")[0]
    assert (first.due_at, first.due_count, first.reason) == (at("14:00"), 2, "daemon_down")
    assert first.detail == "no daemon was alive from 2026-03-02T13:00:20Z to 2026-03-02T16:00:20Z"
    dead.start()
