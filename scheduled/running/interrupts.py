"""Interrupts job code that runs on the main thread, even in a blocking call.

Any thread asks; a signal makes the main thread run a handler; the handler raises Interrupt where the job is.
What keeps that from ever hitting the daemon's own code is that the handler looks at the stack: it raises only
while the frame of the body given to `run` is on it. Flags alone cannot do so, because between the body's last
instruction and any `armed = False` there is always room for one more signal.
"""

import signal
import sys
import threading
from collections.abc import Callable
from threading import get_ident
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

REPEAT_SECONDS = 1.0
FRAGILE = frozenset({"logging", "scheduled.logs", "importlib._bootstrap", "coverage.collector"})
"""Modules that take process-wide locks by `acquire(); try:`. An exception in between would leave them held
for good, so an Interrupt does not begin in them unless it has waited for a second."""


class Interrupt(BaseException):
    """Raised in job code that must end now. No Exception, so that few jobs catch it.

    `kind`: 'timeout', 'cancelled', 'shutdown' or 'fenced'.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Attempt:
    """One armed stretch of job code, and what was asked of it. To callers an opaque token."""

    __slots__ = ("armed", "asked", "code", "deadline", "forced", "sent_at", "wanted")

    def __init__(self, deadline: float | None) -> None:
        self.deadline = deadline
        self.code: CodeType | None = None
        self.armed = False
        self.asked: dict[str, str] = {}  # a dict for its atomic setdefault: the first kind wins
        self.wanted = False  # asked, and not yet raised since
        self.forced = False  # has waited long enough: no more regard for FRAGILE
        self.sent_at: float | None = None


class Hold:
    """`with interrupter.held:` around the daemon's own code that job code calls, such as what stores a
    job's output: on the main thread an Interrupt waits until the block is left, and is raised there."""

    def __init__(self, interrupter: "Interrupter") -> None:
        self._interrupter = interrupter
        self.depth = 0

    def __enter__(self) -> None:
        if get_ident() == self._interrupter.thread:
            self.depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if get_ident() == self._interrupter.thread:
            self.depth -= 1
            self._interrupter.raise_if_due()


