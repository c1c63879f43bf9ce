"""Threads that sleep, and what wakes them: others of this process, or a file that is written to."""

import ctypes
import os
import select
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

IN_MODIFY, IN_IGNORED = 0x2, 0x8000
EVENT = struct.Struct("iIII")
"""inotify(7): watch, mask, cookie, length of a name; which a watch of a single file has not."""


class Wakeup:
    """Lets a thread sleep, and anybody wake it: a pipe, as a signal handler may only do little."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def set(self) -> None:
        """Wake the sleeper, or keep it from falling asleep. From anywhere, signal handlers too."""
        with suppress(OSError):  # full: it will wake anyhow; or closed
            os.write(self._write, b"!")

    def wait(self, seconds: float) -> bool:
        """Sleep for so long at most; whether somebody woke us."""
        return bool(self._wait(seconds, self._read))

    def _wait(self, seconds: float, *ends: int) -> list[int]:
        """Which of these have something to read; it is read."""
        waiting = select.poll()  # unlike select.select, it knows descriptors above 1023
        for end in ends:
            waiting.register(end, select.POLLIN)
        ready = [end for end, _ in waiting.poll(max(0.0, seconds) * 1000)]
        for end in ready:
            with suppress(BlockingIOError):
                while told := os.read(end, 4096):
                    self._heed(end, told)
        return ready

    def _heed(self, end: int, told: bytes) -> None:
        """Something was read from one of our ends."""

    def close(self) -> None:
        """Nobody sleeps any more. Their numbers may soon be those of other files: forget them first."""
        ends = self._read, self._write
        self._read = self._write = -1
        for end in ends:
            os.close(end)


class Bell(Wakeup):
    """Wakes a thread also when a file is written to: where the kernel tells that (Linux), nobody need look.

    It may ring too soon, too often, or, where the kernel tells of nothing, never.
    """

    def __init__(self, file: Path | None) -> None:
        super().__init__()
        self._file = file
        self._inotify = -1 if file is None else _inotify()
        self._watches = False
        self._sleeps = False

    @property
    def hears(self) -> bool:
        """Whether it is told of the file."""
        return self._watches

    def wake(self) -> None:
        """Wake the sleeper, if it sleeps. Costs nothing if it does not."""
        if self._sleeps:
            self.set()

    def sleep_while(self, idle: Callable[[], bool], seconds: float) -> bool:
        """Sleep for so long at most, unless it is not so; whether something woke us.

        Whoever makes it not so calls `wake` after that: we say that we sleep before we ask.
        """
        self._sleeps = True
        try:
            return idle() and self.wait(seconds)
        finally:
            self._sleeps = False

    def wait(self, seconds: float) -> bool:
        """Sleep for so long at most; whether somebody woke us, or the file was written to."""
        if self._inotify < 0 or self._file is None:
            return super().wait(seconds)
        self._watches = self._watches or _watch(self._inotify, self._file)
        return bool(self._wait(seconds, self._read, self._inotify))

    def _heed(self, end: int, told: bytes) -> None:
        if end == self._inotify and any(mask & IN_IGNORED for _, mask, _, _ in EVENT.iter_unpack(told)):
            self._watches = False

    def close(self) -> None:
        super().close()
        if self._inotify >= 0:
            os.close(self._inotify)
            self._inotify = -1


@cache
def _libc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "inotify_init1") else None


def _inotify() -> int:
    """A descriptor that tells of files; -1 if there is none to be had."""
    libc = _libc()
    return -1 if libc is None else int(libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))


def _watch(inotify: int, file: Path) -> bool:
    libc = _libc()
    return libc is not None and libc.inotify_add_watch(inotify, os.fsencode(file), IN_MODIFY) >= 0
