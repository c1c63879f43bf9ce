"""What other threads, signal handlers and other processes ask of the main thread, and how they wake it."""

import threading
from collections.abc import Callable
from itertools import count

from scheduled.clock import Clock
from scheduled.running.interrupts import Interrupter
from scheduled.running.live import Live
from scheduled.running.wakeup import Wakeup

STUBBORN_SECONDS = 5.0
"""How long a job that is told to stop may swallow its interrupts, one each second."""
OVERSTAYED_SECONDS = STUBBORN_SECONDS + 15.0
"""How long after the end of the grace the database may keep us."""


class Control:
    """The wishes that the running occurrence, and the loop, must heed."""

    def __init__(self, clock: Clock, interrupter: Interrupter, shutdown_grace: float) -> None:
        self.clock = clock
        self.interrupter = interrupter
        self.wakeup = Wakeup()
        self.occurrence_id: int | None = None
        self.live: Live | None = None
        """The attempt that runs now."""
        self.cancelled_by: str | None = None
        self.fenced = False
        self.stopping = False
        self.hurried = False
        """A second signal came: give up whatever takes time."""
        self.reloading = False
        self.on_change: Callable[[], None] = lambda: None
        """An occurrence begins, or we are to stop: who minds deadlines, and sleeps meanwhile, must wake."""
        self._grace = shutdown_grace
        self._patience_ends: float | None = None
        self._stops = count()
        self._stuck_since: float | None = None
        self._overdue_since: float | None = None
        self._guard = threading.Lock()

    def begin(self, occurrence_id: int) -> None:
        """This occurrence runs from now on: forget what was wished of the one before."""
        with self._guard:
            self.occurrence_id = occurrence_id
            self.cancelled_by = None
            self.fenced = False
        self.on_change()

    def end(self) -> None:
        """No occurrence runs."""
        with self._guard:
            self.occurrence_id = None

    def cancel(self, occurrence_id: int, by: str) -> None:
        """End this occurrence, if it is still the one that runs, because somebody wants it so."""
        with self._guard:
            if self.occurrence_id == occurrence_id and self.cancelled_by is None:
                self.cancelled_by = by
                self.wakeup.set()
                self.interrupter.interrupt("cancelled")

    def fence(self, occurrence_id: int) -> None:
        """This occurrence, if it is still the one that runs, is no longer ours: interrupt it."""
        with self._guard:
            if self.occurrence_id == occurrence_id:
                self.fenced = True
                self.wakeup.set()
                self.interrupter.interrupt("fenced")

    def stop(self) -> None:
        """Take no new work; the running job may go on for the grace. The second time: interrupt it at once.

        A signal handler may be interrupted by another anywhere, also here: hence the count, and this order.
        """
        self.hurried = next(self._stops) > 0 or self.hurried
        self.stopping = True
        if self._patience_ends is None:
            self._patience_ends = self.clock.monotonic() + self._grace
        self.wakeup.set()
        self.on_change()
        if self.hurried:
            self.interrupter.interrupt("shutdown")

    def reload(self) -> None:
        """Load the definitions afresh, when the running occurrence has ended."""
        self.reloading = True
        self.wakeup.set()

    def stay(self) -> None:
        """Not after all, if it is not too late: the newest definitions do not load."""
        self.reloading = False

    @property
    def leaving(self) -> bool:
        """Whether the occurrence must end before its next job."""
        return self.stopping or self.cancelled_by is not None or self.fenced

    @property
    def out_of_patience(self) -> bool:
        """Whether a stop has been asked for and its grace is over."""
        return self.hurried or (
            self._patience_ends is not None and self.clock.monotonic() >= self._patience_ends
        )

    @property
    def stuck(self) -> bool:
        """Whether the job goes on although it has been interrupted again and again since our time to stop."""
        if not self.stopping or self.occurrence_id is None or not self.out_of_patience:
            return False
        now = self.clock.monotonic()
        if self._stuck_since is None:
            self._stuck_since = now
        return now - self._stuck_since >= STUBBORN_SECONDS

    @property
    def overstayed(self) -> bool:
        """Whether we should have left long ago, and do not: as when a server says nothing, and never will."""
        since = self._overdue_since
        return since is not None and self.clock.monotonic() - since >= OVERSTAYED_SECONDS

    def tick(self) -> None:
        """What the side thread does several times a second: deadlines, and the end of the grace."""
        if self.stopping and self.out_of_patience:
            if self._overdue_since is None:
                self._overdue_since = self.clock.monotonic()
            self.interrupter.interrupt("shutdown")
        self.interrupter.tick(self.clock.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait for so long, or until the occurrence must end."""
        ends = self.clock.monotonic() + seconds
        while not self.leaving and (left := ends - self.clock.monotonic()) > 0:
            self.clock.wait(self.wakeup.wait, left)
