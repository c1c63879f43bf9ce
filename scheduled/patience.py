"""Waits for a database that is away for a while: says so, tries again, and says when it is back."""

from collections.abc import Callable
from typing import TypeVar

from scheduled.control import Control
from scheduled.errors import DatabaseUnavailableError
from scheduled.events import ERROR, WARNING, Events
from scheduled.store.faults import despite_deadlocks

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


class Patience:
    """Tries again, for as long as the process is not told to stop."""

    def __init__(self, control: Control, events: Events) -> None:
        self._control = control
        self._events = events

    def persist(self, action: Callable[[], T]) -> T:
        """What `action` returns, once the database is there.

        Raises:
            DatabaseUnavailableError: it is still away, and our time to stop has come.
        """
        pause, tries = FIRST_PAUSE, 0
        while True:
            try:
                value = despite_deadlocks(action)
            except DatabaseUnavailableError as error:
                tries += 1
                if self._control.out_of_patience:
                    raise
                level = WARNING if tries == 1 else ERROR
                self._events.emit(
                    "database.unavailable", level, error=str(error), tries=tries, again_in=pause
                )
                self._control.clock.wait(self._control.wakeup.wait, pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            else:
                if tries:
                    self._events.emit("database.back", WARNING, tries=tries)
                return value
