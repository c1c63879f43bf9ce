"""A server commits, and the connection breaks before it can say so: what is written again stands already."""

from contextlib import suppress
from typing import Any

import pytest

from scheduled.errors import DatabaseUnavailableError
from tests.commits import before_and_after_commits, nothing
from tests.conftest import World


@pytest.fixture(params=range(1, 6))
def unanswered(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """From when it is `on`, the n-th commit is made, and not answered."""
    state = {"on": False, "left": request.param}

    def say_nothing() -> None:
        if state["on"]:
            state["left"] -= 1
            if state["left"] == 0:
                raise DatabaseUnavailableError("server closed the connection unexpectedly")

    before_and_after_commits(monkeypatch, nothing, say_nothing)
    return state


def test_nothing_runs_twice_and_nothing_is_lost(
    world: World, monkeypatch: pytest.MonkeyPatch, unanswered: dict[str, Any]
) -> None:
    for name in ("first", "second", "third"):
        world.job(name, lambda: {"rows": 3})
    daemon = world.start("10 12 * * *")
    monkeypatch.setattr(daemon.parts.control.wakeup, "wait", lambda seconds: False)
    unanswered["on"] = True
    with suppress(DatabaseUnavailableError):
        daemon.advance(minutes=30)
    unanswered["on"] = False
    daemon.run_due()
    assert world.called == ["first", "second", "third"]
    assert {row.status for row in daemon.ledger("it")} == {"COMPLETED"}
    assert [run["status"] for run in daemon.runs()] == ["COMPLETED"] * 3


def test_a_retry_is_not_made_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, unanswered: dict[str, Any]
) -> None:
    def fail_once() -> None:
        if len(world.called) == 1:
            raise ValueError

    world.job("work", fail_once, retries=1)
    daemon = world.start("10 12 * * *")
    monkeypatch.setattr(daemon.parts.control.wakeup, "wait", lambda seconds: False)
    monkeypatch.setattr(daemon.parts.control, "sleep", lambda seconds: None)
    unanswered["on"] = True
    with suppress(DatabaseUnavailableError):
        daemon.advance(minutes=30)
    unanswered["on"] = False
    daemon.run_due()
    assert [run["status"] for run in daemon.runs()] == ["FAILED", "COMPLETED"]
    assert world.called == ["work", "work"]
