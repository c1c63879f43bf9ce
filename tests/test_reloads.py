"""Definitions are checked before they are loaded afresh: one check at a time, and the newest counts."""

import subprocess
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from scheduled.reloads import Reloads
from tests.patience import PATIENCE


class Checks:
    """Checks that take as long as the test wants, and find what it wants."""

    def __init__(self) -> None:
        self.told: list[str | None] = []
        self.over = threading.Event()
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)
        self.finds: Callable[[], SimpleNamespace] = lambda: SimpleNamespace(returncode=0)
        self.reloads = Reloads([], self.tell)

    def tell(self, faults: str | None) -> None:
        self.told.append(faults)
        self.over.set()

    def run(self, *_: object, **__: object) -> SimpleNamespace:
        self.begun.release()
        assert self.may_end.acquire(timeout=PATIENCE)
        return self.finds()

    def begin(self) -> None:
        self.reloads.ask()
        assert self.begun.acquire(timeout=PATIENCE)

    def end(self) -> list[str | None]:
        self.may_end.release()
        assert self.over.wait(PATIENCE)
        return self.told


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    made = Checks()
    monkeypatch.setattr(subprocess, "run", made.run)
    return made


def test_it_tells_that_there_are_no_faults(checks: Checks) -> None:
    checks.begin()
    assert checks.end() == [None]


def test_it_tells_the_faults(checks: Checks) -> None:
    checks.finds = lambda: SimpleNamespace(returncode=1, stdout="two ", stderr="faults\n")
    checks.begin()
    assert checks.end() == ["two faults"]


def test_what_is_asked_meanwhile_is_checked_once_more_and_only_that_counts(checks: Checks) -> None:
    checks.finds = lambda: SimpleNamespace(returncode=len(checks.told), stdout="", stderr="")
    checks.begin()
    for _ in range(10):
        checks.reloads.ask()
    checks.may_end.release()
    assert checks.begun.acquire(timeout=PATIENCE)
    assert checks.told == []
    assert checks.end() == [None]
    assert not checks.begun.acquire(timeout=0.05)


def test_definitions_that_load_for_too_long_are_at_fault(checks: Checks) -> None:
    def too_long() -> SimpleNamespace:
        raise subprocess.TimeoutExpired("check", 120)

    checks.finds = too_long
    checks.begin()
    assert checks.end() == ["they did not load within 120 s"]


def test_a_check_that_cannot_begin_is_told_and_the_next_one_counts(checks: Checks) -> None:
    def no_more_processes() -> SimpleNamespace:
        raise BlockingIOError("no more processes")

    checks.finds = no_more_processes
    checks.begin()
    assert checks.end() == ["they could not be checked: no more processes"]
    checks.over.clear()
    checks.finds = lambda: SimpleNamespace(returncode=0)
    checks.begin()
    assert checks.end()[1:] == [None]
