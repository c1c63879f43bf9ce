"""What users, sessions and tokens have in common: one database, one clock, and the audit."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from scheduled.clock import Clock
from scheduled.errors import DatabaseUnavailableError
from scheduled.store import schedules
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.statements import Statement

T = TypeVar("T")


class Keeper:
    """Reads and changes rows of who may use the admin. Each change is one transaction."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or Clock()

    def _rows(self, statement: Statement, **values: Any) -> list[Any]:
        with self._database.hold() as held:
            return held.rows(statement, **values)

    def _row(self, statement: Statement, **values: Any) -> Any:
        found = self._rows(statement, **values)
        return found[0] if found else None

    def _note_use(self, statement: Statement, **values: Any) -> None:
        """Write that something was used just now. Nobody is refused because that could not be written."""
        with suppress(DatabaseUnavailableError):
            self._do(lambda held, _: held.run(statement, **values))

    def _do(self, act: Callable[[Held, datetime], T]) -> T:
        return self._database.change(lambda held: act(held, self._clock.now()))


def note(held: Held, now: datetime, event: str, actor: str, **data: Any) -> None:
    """Write a line of the audit; it is about no schedule.

    Nothing secret may be in `data`, nor anything by a name that looks like a secret's: it would be hidden.
    """
    schedules.add_event(held, "", event, now, actor, None, data)
