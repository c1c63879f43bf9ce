"""Opens the database: its engine, its connections, and transactions on them."""

import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from scheduled.errors import DatabaseError, DatabaseUnavailableError, DuplicateError
from scheduled.store.statements import Statement

BUSY_TIMEOUT_SECONDS = 10.0
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=8000")
"""The write-ahead log is moved to its place at each heartbeat; by a commit only when it reaches 32 MB."""
SQLITE_DUPLICATES = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}


class Database:
    """One database, by its URL. Nothing is opened before it is asked for."""

    def __init__(self, url: str, *, create: bool = False) -> None:
        """`create` allows a SQLite file to come into being; else its absence is a DatabaseError."""
        self.url = url
        self.file = _sqlite_file(url)
        if self.file is not None and not create and not self.file.exists():
            raise DatabaseError(
                f"there is no database at {self.file}: `scheduled run` or `scheduled db upgrade` creates it"
            )
        self.engine = _engine(url)
        self.dialect = self.engine.dialect

    @property
    def name(self) -> str:
        """The URL without its password."""
        return make_url(self.url).render_as_string(hide_password=True)

    def hold(self) -> "Held":
        """A connection that is kept, for the run path or the side thread."""
        return Held(self)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction of SQLAlchemy's, committed at the end of the block."""
        with _translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on which each query is a transaction of its own."""
        with _translated(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        self.engine.dispose()


class Held:
    """One connection held open, that runs prebuilt statements for little more than the driver's own cost.

    Not for two threads at once, but for the guard that `transaction` takes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect
        self._sqlite = database.dialect.name == "sqlite"
        self._guard = threading.RLock()
        self._depth = 0
        self._transaction = _Transaction(self)
        self._connection: Any = None

    def _driver(self) -> Any:
        if self._connection is None:
            with _translated():
                self._connection = self._database.engine.raw_connection()
        return self._connection.driver_connection

    def transaction(self) -> "_Transaction":
        """One durable transaction: BEGIN IMMEDIATE on SQLite, so it waits before it reads.

        Within another one it is a part of that.

        Raises:
            DatabaseUnavailableError: nothing was written, try again.
        """
        return self._transaction

    def begin(self) -> None:
        """What entering a transaction does."""
        self._guard.acquire()
        try:
            if self._sqlite and not self._depth:
                self._execute("BEGIN IMMEDIATE", ())
        except BaseException:
            self._guard.release()
            raise
        self._depth += 1

    def end(self, *, well: bool) -> None:
        """What leaving a transaction does: the outermost one is committed if all went well."""
        try:
            if self._depth == 1 and well:
                self._commit()
        except BaseException:
            well = False
            raise
        finally:
            if self._depth == 1 and not well:
                self._roll_back()
            self._depth -= 1
            self._guard.release()

    def run(self, statement: Statement, **values: Any) -> int:
        """Execute a write; how many rows it changed."""
        compiled = statement.compiled(self._dialect)
        return int(self._execute(compiled.sql, compiled.parameters(values)).rowcount)

    def insert(self, statement: Statement, **values: Any) -> int:
        """Execute an INSERT of one row; the id that it was given."""
        compiled = statement.compiled(self._dialect)
        cursor = self._execute(compiled.sql, compiled.parameters(values))
        return int(cursor.fetchone()[0] if compiled.returns_rows else cursor.lastrowid)

    def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """Execute a query; its rows as named tuples."""
        compiled = statement.compiled(self._dialect)
        with self._guard:
            return compiled.results(self._execute(compiled.sql, compiled.parameters(values)).fetchall())

    def row(self, statement: Statement, **values: Any) -> Any:
        """The first row of a query, or None."""
        found = self.rows(statement, **values)
        return found[0] if found else None

    def scalar(self, sql: str) -> Any:
        """The first column of the first row of a query in so many words; None if there is no row."""
        with self._guard:
            row = self._execute(sql, ()).fetchone()
        return None if row is None else row[0]

    def version(self) -> int | None:
        """On SQLite: a number that changes when another connection commits (`PRAGMA data_version`)."""
        return int(self.scalar("PRAGMA data_version")) if self._sqlite else None

    def checkpoint(self) -> None:
        """On SQLite: move the write-ahead log to its place, as far as nobody is in the way."""
        if self._sqlite:
            self.scalar("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Give the connection up; the next use opens another."""
        with self._guard:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _execute(self, sql: str, parameters: Any) -> Any:
        try:
            return self._driver().cursor().execute(sql, parameters)
        except sqlite3.Error as error:
            raise _translation(error) from error

    def _commit(self) -> None:
        try:
            self._driver().commit()
        except sqlite3.Error as error:
            raise _translation(error) from error

    def _roll_back(self) -> None:
        try:
            self._driver().rollback()
        except (sqlite3.Error, DatabaseError):
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.invalidate()


class _Transaction:
    """What `Held.transaction` gives to `with`. No generator: each write has one, and those take longer."""

    def __init__(self, held: Held) -> None:
        self._held = held

    def __enter__(self) -> Held:
        self._held.begin()
        return self._held

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._held.end(well=kind is None)


def _sqlite_file(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _no_url(url) from error
    in_memory = parsed.database in (None, "", ":memory:")
    return None if parsed.get_backend_name() != "sqlite" or in_memory else Path(str(parsed.database))


def _no_url(url: str) -> DatabaseError:
    shown = re.sub(r":[^:@/]*@", ":***@", url)
    return DatabaseError(f"DATABASE_URL {shown!r} is no database URL: try sqlite:///scheduled.db")


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            return create_engine(url, pool_pre_ping=True)
        # The driver begins nothing by itself: transactions are begun and ended in so many words.
        options: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"}
        options["connect_args"] = {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
        if _sqlite_file(url) is None:
            options["poolclass"] = StaticPool
        engine = create_engine(parsed.set(drivername="sqlite"), **options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseError(f"DATABASE_URL names a database that nothing here speaks to: {error}") from error
    except ArgumentError as error:
        raise _no_url(url) from error
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise _translation(error.orig or error) from error
    except sqlite3.Error as error:
        raise _translation(error) from error


def _translation(error: BaseException) -> DatabaseError:
    text = str(error).strip().partition("\n")[0]
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if _is_duplicate(error):
        return DuplicateError(text)
    if kinds & {"OperationalError", "InterfaceError"} and not _is_mistake(error):
        return DatabaseUnavailableError(text)
    return DatabaseError(f"{type(error).__name__}: {text}")


def _is_duplicate(error: BaseException) -> bool:
    """A unique key was violated, by what SQLite, PostgreSQL and MySQL call it; not another constraint."""
    return (
        getattr(error, "sqlite_errorname", None) in SQLITE_DUPLICATES
        or getattr(error, "sqlstate", None) == "23505"
        or error.args[:1] == (1062,)
    )


def _is_mistake(error: BaseException) -> bool:
    """SQLite calls a missing table an OperationalError too, but no patience mends that."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_ERROR
