"""A new version of schedules.py: what is added, changed, gone, and back."""

import pytest

from scheduled import collecting
from scheduled.definitions import Schedule
from scheduled.registry import Registry
from scheduled.testing import ManualDaemon
from tests.conftest import World, at, days


def redeploy(daemon: ManualDaemon, *schedules: Schedule) -> None:
    daemon.stop()
    daemon.start(Registry.of(schedules, collecting.jobs()))


def test_it_stores_a_new_schedule_disabled(world: World) -> None:
    daemon = world.start_with(world.schedule(enabled_by_default=False))
    row = daemon.schedule("it")
    assert (row["enabled"], row["next_run_at"], row["ledger_from"]) == (False, None, at("12:00"))


def test_it_tells_of_a_new_schedule(world: World) -> None:
    daemon = world.start_with(world.schedule("5 4 * * *"))
    (event,) = daemon.history_of("it")
    assert (event["event"], event["data"]["enabled"]) == ("added", True)
    assert event["data"]["to"]["cron"] == "5 4 * * *"


def test_it_keeps_the_switch_of_a_schedule_that_it_knows(world: World) -> None:
    daemon = world.start_with(world.schedule())
    daemon.disable("it")
    redeploy(daemon, world.schedule())
    assert daemon.schedule("it")["enabled"] is False


def test_it_moves_the_frontier_of_a_changed_expression(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    redeploy(daemon, world.schedule("20 * * * *"))
    assert daemon.schedule("it")["next_run_at"] == at("12:20")


def test_it_settles_the_old_definition_before_a_changed_one(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:59:50"))
    daemon.stop()
    daemon.clock.advance(seconds=20)
    daemon.start(Registry.of([world.schedule("30 * * * *")], collecting.jobs()))
    (row,) = daemon.ledger("it")
    assert (row.due_at, row.reason) == (at("13:00"), "changed")
    assert daemon.schedule("it")["next_run_at"] == at("13:30")


def test_a_change_of_the_zone_moves_the_frontier_too(world: World) -> None:
    daemon = world.start("0 14 * * *", now=at("12:10"))
    redeploy(daemon, world.schedule("0 14 * * *", timezone="Europe/Riga"))
    assert daemon.schedule("it")["next_run_at"] == at("12:00") + days(1)


def test_a_change_that_touches_no_instant_keeps_what_is_due(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:59:50"))
    daemon.stop()
    daemon.clock.advance(seconds=20)
    daemon.start(Registry.of([world.schedule("0 * * * *", description="new words")], collecting.jobs()))
    daemon.run_due()
    assert [(row.due_at, row.status) for row in daemon.ledger("it")] == [(at("13:00"), "COMPLETED")]
    assert daemon.history_of("it")[-1]["event"] == "changed"


def test_it_orphans_and_keeps_what_is_gone_from_the_code(world: World) -> None:
    daemon = world.start_with(world.schedule(), world.schedule(id="other"), now=at("12:10"))
    daemon.advance(hours=1)
    redeploy(daemon, world.schedule(id="other"))
    daemon.advance(hours=1)
    row = daemon.schedule("it")
    assert (row["orphaned"], row["enabled"], row["next_run_at"]) == (True, True, None)
    assert len(daemon.ledger("it")) == 1


def test_it_ends_the_requests_of_what_is_gone_from_the_code(world: World) -> None:
    daemon = world.start_with(world.schedule(), world.schedule(id="other"), now=at("12:10"))
    daemon.trigger("it")
    redeploy(daemon, world.schedule(id="other"))
    assert [(row.status, row.reason) for row in daemon.ledger("it")] == [("SKIPPED", "orphaned")]


def test_it_takes_a_schedule_back_that_returns_to_the_code(world: World) -> None:
    daemon = world.start_with(world.schedule(), world.schedule(id="other"), now=at("12:10"))
    redeploy(daemon, world.schedule(id="other"))
    daemon.advance(hours=2)
    redeploy(daemon, world.schedule(), world.schedule(id="other"))
    assert daemon.schedule("it")["next_run_at"] == at("15:00")
    assert [event["event"] for event in daemon.history_of("it")] == ["added", "orphaned", "back"]


def test_a_schedule_for_another_environment_counts_as_not_in_the_code(world: World) -> None:
    daemon = world.start_with(world.schedule(), now=at("12:10"))
    daemon.stop()
    elsewhere = world.schedule(environments=["development"])
    daemon.start(Registry.of([elsewhere], collecting.jobs()).for_environment("production"))
    assert daemon.schedule("it")["orphaned"] is True


@pytest.mark.parametrize("name", ["id", "next_run_at", "enabled"])
def test_nothing_changes_when_nothing_changed(world: World, name: str) -> None:
    daemon = world.start_with(world.schedule(), now=at("12:10"))
    before = daemon.schedule("it")[name]
    redeploy(daemon, world.schedule())
    assert daemon.schedule("it")[name] == before
    assert len(daemon.history_of("it")) == 1


def test_it_describes_the_jobs_afresh_without_a_change(world: World) -> None:
    world.job("work", description="Does some work.")
    daemon = world.start_with(world.schedule())
    collecting.restore(())
    world.job("work", description="Does other work.")
    redeploy(daemon, world.schedule())
    assert daemon.schedule("it")["definition"]["job_details"]["work"]["description"] == "Does other work."
    assert [event["event"] for event in daemon.history_of("it")] == ["added"]
