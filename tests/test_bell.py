"""A thread that sleeps until it is woken, or until a file is written to."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduled.running import wakeup
from scheduled.running.wakeup import Bell

LONG = 20.0
"""Seconds that nobody waits for: the bell rings before."""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of files")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "some.db-wal"
    found.write_bytes(b"")
    return found


@pytest.fixture
def bell(file: Path) -> Iterator[Bell]:
    made = Bell(file)
    made.wait(0)  # from now on it watches
    yield made
    made.close()


def append(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"page")


def always() -> bool:
    return True


def test_it_sleeps_for_as_long_as_nothing_happens(bell: Bell) -> None:
    assert not bell.sleep_while(always, 0.01)


@linux
def test_it_rings_when_the_file_is_written_to(bell: Bell, file: Path) -> None:
    threading.Timer(0.01, append, [file]).start()
    assert bell.sleep_while(always, LONG)


@linux
def test_it_rings_once_for_what_came_while_nobody_slept(bell: Bell, file: Path) -> None:
    for _ in range(3):
        append(file)
    assert bell.sleep_while(always, LONG)
    assert not bell.sleep_while(always, 0)


@linux
def test_it_hears_of_a_file_that_comes_later(tmp_path: Path) -> None:
    late = Bell(tmp_path / "late")
    assert not late.wait(0)
    append(tmp_path / "late")
    late.wait(0)
    assert late.hears
    append(tmp_path / "late")
    assert late.wait(LONG)
    late.close()


@linux
def test_it_hears_of_the_file_that_takes_the_place_of_another(bell: Bell, file: Path) -> None:
    file.unlink()
    bell.wait(LONG)
    append(file)
    bell.wait(0)
    append(file)
    assert bell.wait(LONG)


def test_anybody_wakes_it(bell: Bell) -> None:
    threading.Timer(0.01, bell.wake).start()
    threading.Timer(0.05, bell.wake).start()
    assert bell.sleep_while(always, LONG)


def test_it_does_not_fall_asleep_over_what_has_just_begun(bell: Bell) -> None:
    """Whoever begins something says so first, and then wakes: one of both is heard."""

    def idle() -> bool:
        bell.wake()
        return True

    assert bell.sleep_while(idle, LONG)
    assert not bell.sleep_while(lambda: False, LONG)


def test_to_wake_who_does_not_sleep_does_nothing(bell: Bell) -> None:
    bell.wake()
    assert not bell.wait(0)


def test_without_a_kernel_that_tells_it_only_sleeps(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wakeup, "_libc", lambda: None)
    deaf = Bell(file)
    append(file)
    assert not deaf.wait(0.01)
    assert not deaf.hears
    deaf.set()
    assert deaf.wait(LONG)
    deaf.close()
