"""The clock is set, or the host sleeps: nothing runs twice, and gaps are known."""

from scheduled.testing import ManualDaemon
from tests.conftest import World, at
from tests.law import assert_lawful


def gaps(daemon: ManualDaemon) -> list[str]:
    with daemon.database.reading() as connection:
        return [row[0] for row in connection.exec_driver_sql("SELECT cause FROM worker_gap")]


def test_nothing_runs_twice_after_the_clock_was_set_back(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.advance(hours=2)
    daemon.clock.step(hours=-2)
    daemon.advance(hours=3)
    assert [row.due_at for row in daemon.ledger("it")] == [at("13:00"), at("14:00"), at("15:00")]


def test_switching_off_and_on_rearms_a_schedule_whose_clock_ran_ahead(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.clock.step(hours=5)
    daemon.run_due()
    daemon.clock.step(hours=-5)
    daemon.disable("it")
    daemon.enable("it")
    daemon.advance(hours=1)
    assert [(row.due_at, row.status) for row in daemon.ledger("it")] == [(at("13:00"), "COMPLETED")]


def test_rearming_keeps_what_ran_and_passes_it_over(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.advance(hours=2)
    daemon.clock.step(hours=-2)
    daemon.disable("it")
    daemon.enable("it")
    daemon.advance(hours=3)
    assert [row.due_at for row in daemon.ledger("it")] == [at("13:00"), at("14:00"), at("15:00")]


def test_rearming_shortens_a_stretch_that_reaches_into_the_future(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("8:10"))
    daemon.down(hours=2)
    daemon.clock.step(hours=6)
    daemon.run_due()
    daemon.clock.step(hours=-5)
    daemon.disable("it")
    daemon.enable("it")
    assert sum(row.due_count for row in daemon.skipped("it")) == 3


def test_what_was_switched_off_before_the_clock_was_set_back_is_lawful(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.advance(hours=2)
    daemon.disable("it")
    daemon.clock.step(hours=-2)
    assert_lawful(daemon)


def test_a_stretch_skipped_before_the_clock_was_set_back_is_lawful(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.down(hours=3)
    daemon.run_due()
    assert [row.due_count for row in daemon.skipped("it")] == [3]
    daemon.clock.step(hours=-2)
    daemon.disable("it")
    assert_lawful(daemon)


def test_what_was_skipped_and_is_withdrawn_is_not_missing(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.stop()
    daemon.clock.advance(hours=2)
    daemon.disable("it")
    daemon.clock.step(hours=-2)
    daemon.enable("it")
    assert daemon.ledger("it") == []
    assert_lawful(daemon)
    daemon.start()
    daemon.advance(hours=2)
    assert [row.status for row in daemon.ledger("it")] == ["COMPLETED", "COMPLETED"]


def test_rearming_keeps_what_was_skipped_under_another_definition(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("8:10"))
    hourly = daemon.registry
    daemon.stop()
    daemon.clock.advance(hours=5)
    daemon.start(world.registry(world.schedule("30 2 * * *")))
    daemon.stop()
    daemon.clock.step(hours=-3)
    daemon.start(hourly)
    kept = daemon.skipped("it")
    assert [(row.due_at, row.due_until, row.due_count) for row in kept] == [(at("9:00"), at("10:00"), 2)]


def test_a_step_forward_beyond_the_grace_is_a_gap(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.clock.step(hours=2)
    daemon.run_due()
    assert [(row.reason, row.due_count) for row in daemon.ledger("it")] == [("daemon_down", 2)]
    assert gaps(daemon) == ["clock_stepped"]


def test_a_sleeping_host_is_a_gap(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.clock.suspend(hours=2)
    daemon.run_due()
    assert [row.reason for row in daemon.ledger("it")] == ["daemon_down"]
    assert gaps(daemon) == ["host_suspended"]


def test_a_process_that_was_stopped_for_long_has_a_gap(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.clock.advance(hours=2)
    daemon.run_due()
    assert gaps(daemon) == ["process_stopped"]


def test_a_step_within_the_grace_is_none(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:59:30"))
    daemon.clock.step(seconds=50)
    daemon.run_due()
    assert [row.status for row in daemon.ledger("it")] == ["COMPLETED"]
    assert gaps(daemon) == []


def test_a_long_job_is_no_gap(world: World) -> None:
    world.taking(hours=2)
    daemon = world.start_with(
        world.schedule("0 13 * * *"), world.schedule("30 * * * *", "other"), now=at("12:40")
    )
    daemon.advance(minutes=21)
    assert gaps(daemon) == []
    assert daemon.skipped("other")[0].reason == "coalesced"


def test_a_short_sleep_is_a_gap_to_a_schedule_of_little_patience(world: World) -> None:
    daemon = world.start("* * * * *", missed_grace=2)
    daemon.advance(seconds=55)
    daemon.clock.suspend(seconds=12)
    daemon.parts.lifeline.feel(busy=False)
    daemon.advance(seconds=1)
    assert world.answers()[-1] == ("SKIPPED", "daemon_down")
