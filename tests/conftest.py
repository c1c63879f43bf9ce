"""Fixtures that many tests share."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduled import collecting
from scheduled.definitions import Schedule, job
from scheduled.registry import Registry
from scheduled.settings import Settings
from scheduled.testing import ManualDaemon
from tests.law import assert_lawful

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_jobs() -> Iterator[None]:
    """Jobs that a test decorates count in that test alone."""
    before = collecting.jobs_so_far()
    yield
    collecting.restore(before)


class World:
    """One application in one test: its definitions, its daemon, and what its jobs did."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self.daemon: ManualDaemon | None = None

    def job(self, name: str = "work", body: Callable[..., Any] | None = None, **options: Any) -> None:
        """Define a job; without a body it only notes that it was called."""

        def work() -> Any:
            self.called.append(name)
            return body() if body is not None else None

        job(name=name, **options)(work)

    def taking(self, name: str = "work", **duration: float) -> None:
        """Define a job that takes so long."""
        self.job(name, lambda: self.crank.clock.advance(**duration), timeout=1_000_000)

    def start(
        self, cron: str = "0 * * * *", *, now: datetime = NOON, grace: float = 60, **options: Any
    ) -> ManualDaemon:
        """Start a daemon with one schedule, `it`, that is enabled."""
        return self.start_with(self.schedule(cron, **options), now=now, grace=grace)

    def start_with(self, *schedules: Schedule, now: datetime = NOON, grace: float = 60) -> ManualDaemon:
        settings = Settings(missed_grace_ms=int(grace * 1000))
        self.daemon = ManualDaemon(self.registry(*schedules), now=now, settings=settings)
        return self.daemon

    def schedule(self, cron: str = "0 * * * *", id: str = "it", **options: Any) -> Schedule:
        given: dict[str, Any] = {"enabled_by_default": True, "name": id} | options
        return Schedule(id=id, cron=cron, **given)

    def registry(self, *schedules: Schedule) -> Registry:
        if not collecting.jobs():
            self.job()
        return Registry.of(schedules)

    @property
    def crank(self) -> ManualDaemon:
        assert self.daemon is not None
        return self.daemon


@pytest.fixture
def world() -> Iterator[World]:
    """At the end the ledger must be lawful, whatever the test did."""
    made = World()
    yield made
    if made.daemon is not None:
        assert_lawful(made.daemon)
        made.daemon.close()


def at(text: str) -> datetime:
    """An instant of the day on which these tests happen: at("12:30") or at("12:30:15")."""
    hour, minute, *second = (int(part) for part in text.split(":"))
    return NOON.replace(hour=hour, minute=minute, second=second[0] if second else 0)


def days(count: float) -> timedelta:
    return timedelta(days=count)
