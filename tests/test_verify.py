"""The audit: what was due by the history of definitions and switches, held against the ledger."""

import pytest

from scheduled import collecting
from scheduled.registry import Registry
from scheduled.testing import ManualDaemon
from scheduled.verifying import Verdict, verify
from tests.conftest import World, at


@pytest.fixture
def daemon(world: World) -> ManualDaemon:
    """Three hours of an hourly schedule, of which a ledger has four rows."""
    made = world.start("0 * * * *")
    made.advance(hours=3)
    world.daemon = None  # its ledger is about to be spoilt
    return made


def spoil(daemon: ManualDaemon, *statements: str) -> Verdict:
    with daemon.database.writing() as connection:
        for statement in ("DELETE FROM job_run", *statements):
            connection.exec_driver_sql(statement)
    return verify(daemon.database, clock=daemon.clock)


def test_it_accounts_for_every_instant(daemon: ManualDaemon) -> None:
    account = verify(daemon.database, clock=daemon.clock).as_json()
    assert account == {
        "ok": True,
        "expected": 4,
        "accounted": 4,
        "ran": 4,
        "skipped": 0,
        "waiting": 0,
        "pending": 0,
        "running": 0,
        "missing": [],
        "duplicate": [],
        "unexpected": [],
    }


@pytest.mark.parametrize(("hour", "place"), [(12, "first"), (13, "middle"), (15, "last")])
def test_it_finds_an_instant_without_a_row(daemon: ManualDaemon, hour: int, place: str) -> None:
    verdict = spoil(daemon, f"DELETE FROM occurrence WHERE due_at = '2026-03-02 {hour}:00:00.000000'")
    assert verdict.as_json()["missing"] == [f"it: 2026-03-02T{hour}:00:00Z has no row"]
    assert not verdict.ok


def test_it_finds_a_row_that_reaches_over_another(daemon: ManualDaemon) -> None:
    verdict = spoil(
        daemon, "UPDATE occurrence SET due_until = '2026-03-02 14:00:00.000000', due_count = 2 WHERE id = 2"
    )
    assert verdict.as_json()["duplicate"] == [
        "it: 2026-03-02T14:00:00Z is in occurrence 3 and an earlier one"
    ]


def test_it_finds_a_row_that_was_not_due(daemon: ManualDaemon) -> None:
    verdict = spoil(
        daemon,
        "UPDATE occurrence SET due_at = '2026-03-02 13:30:00.000000' WHERE id = 2",
        "UPDATE occurrence SET due_until = due_at WHERE id = 2",
    )
    found = verdict.as_json()
    assert found["missing"] == ["it: 2026-03-02T13:00:00Z has no row"]
    assert len(found["unexpected"]) == 1


def test_it_finds_a_stretch_that_counts_wrongly(daemon: ManualDaemon) -> None:
    verdict = spoil(daemon, "UPDATE occurrence SET due_count = 3 WHERE id = 1")
    (sentence,) = verdict.as_json()["unexpected"]
    assert "answers for 3 instants" in sentence


def test_it_judges_from_the_instant_that_it_is_given(daemon: ManualDaemon) -> None:
    spoil(daemon, "DELETE FROM occurrence WHERE due_at = '2026-03-02 12:00:00.000000'")
    assert verify(daemon.database, at("12:30"), daemon.clock).as_json()["expected"] == 3


def test_it_names_a_hundred_problems_and_counts_the_rest(world: World) -> None:
    daemon = world.start("* * * * *")
    daemon.advance(hours=3)
    world.daemon = None
    verdict = spoil(daemon, "DELETE FROM occurrence")
    assert len(verdict.as_json()["missing"]) == 100
    assert verdict.accounts[0].problems == 181


def test_it_counts_what_is_due_and_not_yet_looked_at_as_pending(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.stop()
    daemon.clock.advance(hours=2)
    assert verify(daemon.database, clock=daemon.clock).as_json()["pending"] == 2
    daemon.start()


def test_it_counts_long_stretches_without_walking_them(world: World) -> None:
    daemon = world.start("every second", now=at("12:10"))
    daemon.stop()
    daemon.clock.advance(days=365)
    daemon.start()
    daemon.run_due()
    account = verify(daemon.database, clock=daemon.clock).as_json()
    assert account["ok"]
    assert account["skipped"] > 365 * 86_400 - 120


def test_it_holds_across_changes_of_the_definition(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    for cron in ("*/7 * * * *", "every 90 seconds", "0 3 * * *", "*/20 * * * *"):
        daemon.advance(minutes=47)
        daemon.stop()
        daemon.clock.advance(minutes=31)
        daemon.start(Registry.of([world.schedule(cron)], collecting.jobs()))
    daemon.advance(hours=1)
    assert verify(daemon.database, clock=daemon.clock).ok


def test_it_holds_when_a_clock_that_ran_ahead_meets_a_new_definition(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.advance(hours=3)
    daemon.stop()
    daemon.clock.step(hours=-2)
    daemon.start(Registry.of([world.schedule("20 * * * *")], collecting.jobs()))
    daemon.advance(hours=3)
    assert verify(daemon.database, clock=daemon.clock).ok
