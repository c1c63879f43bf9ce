"""Notices that another connection has changed the database, without asking it a question."""

import sqlite3
from contextlib import closing

from scheduled.store.database import Database


class Watch:
    """SQLite's own change counter (`PRAGMA data_version`): microseconds to read, and no query.

    For one thread only. Where the database has no such counter, nothing is ever noticed.
    """

    def __init__(self, database: Database) -> None:
        self._connection: sqlite3.Connection | None = None
        self._seen: int | None = None
        if database.file is not None:
            uri = f"{database.file.resolve().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=0.05, isolation_level=None)
            self._seen = self._version()

    def changed(self) -> bool:
        """Whether somebody else committed since the last time that this was asked."""
        before, self._seen = self._seen, self._version()
        return self._seen is not None and self._seen != before

    def _version(self) -> int | None:
        if self._connection is None:
            return None
        try:
            with closing(self._connection.execute("PRAGMA data_version")) as cursor:
                return int(cursor.fetchone()[0])
        except sqlite3.Error:
            return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