class Interrupter:
    """Makes job code on the main thread raise Interrupt.

    SIGURG: it exists on Linux and macOS, nothing sends it unasked, and its default is to be ignored, so that
    one too many never kills (SIGUSR1 and SIGUSR2 do, and jobs, gunicorn, nodemon and pm2 use them). Go's
    runtime picked it for the same reasons.
    """

    SIGNAL = signal.SIGURG

    def __init__(self) -> None:
        self.thread = threading.main_thread().ident
        self.held = Hold(self)
        self._attempt = Attempt(None)
        self._deadline: float | None = None
        self._found: Any = None

    def install(self) -> None:
        """Take the signal over. On the main thread only."""
        if self._found is None:
            self.thread = get_ident()
            self._found = signal.signal(self.SIGNAL, self._on_signal) or signal.SIG_DFL

    def uninstall(self) -> None:
        """Give the signal back to whoever had it."""
        if self._found is not None:
            signal.signal(self.SIGNAL, self._found)
            self._found = None

    @property
    def armed(self) -> bool:
        """Whether job code may be interrupted now."""
        return self._attempt.armed

    @property
    def kind(self) -> str | None:
        """What was asked of the armed job, or of the last one, if anything was."""
        return self._attempt.asked.get("kind")

    @property
    def current(self) -> Attempt:
        """The armed (or the last) stretch of job code, for `interrupt(kind, only=...)`."""
        return self._attempt

    def run(self, body: Callable[[], T]) -> T:
        """Call `body`, and let it be interrupted. On the main thread only; not within another `run`.

        An Interrupt is raised only while `body` is on the stack: so one that comes too late loses nothing.
        The value is returned (or the body's own exception raised), and `kind` tells that one was asked for.
        """
        # The handler knows the body by its code, and C functions have none.
        function = getattr(body, "__func__", body)
        if type(function) is not FunctionType:
            return self.run(lambda: body())
        self.arm()
        self._attempt.code = function.__code__
        try:
            return body()
        finally:
            self._attempt.armed = False

    def arm(self) -> None:
        """Job code is about to run: forget what was asked of the one before. `run` does this."""
        self.held.depth = 0
        attempt = Attempt(self._deadline)
        attempt.armed = True
        self._attempt = attempt

    def disarm(self) -> None:
        """Job code has ended: raise no Interrupt any more, also none already sent. `run` does this."""
        self._attempt.armed = False

    def interrupt(self, kind: str, only: Attempt | None = None) -> None:
        """Make the armed job code raise Interrupt(kind); nothing happens if none is. From any thread.

        On the main thread, as in a handler of SIGTERM, it is this call that raises: so call it last. With
        `only`, a `current` taken earlier, nothing happens either if by now other job code is running.
        """
        attempt = self._attempt
        if attempt.armed and not attempt.asked and only in (None, attempt):
            self._ask(attempt, kind)

    def repeat(self) -> None:
        """Interrupt once more, in case that the job swallowed it. From any thread; `tick` does this."""
        self._repeat(self._attempt)

    def set_deadline(self, monotonic: float | None) -> None:
        """The instant at which the job code that runs, or the next, is to be interrupted by 'timeout'."""
        self._deadline = self._attempt.deadline = monotonic

    def deadline_passed(self, monotonic: float) -> bool:
        """Whether the deadline that was set last lay at or before that instant."""
        return self._deadline is not None and monotonic >= self._deadline

    def tick(self, monotonic: float) -> None:
        """What has to be done again and again, best several times a second: from the side thread.

        Asks for 'timeout' once the deadline has passed; sends the signal again at every call as long as
        it has not arrived (one that comes just before the job begins to block does not wake it), and
        each second if the job still runs after it did.
        """
        attempt = self._attempt
        if not attempt.armed:
            return
        if not attempt.asked:
            if attempt.deadline is not None and monotonic >= attempt.deadline:
                attempt.sent_at = monotonic
                self._ask(attempt, "timeout")
            return
        if attempt.sent_at is None:
            attempt.sent_at = monotonic
        if monotonic - attempt.sent_at >= REPEAT_SECONDS:
            attempt.sent_at = monotonic
            self._repeat(attempt)
        elif attempt.wanted:
            self._send()

    def raise_if_due(self, frame: FrameType | None = None) -> None:
        """Raise the Interrupt that is wanted, if it may be raised here (at `frame`, the one interrupted)."""
        attempt = self._attempt
        if not (attempt.wanted and attempt.armed) or self.held.depth:
            return
        if frame is None:
            frame = sys._getframe()
        elif frame.f_globals.get("__name__") in FRAGILE and not attempt.forced:
            return
        if self._in_body(frame, attempt.code):
            attempt.wanted = False
            raise Interrupt(attempt.asked["kind"])

    def _in_body(self, frame: FrameType | None, code: CodeType | None) -> bool:
        """Whether the body is on the stack: not so in `run` itself, and in handlers that interrupt it."""
        while frame is not None:
            caller = frame.f_back
            if caller is not None and caller.f_code is _RUN:
                return frame.f_code is code
            if frame.f_code is _RUN:
                return False
            frame = caller
        # No `run` below: a greenlet of the job's has a stack of its own (or `arm` was called directly).
        return True

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if frame is not None:
            self.raise_if_due(frame)

    def _ask(self, attempt: Attempt, kind: str) -> None:
        attempt.asked.setdefault("kind", kind)
        attempt.wanted = True
        self._send()

    def _repeat(self, attempt: Attempt) -> None:
        if attempt.armed and attempt.asked:
            attempt.wanted = attempt.forced = True
            self._send()

    def _send(self) -> None:
        if self.thread is not None:
            signal.pthread_kill(self.thread, self.SIGNAL)


_RUN = Interrupter.run.__code__
