"""A crowd of due schedules is planned once; and again as soon as the plan may be wrong."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled.agenda import FRESH, Agenda
from scheduled.planner import Plan, Start, plan
from scheduled.words import Trigger
from tests.conftest import NOON, World, at

SECOND = timedelta(seconds=1)


def starts(*names: str, trigger: Trigger = Trigger.CRON) -> tuple[Start, ...]:
    return tuple(Start(name, NOON, trigger) for name in names)


@pytest.fixture
def made(world: World) -> Callable[..., Agenda]:
    def make(plan: Plan, newest_waiting: int = 7, **options: Any) -> Agenda:
        known = {start.schedule_id: world.schedule(id=start.schedule_id, **options) for start in plan.starts}
        return Agenda.of(plan, known, newest_waiting, NOON)

    return make


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many marks each plan was made from."""
    seen: list[int] = []

    def counted(*arguments: Any, **named: Any) -> Plan:
        made = plan(*arguments, **named)
        seen.append(len(made.starts))
        return made

    monkeypatch.setattr("scheduled.engine.plan", counted)
    return seen


def test_it_is_good_for_a_moment(made: Callable[..., Agenda]) -> None:
    agenda = made(Plan(starts=starts("a")))
    assert agenda.good(7, NOON)
    assert not agenda.good(7, NOON + FRESH)


def test_it_is_no_good_when_a_request_was_added(made: Callable[..., Agenda]) -> None:
    assert not made(Plan(starts=starts("a"))).good(8, NOON)


def test_it_is_no_good_when_the_clock_was_set_back(made: Callable[..., Agenda]) -> None:
    assert not made(Plan(starts=starts("a"))).good(7, NOON - SECOND)


def test_it_is_no_good_from_the_next_due_instant_on(made: Callable[..., Agenda]) -> None:
    agenda = made(Plan(starts=starts("a"), wake_at=NOON + SECOND / 2))
    assert [agenda.good(7, NOON + SECOND * part) for part in (0.4, 0.5)] == [True, False]


def test_it_is_no_good_when_a_start_has_passed_its_deadline(made: Callable[..., Agenda]) -> None:
    agenda = made(Plan(starts=starts("a")), start_deadline=0.2)
    assert [agenda.good(7, NOON + SECOND * part) for part in (0.1, 0.2)] == [True, False]


def test_it_is_no_good_when_nothing_is_left(made: Callable[..., Agenda]) -> None:
    agenda = made(Plan(starts=starts("a", "b")))
    assert [start.schedule_id for start in agenda.take()] == ["a", "b"]
    assert not agenda.good(7, NOON)


def test_a_request_may_have_another_behind_it(made: Callable[..., Agenda]) -> None:
    agenda = made(Plan(starts=(*starts("a", trigger=Trigger.MANUAL), *starts("b"))))
    agenda.began(next(agenda.take()))
    assert not agenda.good(7, NOON)


@given(st.integers(0, 20), st.integers(0, 20))
def test_it_gives_each_start_once_and_in_order(count: int, taken: int) -> None:
    agenda = Agenda.of(Plan(), {}, 0, NOON)
    agenda._starts.extend(starts(*map(str, range(count))))
    first = [start.schedule_id for _, start in zip(range(taken), agenda.take(), strict=False)]
    assert first + [start.schedule_id for start in agenda.take()] == list(map(str, range(count)))


def test_a_crowd_is_planned_once(world: World, planned: list[int]) -> None:
    world.start_with(*(world.schedule(id=f"schedule-{number}") for number in range(20)))
    world.crank.advance_to(at("12:30"))
    assert len(world.called) == 20
    assert planned.count(20) == 1
    assert len(planned) < 5


def test_a_request_is_not_kept_waiting_by_a_crowd(world: World) -> None:
    world.job("one", lambda: world.crank.trigger("c", "two") if len(world.called) == 1 else None)
    world.job("two")
    world.start_with(*(world.schedule(id=name, mode="JOBS", jobs=["one"]) for name in "ab"),
                     world.schedule("@yearly", id="c"))  # fmt: skip
    world.crank.advance(minutes=1)
    assert world.called == ["one", "two", "one"]
