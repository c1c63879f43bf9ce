"""What runs first, what is recorded at once, and when to wake next."""

from typing import Any

import pytest

from scheduled.definitions import Schedule
from scheduled.missed_runs import Busy
from scheduled.planner import Mark, Plan, Waiting, plan
from scheduled.words import Trigger
from tests.plan_support import at, clock, hourly, planned, ran, rows, runs, spans, waits

ALIVE = spans("00:00-23:59")


def schedules(**crons: str) -> dict[str, Schedule]:
    return {name: Schedule(name, name, cron=cron) for name, cron in crons.items()}


def mark(of: str, since: str | None, *waiting: Waiting, locked: bool = False) -> Mark:
    return Mark(of, at(since) if since else None, locked, waiting)


def planned_of(known: dict[str, Schedule], marks: list[Mark], now: str, **options: Any) -> Plan:
    return plan(known, marks, ALIVE, {}, at(now), **options)


def order(made: Plan) -> list[str]:
    return [f"{start.schedule_id} {run}" for start, run in zip(made.starts, runs(made), strict=True)]


def woken(made: Plan) -> str | None:
    return None if made.wake_at is None else clock(made.wake_at)


TWO = schedules(a="0 * * * *", b="30 * * * *")


def test_it_runs_what_was_due_first_first() -> None:
    made = planned_of(TWO, [mark("a", "04:00"), mark("b", "03:30")], "04:10")
    assert order(made) == ["b 03:30 CRON", "a 04:00 CRON"]


def test_it_runs_requests_first_in_the_order_of_asking() -> None:
    marks = [
        mark("a", "04:00"),
        mark("b", None, waits(8, "01:00", Trigger.API, "b")),
        mark("c", None, waits(7, "03:00", Trigger.MANUAL, "c")),
    ]
    made = planned_of(TWO | schedules(c="@daily"), marks, "04:10")
    assert order(made) == ["c #7 MANUAL", "b #8 API", "a 04:00 CRON"]


def test_it_runs_what_was_due_at_once_in_the_order_of_the_definitions() -> None:
    same = schedules(b="@hourly", c="@hourly", a="@hourly")
    made = planned_of(same, [mark("a", "04:00"), mark("c", "04:00"), mark("b", "04:00")], "04:10")
    assert order(made) == ["b 04:00 CRON", "c 04:00 CRON", "a 04:00 CRON"]


def test_it_catches_up_last() -> None:
    marks = [mark("a", None, waits(1, "01:00", of="a")), mark("b", "03:30")]
    assert order(planned_of(TWO, marks, "03:40")) == ["b 03:30 CRON", "a #1 CATCH_UP"]


def test_it_goes_on_with_an_interrupted_run_before_what_was_due_later() -> None:
    made = planned(hourly(), "03:00", "03:10", waiting=[waits(5, "02:00", Trigger.CRON)])
    assert (runs(made), rows(made)) == (["#5 CRON"], ["03:00 CRON"])
    assert made.records


def test_it_starts_one_of_each_schedule_only() -> None:
    waiting = [waits(number, "01:00", Trigger.MANUAL) for number in (3, 1, 2)]
    assert runs(planned(hourly(), "04:00", "03:10", waiting=waiting)) == ["#1 MANUAL"]
    assert runs(planned(hourly(), "03:00", "03:10", waiting=waiting)) == ["#1 MANUAL"]


def test_it_leaves_what_is_due_to_the_turn_after_a_request() -> None:
    """A request moves no frontier: what is due meanwhile is late, and the newest of it will run."""
    made = planned(hourly(), "03:00", "03:10", waiting=[waits(1, "03:05", Trigger.MANUAL)])
    assert (runs(made), made.records) == (["#1 MANUAL"], ())


def test_it_records_what_does_not_run_before_a_request() -> None:
    waiting = [waits(1, "03:05", Trigger.MANUAL)]
    made = planned(hourly(), "03:00", "03:10", waiting=waiting, busy=[ran("02:00-03:10")])
    assert (runs(made), rows(made)) == (["#1 MANUAL"], ["03:00 overlap"])


def test_it_records_at_once_what_does_not_run() -> None:
    made = planned(hourly(), "03:00", "03:10", busy=[ran("02:00-03:10")])
    (record,) = made.records
    assert (record.planned_from, record.next_run_at) == (at("03:00"), at("04:00"))


def test_it_records_what_runs_with_its_start() -> None:
    made = planned(hourly(), "03:00", "03:10")
    (start,) = made.starts
    assert made.records == ()
    assert start.record is not None
    assert start.entry is start.record.entries[-1]
    assert (start.record.planned_from, start.record.next_run_at) == (at("03:00"), at("04:00"))


def test_it_runs_requests_of_a_disabled_schedule() -> None:
    made = planned(hourly(), None, "03:10", waiting=[waits(1, "03:05", Trigger.MANUAL)])
    assert (runs(made), made.records, made.wake_at) == (["#1 MANUAL"], (), None)


@pytest.mark.parametrize("now", ["02:50", "03:10"])
def test_it_leaves_a_locked_schedule_alone(now: str) -> None:
    waiting = [waits(1, "01:00", Trigger.MANUAL), waits(2, "01:00")]
    made = planned(hourly(start_deadline=60), "03:00", now, waiting=waiting, locked=True)
    assert (made.starts, made.records, made.expiries) == ((), (), ())


def test_it_leaves_alone_what_the_caller_may_not_run() -> None:
    made = planned_of({}, [mark("a", "03:00", waits(1, "02:00")), mark("b", "05:00")], "03:10")
    assert made == Plan()


def test_it_wakes_for_the_next_instant_of_any_schedule() -> None:
    marks = [mark("a", "03:00"), mark("b", "03:30"), mark("c", None)]
    assert woken(planned_of(TWO | schedules(c="* * * * *"), marks, "03:10")) == "03:30"
    assert woken(planned_of(TWO, marks[:1], "03:10")) == "04:00"


def test_it_wakes_for_a_locked_one_too() -> None:
    assert woken(planned_of(TWO, [mark("b", "03:30", locked=True)], "03:10")) == "03:30"


def test_it_need_not_wake_for_nothing() -> None:
    assert planned_of(TWO, [], "03:10") == Plan()


def test_it_wakes_after_now_when_it_is_exactly_due() -> None:
    assert woken(planned(hourly(), "03:00", "03:00")) == "04:00"


def test_it_goes_on_when_the_planning_of_one_schedule_fails() -> None:
    broken = hourly()
    object.__setattr__(broken, "missed_grace", "long")
    made = planned_of({**TWO, "it": broken}, [mark("it", "03:00"), mark("a", "03:00")], "03:10")
    assert order(made) == ["a 03:00 CRON"]
    assert [faulty.schedule_id for faulty in made.faulty] == ["it"]
    assert "TypeError" in made.faulty[0].message


def test_it_knows_when_schedules_were_busy_by_their_id() -> None:
    run = ran("02:00-03:10")
    busy: dict[str, list[Busy]] = {"a": [run]}
    made = plan(TWO, [mark("a", "03:00"), mark("b", "02:30")], ALIVE, busy, at("03:10"))
    assert order(made) == ["b 02:30 CRON"]
