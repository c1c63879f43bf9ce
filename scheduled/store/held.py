"""A connection that is kept, transactions on it, and the statements of ours that run there."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from scheduled.errors import DatabaseError, DatabaseUnavailableError, DeadlockError, RowLockedError
from scheduled.store.at_once import Shape, Shapes, shape_of
from scheduled.store.engines import BEGIN
from scheduled.store.faults import translated, translation
from scheduled.store.leases import NOW
from scheduled.store.statements import Compiled, Statement, Write

if TYPE_CHECKING:
    from scheduled.store.database import Database


class Held:
    """One connection held open, that runs prebuilt statements for little more than the driver's own cost.

    Not for two threads at once, but for the guard that `transaction` takes.
    """

    def __init__(self, database: "Database") -> None:
        self._database = database
        self._dialect = database.dialect
        self._errors = database.errors
        self._sqlite = database.dialect.name == "sqlite"
        self._at_once = (
            Shapes(database.dialect, database.own_clock) if database.dialect.name == "postgresql" else None
        )
        self._begin = BEGIN.get(database.dialect.name, "BEGIN")
        self._compiled: dict[Statement, Compiled] = {}
        self._guard = threading.RLock()
        self._depth = 0
        self._transaction = _Transaction(self)
        self._connection: Any = None
        self._driven: Any = None
        """The driver's own connection, below that one: the way there is long, and each statement takes it."""
        self.dialect_name = database.dialect.name

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_one_writer(self) -> bool:
        """On SQLite: who writes has it all to himself. He may fold more into a commit; none must give way."""
        return self._sqlite

    @contextmanager
    def driver(self) -> Iterator[Any]:
        """The driver's connection, for what only that can do."""
        with self._guard:
            try:
                yield self._driver()
            except self._errors as error:
                raise self._known(error) from error

    def _driver(self) -> Any:
        if self._driven is None:
            with translated(self._errors):
                self._connection = self._database.engine.raw_connection()
            self._driven = self._connection.driver_connection
        return self._driven

    def transaction(self) -> "_Transaction":
        """One durable transaction. Within another one it is a part of that.

        Raises:
            DatabaseUnavailableError: try again. Nothing was written; unless it was the commit that a server
                did not answer.
        """
        return self._transaction

    def begin(self) -> None:
        """What entering a transaction does."""
        self._guard.acquire()
        try:
            if not self._depth:
                self._execute(self._begin, ())
        except BaseException:
            self._guard.release()
            raise
        self._depth += 1

    def end(self, error: BaseException | None) -> None:
        """What leaving a transaction does: the outermost one is committed if all went well."""
        try:
            if self._depth == 1 and error is None:
                self._commit()
        except BaseException as failure:
            error = failure
            raise
        finally:
            if self._depth == 1 and error is not None:
                self._roll_back(error)
            self._depth -= 1
            self._guard.release()

    def write(self, *writes: Write) -> list[int] | None:
        """One durable transaction. If the first write changes no row, none of the others is made: None.

        Else an id for each of them: that of the row which it added, or 0. Raises as `transaction` does.
        """
        if self._at_once is not None and (shape := shape_of(writes)) is not None:
            return self._write_at_once(self._at_once, shape, writes)
        added: list[int] = []
        with self._transaction:
            for statement, values, of, _ in writes:
                if of is not None:
                    values = {**values, of: added[-1]}
                if statement.adds:
                    added.append(self._add(statement, values))
                elif self._send(statement, values).rowcount == 1 or added:
                    added.append(0)
                else:
                    return None
        return added

    def make(self, write: Write) -> None:
        """Execute one write."""
        self._send(write.statement, write.values)

    def _write_at_once(self, known: Shapes, shape: Shape, writes: Sequence[Write]) -> list[int] | None:
        with self._guard:
            at_once = known.compiled(shape)
            row = self._commit_at_once(at_once.sql, at_once.parameters(writes))
        return None if row is None else list(row)

    def prepare(self, queries: Iterable[Statement], commits: Iterable[Shape]) -> None:
        """Compile what is to be run later, when there is less time: that takes a millisecond each."""
        alone = list(queries)
        for shape in commits:
            if self._at_once is not None:
                self._at_once.compiled(shape)
            else:
                alone += [statement for statement, _ in shape]
        for statement in alone:
            self._compile(statement)

    def run(self, statement: Statement, **values: Any) -> int:
        """Execute a write; how many rows it changed."""
        return int(self._send(statement, values).rowcount)

    def insert(self, statement: Statement, **values: Any) -> Any:
        """Execute an INSERT of one row; the id that it was given."""
        return self._add(statement, values)

    def rows(self, statement: Statement, **values: Any) -> list[Any]:
        """Execute a query; its rows as named tuples."""
        compiled = self._compiled.get(statement) or self._compile(statement)
        with self._guard:
            return compiled.results(self._execute(compiled.sql, compiled.parameters(values)).fetchall())

    def row(self, statement: Statement, **values: Any) -> Any:
        """The first row of a query, or None."""
        found = self.rows(statement, **values)
        return found[0] if found else None

    def command(self, sql: str) -> None:
        """Execute what gives no rows, in so many words."""
        with self._guard:
            self._execute(sql, ())

    def scalar(self, sql: str) -> Any:
        """The first column of the first row of a query in so many words; None if there is no row."""
        with self._guard:
            row = self._execute(sql, ()).fetchone()
        return None if row is None else row[0]

    def time(self) -> datetime | None:
        """The server's own time; None where the caller's counts."""
        now = NOW.get(self._dialect.name)
        if now is None or self._database.own_clock:
            return None
        found: datetime = self.scalar(f"SELECT {now}")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)

    def version(self) -> int | None:
        """On SQLite: a number that changes when another connection commits (`PRAGMA data_version`)."""
        if not self._sqlite:
            return None
        try:
            with self._guard:  # asked all day long: by the shortest way that there is
                return int(self._driver().execute("PRAGMA data_version").fetchone()[0])
        except self._errors as error:
            raise self._known(error) from error

    def checkpoint(self) -> None:
        """On SQLite: move the write-ahead log to its place, as far as nobody is in the way."""
        if self._sqlite:
            self.scalar("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Give the connection up; the next use opens another."""
        with self._guard:
            connection = self._let_go()
            if connection is not None:
                connection.close()

    def _compile(self, statement: Statement) -> Compiled:
        found = self._compiled[statement] = statement.compiled(self._dialect, self._database.own_clock)
        return found

    def _send(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        compiled = self._compiled.get(statement) or self._compile(statement)
        return self._execute(compiled.sql, compiled.parameters(values))

    def _add(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        compiled = self._compiled.get(statement) or self._compile(statement)
        cursor = self._execute(compiled.sql, compiled.parameters(values))
        return cursor.fetchone()[0] if compiled.returns_rows else cursor.lastrowid

    def _execute(self, sql: str, parameters: Any) -> Any:
        try:
            cursor = (self._driven or self._driver()).cursor()
            cursor.execute(sql, parameters)
        except self._errors as error:
            raise self._known(error) from error
        return cursor

    def _known(self, error: BaseException) -> DatabaseError:
        """What the driver's error means; a connection that it cost is dropped."""
        known = translation(error)
        if not self._depth and self._is_lost(known):
            self._drop()
        return known

    def _commit_at_once(self, sql: str, parameters: list[Any]) -> Any:
        """A statement that is a transaction by itself; its row, if it has one."""
        return self._execute(sql, parameters).fetchone()

    def _commit(self) -> None:
        try:
            self._driver().commit()
        except self._errors as error:
            raise translation(error) from error

    def _roll_back(self, why: BaseException) -> None:
        if self._is_lost(why):
            self._drop()
            return
        try:
            self._driver().rollback()
        except (self._errors, DatabaseError):
            self._drop()

    def _is_lost(self, error: BaseException) -> bool:
        """Whether the connection to a server is not to be trusted any more."""
        away = isinstance(error, DatabaseUnavailableError)
        away = away and not isinstance(error, DeadlockError | RowLockedError)
        return away and not self._sqlite

    def _drop(self) -> None:
        connection = self._let_go()
        if connection is not None:
            connection.invalidate()

    def _let_go(self) -> Any:
        connection, self._connection, self._driven = self._connection, None, None
        return connection


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
        self._held.end(error)
