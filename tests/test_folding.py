"""How many commits it takes, and that a crash between or within them leaves the ledger whole."""

from typing import Any

import pytest

from scheduled.store.held import Held
from scheduled.testing import ManualDaemon
from tests.commits import before_and_after_commits, nothing
from tests.conftest import World, at


class Killed(BaseException):
    """The process was killed at this statement."""


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each commit."""
    made: list[int] = []
    before_and_after_commits(monkeypatch, nothing, lambda: made.append(1))
    return made


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_n_jobs_cost_n_and_one_commits(world: World, commits: list[int], jobs: int) -> None:
    for number in range(jobs):
        world.job(f"job-{number}")
    daemon = world.start("0 * * * *", now=at("12:59"))
    daemon.clock.advance_to(at("13:00"))
    commits.clear()
    daemon.run_due()
    assert len(commits) == jobs + 1


@pytest.mark.only_on("sqlite", why="there the longer transaction would make others wait")
def test_what_is_due_at_once_is_claimed_as_the_one_before_ends(world: World, commits: list[int]) -> None:
    world.job()
    daemon = world.start_with(*(world.schedule(id=name) for name in "abc"), now=at("12:59"))
    daemon.clock.advance_to(at("13:00"))
    commits.clear()
    daemon.run_due()
    assert len(commits) == 3 + 1
    assert [world.answers(name) for name in "abc"] == [[("COMPLETED", None)]] * 3


def test_each_retry_costs_two_more(world: World, commits: list[int]) -> None:
    failures = iter([True, True])

    def fails_twice() -> None:
        if next(failures, False):
            raise ValueError

    world.job("work", fails_twice, retries=2)
    daemon = world.start("0 * * * *", now=at("12:59"))
    daemon.clock.advance_to(at("13:00"))
    commits.clear()
    daemon.run_due()
    assert len(commits) == 2 + 2 * 2


def crash_at(daemon: ManualDaemon, statement: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run what is due, and be killed before that statement; whether it came so far."""
    left = iter(range(statement))
    execute = Held._execute

    def dies(held: Held, sql: str, parameters: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return execute(held, sql, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(Held, "_execute", dies)
        try:
            daemon.run_due()
        except Killed:
            return True
    return False


@pytest.mark.parametrize("statement", range(70))
def test_a_kill_before_any_statement_of_a_crowd_leaves_the_ledger_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    world.job()
    daemon = world.start_with(*(world.schedule(id=name) for name in "abc"), now=at("12:59"))
    daemon.clock.advance_to(at("13:00"))
    crash_at(daemon, statement, monkeypatch)
    daemon.crash()
    daemon.start()
    daemon.advance(minutes=5)
    answers = [row.status for name in "abc" for row in daemon.ledger(name)]
    assert len(answers) == 3
    assert set(answers) <= {"COMPLETED", "INTERRUPTED"}
    assert answers.count("COMPLETED") >= 2
    assert len(world.called) <= 3


@pytest.mark.parametrize("statement", range(45))
def test_a_kill_before_any_statement_leaves_the_ledger_whole(
    world: World, monkeypatch: pytest.MonkeyPatch, statement: int
) -> None:
    world.job("first")
    world.job("second")
    daemon = world.start("0 * * * *", now=at("10:59"))
    daemon.down(hours=2)
    crash_at(daemon, statement, monkeypatch)
    daemon.crash()
    daemon.start()
    daemon.advance(minutes=5)
    assert sorted(row.status for row in daemon.ledger("it"))[0] in ("COMPLETED", "INTERRUPTED", "SKIPPED")
    assert "RUNNING" not in {row.status for row in daemon.ledger("it")}
    attempts = [(run["occurrence_id"], run["job_name"], run["attempt"]) for run in daemon.runs()]
    assert len(attempts) == len(set(attempts))
    assert daemon.schedule("it")["locked_by"] is None


def test_the_kills_reach_beyond_the_last_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.job("first")
    world.job("second")
    daemon = world.start("0 * * * *", now=at("10:59"))
    daemon.down(hours=2)
    assert not crash_at(daemon, 45, monkeypatch)
