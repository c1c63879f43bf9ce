"""Retries: each attempt is a row, with a backoff between them."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.conftest import World, at


def failing(world: World, times: int, **options: Any) -> None:
    left = iter(range(times))

    def fails() -> None:
        if next(left, None) is not None:
            raise ValueError("not yet")

    world.job("work", fails, **options)


def test_it_tries_again_until_it_succeeds(world: World) -> None:
    failing(world, 2, retries=3)
    daemon = world.start("0 * * * *")
    daemon.run_due()
    assert [(run["attempt"], run["status"]) for run in daemon.runs()] == [
        (1, "FAILED"),
        (2, "FAILED"),
        (3, "COMPLETED"),
    ]
    assert daemon.ledger("it")[0].status == "COMPLETED"


def test_it_gives_up_after_its_retries(world: World) -> None:
    failing(world, 9, retries=1)
    daemon = world.start("0 * * * *")
    daemon.run_due()
    assert [run["status"] for run in daemon.runs()] == ["FAILED", "FAILED"]
    assert daemon.ledger("it")[0].status == "FAILED"


@pytest.mark.parametrize(
    ("options", "pauses"),
    [
        ({}, [1, 2, 4, 8, 10, 10]),
        ({"retry_backoff": 0.5, "retry_backoff_max": 3}, [0.5, 1, 2, 3, 3, 3]),
        ({"retry_backoff": timedelta(minutes=1), "retry_backoff_max": timedelta(minutes=1)}, [60] * 6),
    ],
)
def test_it_waits_longer_each_time(world: World, options: dict[str, object], pauses: list[float]) -> None:
    failing(world, 9, retries=6, **options)
    daemon = world.start("0 * * * *")
    daemon.run_due()
    started = [run["started_at"] for run in daemon.runs()]
    waited = [(b - a).total_seconds() for a, b in pairwise(started)]
    assert waited == pauses


def test_the_next_attempt_is_queued_during_the_backoff(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(world, 1, retries=1)
    daemon = world.start("0 * * * *")
    seen: list[str] = []

    def look(_wait: object, seconds: float) -> None:
        seen.append(daemon.runs()[-1]["status"])
        daemon.clock.advance(seconds=seconds)

    monkeypatch.setattr(daemon.clock, "wait", look)
    daemon.run_due()
    assert seen == ["QUEUED"]


def test_a_job_that_skips_itself_is_not_retried(world: World) -> None:
    from scheduled import SkipJob

    def skips() -> None:
        raise SkipJob("no session for shop")

    world.job("work", skips, retries=3)
    daemon = world.start("0 * * * *")
    daemon.run_due()
    (run,) = daemon.runs()
    assert (run["status"], run["reason"], run["error_message"]) == (
        "SKIPPED",
        "skipped_by_job",
        "no session for shop",
    )
    assert daemon.ledger("it")[0].status == "COMPLETED"


def test_a_stop_during_the_backoff_ends_the_occurrence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(world, 9, retries=3)
    daemon = world.start("0 * * * *")
    monkeypatch.setattr(daemon.clock, "wait", lambda wait, seconds: daemon.parts.control.stop())
    daemon.parts.engine.step()
    assert [run["status"] for run in daemon.runs()] == ["FAILED", "SKIPPED"]
    assert daemon.ledger("it")[0].status == "INTERRUPTED"


def test_a_retry_waits_at_its_due_instant(world: World) -> None:
    failing(world, 1, retries=1)
    daemon = world.start("0 * * * *")
    daemon.run_due()
    assert daemon.ledger("it")[0].due_at == at("12:00")
