"""Enabling and disabling: what is owed before, what is owed after, and who did it."""

from tests.conftest import World, at


def test_it_owes_nothing_for_the_time_before_it_was_enabled(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("8:10"), enabled_by_default=False)
    daemon.advance(hours=3)
    daemon.enable("it")
    daemon.advance(hours=1)
    assert [row.due_at for row in daemon.ledger("it")] == [at("12:00")]


def test_it_runs_at_the_very_instant_at_which_it_was_enabled(world: World) -> None:
    daemon = world.start("0 * * * *", enabled_by_default=False)
    daemon.enable("it")
    daemon.run_due()
    assert [row.due_at for row in daemon.ran("it")] == [at("12:00")]


def test_it_runs_nothing_while_disabled(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.disable("it")
    daemon.advance(hours=3)
    assert daemon.ledger("it") == []
    assert daemon.schedule("it")["next_run_at"] is None


def test_it_records_what_was_late_when_it_was_disabled(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:59:50"))
    daemon.clock.advance(seconds=20)
    daemon.disable("it")
    (row,) = daemon.ledger("it")
    assert (row.due_at, row.reason) == (at("13:00"), "disabled")
    assert row.detail == "disabled by test at 2026-03-02T13:00:10Z"


def test_it_records_what_was_missed_when_it_was_disabled(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.stop()
    daemon.clock.advance(hours=2)
    daemon.disable("it")
    (row,) = daemon.ledger("it")
    assert (row.due_at, row.due_count, row.reason) == (at("13:00"), 2, "daemon_down")


def test_it_records_what_overlapped_when_it_was_disabled(world: World) -> None:
    def is_long_and_disables_itself() -> None:
        world.crank.clock.advance(hours=2)
        world.crank.beat()
        world.crank.disable("it")

    world.job("work", is_long_and_disables_itself)
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.advance_to(at("13:00"))
    assert [(row.due_at, row.reason) for row in daemon.skipped("it")] == [(at("14:00"), "overlap")]


def test_it_ends_what_waits_for_its_turn_when_it_is_disabled(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("8:10"), missed="run_all")
    daemon.stop()
    daemon.clock.advance(hours=3)
    daemon.start()
    daemon.parts.engine.step()
    daemon.disable("it")
    assert [(row.status, row.reason) for row in daemon.ledger("it")] == [
        ("COMPLETED", None),
        ("SKIPPED", "disabled"),
        ("SKIPPED", "disabled"),
    ]


def test_it_runs_a_request_also_while_disabled(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"), enabled_by_default=False)
    daemon.trigger("it")
    daemon.run_due()
    assert [(row.trigger, row.status) for row in daemon.ledger("it")] == [("MANUAL", "COMPLETED")]


def test_it_remembers_who_switched_it_and_why(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.disable("it", reason="too loud")
    event = daemon.history_of("it")[-1]
    assert (event["event"], event["actor"], event["reason"], event["at"]) == (
        "disabled",
        "test",
        "too loud",
        at("12:10"),
    )


def test_it_counts_the_skipped_instants(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.down(hours=5)
    daemon.run_due()
    assert daemon.schedule("it")["skipped_count"] == 5
