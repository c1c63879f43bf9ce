"""Two daemons on one database: no occurrence runs twice."""

import pytest

from scheduled.planner import Start
from scheduled.registry import Registry
from tests.conftest import World, at


class Pair:
    """Two daemons that share a database and a clock."""

    def __init__(self, world: World, url: str, registry: Registry, other: Registry) -> None:
        self.one = world.start_on(url, registry, now=at("12:10"))
        self.two = world.start_on(url, other, now=at("12:10"))
        self.two.clock = self.one.clock
        for daemon in (self.one, self.two):
            daemon.parts.lifeline.pid += id(daemon) % 1000 + 1


@pytest.fixture
def pair(world: World, database_url: str) -> Pair:
    registry = world.registry(world.schedule("0 * * * *"))
    return Pair(world, database_url, registry, registry)


def test_only_one_of_them_runs_an_occurrence(world: World, pair: Pair) -> None:
    pair.one.clock.advance_to(at("13:00"))
    pair.one.run_due()
    pair.two.parts.engine.clock = pair.one.clock
    pair.two.run_due()
    assert world.called == ["work"]


def test_a_plan_that_somebody_overtook_is_made_afresh(world: World, pair: Pair) -> None:
    pair.one.clock.advance_to(at("13:00"))
    engine = pair.two.parts.engine
    start = _planned(pair)
    pair.one.run_due()
    assert engine.holder.claim(engine.held, start, at("13:00")) is None
    assert world.called == ["work"]


def _planned(pair: Pair) -> Start:
    from scheduled.store.marks import situation

    engine = pair.two.parts.engine
    where = situation(engine.held, at("13:00"))
    return engine._plan(where, at("13:00")).starts[0]


def test_a_daemon_with_another_definition_stands_aside(world: World, database_url: str) -> None:
    old, new = world.schedule("0 * * * *"), world.schedule("0 * * * *", description="new")
    pair = Pair(world, database_url, world.registry(old), world.registry(new))
    pair.one.clock.advance_to(at("13:00"))
    pair.one.run_due()
    assert world.called == []
    assert [event.name for event in pair.one.events if "aside" in event.name] == ["schedule.stood_aside"]
    pair.two.parts.engine.clock = pair.one.clock
    pair.two.run_due()
    assert world.called == ["work"]
