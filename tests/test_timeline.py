"""A stretch of time as lanes: what ran, what was skipped and why, when nobody lived, and what is coming."""

from datetime import timedelta
from typing import Any

import pytest

from scheduled.errors import UsageError
from scheduled.store.searching import Sought, find_schedules
from scheduled.timeline import timeline
from tests.conftest import World, at


def drawn(world: World, since: str, until: str, **options: Any) -> dict[str, Any]:
    database = world.crank.database
    rows = find_schedules(database, Sought(), 100)
    return timeline(database, rows, at(since), at(until), world.crank.clock.now(), **options)


def lane(world: World, since: str, until: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = drawn(world, since, until, **options)["lanes"][0]
    return found


def test_it_shows_occurrences_with_their_real_length(world: World) -> None:
    world.taking(minutes=20)
    world.start("0 * * * *").advance(hours=1)
    [bar] = lane(world, "12:30", "14:00")["occurrences"]
    assert (bar["started_at"], bar["finished_at"]) == (at("13:00"), at("13:20"))


def test_it_tells_how_long_they_take_as_a_rule(world: World) -> None:
    world.taking(minutes=20)
    world.start("0 * * * *").advance(hours=1)
    assert lane(world, "13:30", "14:30")["median_ms"] == 20 * 60_000


def test_it_shows_what_is_coming(world: World) -> None:
    world.start("0 * * * *")
    found = lane(world, "12:00", "15:00")
    assert (found["coming"], found["coming_count"]) == ([at("13:00"), at("14:00")], 2)


def test_it_tells_few_of_what_comes_often_and_how_many_there_are(world: World) -> None:
    world.start("* * * * *")
    found = lane(world, "12:00", "23:00", most=3)
    assert (len(found["coming"]), found["coming_count"]) == (3, 11 * 60 - 1)


@pytest.mark.parametrize("off", ["disable", "enable"])
def test_nothing_comes_while_it_is_off(world: World, off: str) -> None:
    getattr(world.start("0 * * * *"), off)("it")
    assert bool(lane(world, "12:00", "15:00")["coming"]) == (off == "enable")


def test_it_shows_when_no_daemon_lived_and_what_was_skipped_for_it(world: World) -> None:
    crank = world.start("0 * * * *")
    crank.advance(hours=1)
    crank.down(hours=3)
    crank.start()
    crank.run_due()
    found = drawn(world, "12:00", "20:00")
    assert found["downtime"] == [{"since": at("13:00"), "until": at("16:00")}]
    [stretch] = found["lanes"][0]["skipped"]
    assert (stretch["due_at"], stretch["due_until"], stretch["reason"]) == (
        at("14:00"),
        at("15:00"),
        "daemon_down",
    )


def test_before_the_first_daemon_there_was_no_downtime(world: World) -> None:
    world.start("0 * * * *")
    assert drawn(world, "02:00", "20:00")["downtime"] == []


def test_it_shows_a_stretch_that_began_before(world: World) -> None:
    crank = world.start("0 * * * *")
    crank.down(hours=5)
    crank.start()
    crank.run_due()
    assert len(lane(world, "14:30", "15:30")["skipped"]) == 1


def test_it_shows_what_was_due_before_and_ran_later(world: World) -> None:
    crank = world.start("0 * * * *", missed="run_all")
    crank.down(hours=5, minutes=30)
    crank.start()
    crank.run_due()
    assert len(lane(world, "17:15", "17:45")["occurrences"]) == 6


def test_it_shows_what_waits_since_long(world: World) -> None:
    crank = world.start("0 * * * *")
    crank.commands.trigger("it")
    crank.clock.advance(hours=2)
    [bar] = lane(world, "13:30", "14:30")["occurrences"]
    assert bar["status"] == "QUEUED"


def test_it_bundles_what_is_too_much_to_show_one_by_one(world: World) -> None:
    world.start("* * * * *").advance(hours=2)
    found = lane(world, "12:00", "14:30", most=5)
    assert found["occurrences"] == []
    assert [(bundle["count"], bundle["statuses"]) for bundle in found["bundles"]] == [
        (count, {"COMPLETED": count}) for count in (30, 30, 30, 30, 1)
    ]
    assert found["bundles"][0]["since"] == at("12:00")
    assert found["bundles"][0]["until"] == at("12:29")


@pytest.mark.parametrize("until", ["11:00", "12:00"])
def test_it_refuses_a_window_that_is_none(world: World, until: str) -> None:
    world.start()
    with pytest.raises(UsageError, match="ends before it begins"):
        drawn(world, "12:00", until)


def test_it_refuses_a_window_of_ages(world: World) -> None:
    now = world.start().clock.now()
    with pytest.raises(UsageError, match="a year at most"):
        timeline(world.crank.database, [], now - timedelta(days=400), now, now)


def test_it_shows_nothing_of_no_schedules(world: World) -> None:
    now = world.start().clock.now()
    found = timeline(world.crank.database, [], now, now + timedelta(days=1), now)
    assert found["lanes"] == []


def test_each_outcome_of_a_bundle_has_its_own_span_and_reasons(world: World) -> None:
    world.start("* * * * *").advance(minutes=10)
    world.crank.down(minutes=20)
    world.crank.advance(minutes=60)
    bundles = lane(world, "12:00", "13:30", most=5)["bundles"]
    spans = [span for bundle in bundles for status, span in bundle["spans"].items() if status == "SKIPPED"]
    assert spans[0]["reasons"] == ["daemon_down"]
    assert spans[0]["since"] == at("12:11")
    assert all(span["since"] <= span["until"] and span["reasons"] for span in spans)
