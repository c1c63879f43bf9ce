"""The database is away for a while: the daemon waits, says so, and loses nothing."""

from typing import Any

import pytest

from scheduled.errors import DatabaseUnavailableError
from scheduled.store.held import Held
from scheduled.testing import ManualDaemon
from tests.conftest import World


def away(monkeypatch: pytest.MonkeyPatch, daemon: ManualDaemon, words: str, times: int = 3) -> None:
    """The next statements that have these words in them find no database."""
    execute, left = Held._execute, iter(range(times))

    def unavailable(held: Held, sql: str, parameters: Any) -> Any:
        if words in sql and next(left, None) is not None:
            raise DatabaseUnavailableError("database is locked")
        return execute(held, sql, parameters)

    monkeypatch.setattr(Held, "_execute", unavailable)
    monkeypatch.setattr(daemon.parts.control.wakeup, "wait", lambda seconds: False)


def names(daemon: ManualDaemon) -> list[str]:
    return [event.name for event in daemon.events if event.name.startswith("database")]


@pytest.mark.parametrize("words", ["UPDATE occurrence", "UPDATE job_run", "INSERT INTO job_output"])
def test_it_keeps_an_outcome_until_the_database_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    world.job("work", lambda: {"rows": 3})
    daemon = world.start()
    away(monkeypatch, daemon, words)
    daemon.run_due()
    assert [row.status for row in daemon.ledger("it")] == ["COMPLETED"]
    assert world.called == ["work"]
    assert names(daemon) == ["database.unavailable"] * 3 + ["database.back"]


def test_it_gives_up_when_it_is_told_to_hurry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def hurried() -> None:
        world.crank.parts.control.stopping = world.crank.parts.control.hurried = True

    world.job("work", hurried)
    daemon = world.start()
    away(monkeypatch, daemon, "UPDATE occurrence", times=100)
    with pytest.raises(DatabaseUnavailableError):
        daemon.run_due()
    monkeypatch.undo()
    daemon.crash()
    daemon.start()
    assert [row.status for row in daemon.ledger("it")] == ["INTERRUPTED"]
