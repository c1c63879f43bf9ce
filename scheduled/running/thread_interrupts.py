"""Interrupts job code that runs on a thread other than the main one, at that thread's next bytecode.

Signals reach the main thread alone. With any other thread one may leave an exception, which it raises as soon
as it gets to its next bytecode: so not within a call that blocks, but after it. Nobody looks at the stack
there, as the handler of a signal does; what keeps the exception from ever hitting our own code is this:

1. One is left only while job code is armed and not within `held`; who leaves one says so before they look.
2. Who disarms or enters `held` does so first, then waits for whoever is about to leave one, and then takes
   back what was left and not raised. From then on there is none, and none will come.
"""

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import repeat
from operator import attrgetter, itemgetter
from threading import get_ident
from types import FrameType, TracebackType

from scheduled.running.interrupts import FRAGILE, Attempt, Hold, Interrupt, Interrupter, T

_leave_with = ctypes.pythonapi.PyThreadState_SetAsyncExc
_leave_with.argtypes = (ctypes.c_ulong, ctypes.py_object)
_leave_with.restype = ctypes.c_int
NOTHING = ctypes.py_object()
NOBODY = 0
"""No thread has this number."""
SPINS_WHEN_TRACED = sys.version_info < (3, 12)
"""Up to Python 3.11 a thread that a debugger or coverage traces comes to no function as long as an exception
waits for another thread; which for one that blocks may be long."""
WINDOW_SECONDS = 0.05
"""How long an exception waits then; each tick leaves another."""


class _TakenBack(BaseException):
    """What replaces an exception that was left, and is raised and caught at once.

    To leave NOTHING in its place would not do: the interpreter would look for it ever after, at every turn.
    """


class _ThreadHold(Hold):
    """`with interrupter.held:` on the thread that runs the job; on others it does nothing."""

    def __init__(self, interrupter: "ThreadInterrupter") -> None:
        super().__init__(interrupter)
        self._on_thread = interrupter

    def __enter__(self) -> None:
        if get_ident() != self._on_thread.thread:
            return
        try:
            self.depth += 1
            self._on_thread.take_back()
        except Interrupt:  # it came at the last moment, and the block is not entered
            self.depth -= 1
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if get_ident() == self._on_thread.thread:
            self.depth -= 1
            self._on_thread.raise_if_due()


class ThreadInterrupter(Interrupter):
    """Makes job code on the thread that called `install` raise Interrupt, at its next bytecode."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = None
        self.held: Hold = _ThreadHold(self)
        self._leaving = False
        self._one_at_a_time = threading.Lock()

    def install(self) -> None:
        """Job code runs on this thread."""
        self.thread = get_ident()

    def uninstall(self) -> None:
        """No job code runs any more."""
        self.thread = None

    def run(self, body: Callable[[], T]) -> T:
        """Call `body`, and let it be interrupted. Not within another `run`.

        None of our code after this call is ever hit. An Interrupt may still replace the value of a `body`
        that ends at the very moment when it was asked for.
        """
        self.arm()
        attempt = self._attempt
        try:
            return body()
        finally:
            # Two may be on their way: the one that was left, and the one that is being left.
            attempt.armed = False
            try:
                try:
                    self.take_back(surely=True)
                except Interrupt:
                    self.take_back(surely=True)
            except Interrupt:
                self.take_back(surely=True)

    def disarm(self) -> None:
        super().disarm()
        self.take_back(surely=True)

    def take_back(self, *, surely: bool = False) -> None:
        """On the job's thread, once nobody may leave an exception any more: see to it that none is left."""
        if not surely and not self._attempt.wanted and not self._leaving:
            return
        while self._leaving:
            time.sleep(0)
        try:
            _leave_with(get_ident(), _TakenBack)
            while True:
                pass
        except _TakenBack:
            return

    def raise_if_due(self, frame: FrameType | None = None) -> None:
        """Raise the Interrupt that is wanted, if it may be raised here."""
        attempt = self._attempt
        if attempt.wanted and attempt.armed and not self.held.depth:
            self.take_back(surely=True)
            attempt.wanted = False
            raise Interrupt(attempt.asked["kind"])

    def _send(self) -> None:
        if get_ident() == self.thread:  # the job itself asks
            self.raise_if_due()
            return
        with self._one_at_a_time:
            self._leaving = True
            try:
                attempt = self._attempt
                if attempt.armed and attempt.wanted and not self.held.depth and self.thread is not None:
                    self._leave(attempt, self.thread)
            finally:
                self._leaving = False

    def _leave(self, attempt: Attempt, thread: int) -> None:
        """Leave an Interrupt with the thread, unless it is where locks are taken by `acquire(); try:`.

        All of it happens in C, in one call of `next`: so the thread has no turn between the look at where it
        is and the deed, and the Interrupt is raised there or before any such place.
        """
        interrupt, traced = _told_of(attempt), threading.gettrace() is not None
        spared: dict[object, int] = {} if attempt.forced else dict.fromkeys(FRAGILE, NOBODY)
        frames = map(itemgetter(thread), iter(sys._current_frames, None))
        modules = map(dict.get, map(attrgetter("f_globals"), frames), repeat("__name__"))
        threads = map(spared.get, modules, repeat(thread))
        with suppress(KeyError):  # the thread is gone
            next(map(_leave_with, threads, repeat(interrupt)))
            if SPINS_WHEN_TRACED and traced:
                time.sleep(WINDOW_SECONDS)
                _leave_with(thread, NOTHING)
                try:  # as in take_back, but no function may be called before that
                    _leave_with(get_ident(), _TakenBack)
                    while True:
                        pass
                except _TakenBack:
                    return


def _told_of(attempt: Attempt) -> type[Interrupt]:
    """The Interrupt as a class, for that is what can be left; its making tells that it was raised."""

    class Raised(Interrupt):
        def __init__(self) -> None:
            attempt.wanted = False
            super().__init__(attempt.asked["kind"])

    Raised.__name__ = Raised.__qualname__ = Interrupt.__qualname__
    return Raised
