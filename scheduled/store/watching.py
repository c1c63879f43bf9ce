"""Notices that another connection has changed the database, without asking it a question."""

from pathlib import Path

from scheduled.errors import DatabaseError
from scheduled.store.held import Held


class Watch:
    """SQLite's own change counter: microseconds to read, and no query.

    For one thread only, on a connection that writes nothing. Where the database has no such counter, nothing
    is ever noticed.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._seen: int | None = None

    def changed(self) -> bool:
        """Whether somebody else committed since the last time that this was asked; at first, perhaps."""
        before, self._seen = self._seen, self._version()
        return self._seen is not None and self._seen != before

    def _version(self) -> int | None:
        try:
            return self._held.version()
        except DatabaseError:
            return None


def wal_of(database: Path) -> Path:
    """The file into which SQLite writes each change first."""
    return database.with_name(f"{database.name}-wal")
