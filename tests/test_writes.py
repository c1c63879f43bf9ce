"""The writes of one commit: all of them, or none; and on PostgreSQL by one statement."""

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import text

from scheduled.errors import DuplicateError
from scheduled.store import ledger, runs, schedules
from scheduled.store.held import Held
from scheduled.store.statements import Write
from scheduled.words import Status, Trigger
from tests.conftest import World, at

NOW: datetime = at("13:00")


@pytest.fixture
def held(world: World) -> Iterator[Held]:
    """A connection to a database that knows the schedule `it`."""
    world.start("0 * * * *", now=at("12:10"))
    with world.crank.database.hold() as connection:
        yield connection


def counted(skipped: int = 1, schedule_id: str = "it") -> Write:
    return Write(ledger.ADD_SKIPPED, {"the_id": schedule_id, "skipped": skipped})


def occurrence(key: str | None = None) -> Write:
    values = {"schedule_id": "it", "due_at": NOW, "due_until": NOW, "unique_key": key}
    kind = {"trigger": Trigger.MANUAL, "status": Status.SKIPPED, "finished_at": NOW}
    return Write(ledger.ADD_OCCURRENCE, {**values, **kind})


def attempt(number: int = 1) -> Write:
    values = {"schedule_id": "it", "job_name": "work", "attempt": number, "queued_at": NOW}
    kind = {"trigger": Trigger.MANUAL, "status": Status.SKIPPED, "finished_at": NOW}
    return Write(runs.ADD_RUN, {**values, **kind}, of="occurrence_id")


def event(name: str) -> Write:
    values = {"schedule_id": "it", "at": NOW, "event": name, "actor": "me", "reason": None, "data": None}
    return Write(schedules.ADD_EVENT, values)


def left(world: World) -> dict[str, Any]:
    """What stands in the database; not what was there from the beginning."""
    daemon = world.crank
    return {
        "skipped": daemon.schedule("it")["skipped_count"],
        "occurrences": [row.id for row in daemon.ledger("it")],
        "runs": [(run["id"], run["occurrence_id"]) for run in daemon.runs()],
        "events": [line["event"] for line in daemon.history_of("it")[1:]],
    }


NOTHING = {"skipped": 0, "occurrences": [], "runs": [], "events": []}


@pytest.fixture
def tidy(world: World) -> Iterator[None]:
    """What a test writes here is no ledger: it is gone before that is judged."""
    yield
    with world.crank.database.writing() as connection:
        for table in ("job_run", "occurrence"):
            connection.execute(text(f"DELETE FROM {table}"))
        connection.execute(text("UPDATE job_schedule SET skipped_count = 0"))


pytestmark = pytest.mark.usefixtures("tidy")


def test_all_of_them_are_made(world: World, held: Held) -> None:
    added = held.write(counted(), occurrence(), attempt(), event("seen"))
    assert left(world) == {"skipped": 1, "occurrences": [1], "runs": [(1, 1)], "events": ["seen"]}
    assert added is not None
    assert added[:3] == [0, 1, 1]


def test_none_is_made_unless_the_first_changes_a_row(world: World, held: Held) -> None:
    assert held.write(counted(schedule_id="other"), occurrence(), attempt(), event("seen")) is None
    assert left(world) == NOTHING


def test_none_is_made_if_one_cannot_be(world: World, held: Held) -> None:
    held.write(counted(), occurrence("once"))
    with pytest.raises(DuplicateError):
        held.write(counted(), event("seen"), occurrence("once"), attempt())
    assert left(world) == NOTHING | {"skipped": 1, "occurrences": [1]}


def test_several_of_a_kind_are_made_in_their_order(world: World, held: Held) -> None:
    writes = (counted(), occurrence(), attempt(), event("one"), occurrence(), attempt(), event("two"))
    added = held.write(*writes)
    assert left(world) == {
        "skipped": 1,
        "occurrences": [1, 2],
        "runs": [(1, 1), (2, 2)],
        "events": ["one", "two"],
    }
    assert added is not None
    assert added[4:6] == [2, 2]


def test_they_are_part_of_a_transaction_around_them(world: World, held: Held) -> None:
    with pytest.raises(DuplicateError), held.transaction():  # noqa: PT012 - two of one
        held.write(counted(), occurrence("once"), attempt())
        held.make(occurrence("once"))
    assert left(world) == NOTHING


@pytest.mark.only_on("postgresql", "mysql", why="there one writer waits for the other from the beginning")
def test_a_row_that_somebody_else_changes_meanwhile_is_changed_after_him(world: World, held: Held) -> None:
    """As a lease that is renewed while the lock is given back."""
    with world.crank.database.hold() as other:
        late = threading.Thread(target=lambda: held.write(event_fence(held), counted(), event("seen")))
        with other.transaction():
            other.make(counted(skipped=5))
            late.start()
            late.join(0.2)
            assert late.is_alive()
        late.join()
    assert left(world)["skipped"] == 6


def event_fence(held: Held) -> Write:
    """A write that changes a row of its own."""
    added = held.insert(ledger.ADD_OCCURRENCE, **occurrence().values)
    return Write(schedules.SHORTEN, {"the_id": added, "due_until": NOW, "due_count": 1})
