"""Copies all that is ours from one database to another, of whatever kind: every row of it, or none."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select

from scheduled.errors import ConflictError, CopyError, DatabaseError, UsageError
from scheduled.store import schema
from scheduled.store.database import Database
from scheduled.store.faults import translated
from scheduled.store.tables import events, outputs
from scheduled.tables import metadata

Values = dict[str, Any]
Progress = Callable[[int], None]

TABLES: Sequence[Table] = metadata.sorted_tables
"""Whoever is referred to comes first."""
PAGE = 1000
LARGE = {outputs.name: 100}
"""Rows in one page, where a row may be 64 KiB."""
SNAPSHOT = {
    "sqlite": ["BEGIN"],
    "postgresql": ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"],
    "mysql": [
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ],
}
SNAPSHOT["mariadb"] = SNAPSHOT["mysql"]
IDENTITY = {
    "postgresql": "SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), current_database(),"
    " current_schema())",
    "mysql": "SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir, DATABASE())",
}
IDENTITY["mariadb"] = IDENTITY["mysql"]
"""What two URLs of one database agree on, however they spell its host."""


@dataclass(frozen=True)
class Content:
    """What a table holds: how many rows, and a checksum that tells those from any others."""

    table: str
    rows: int
    checksum: str


def prepare(source: Database, target: Database) -> int:
    """Refuse a target that is not fit, and see to its tables; how many rows there are to copy.

    Raises:
        ScheduledError: why not, and what to do about it. No row was touched.
    """
    if target.dialect.name == "sqlite" and target.file is None:
        raise UsageError("a database in memory would be gone with this command: name a file, or a server")
    with _telling_of(target):
        stored = schema.current(target)
    if _identity(source) == _identity(target):
        raise UsageError(f"{target.name} is the database that would be copied: name another one")
    if stored not in (None, schema.HEAD):
        raise ConflictError(
            f"the database {target.name} has schema {stored}, and what would be copied has {schema.HEAD}: "
            "bring it up to date (`scheduled db upgrade` with that DATABASE_URL), or name an empty database"
        )
    with _telling_of(target):
        if stored is None:
            schema.upgrade(target)
        with target.reading() as connection:
            _require_empty(connection, target)
    with _telling_of(source), source.reading() as connection:
        return sum(_count(connection, table) for table in TABLES)


def copy(
    source: Database,
    target: Database,
    require_stillness: Callable[[], None],
    progress: Progress = lambda rows: None,
) -> list[Content]:
    """Copy all rows, under the ids that they have; what each table holds now.

    1. A snapshot of the source goes page by page into one transaction on the target.
    2. What has arrived is read again: it must be as many rows, and the same ones.
    3. Only if the source is still as it was, and nobody came to life there, is it committed.

    `require_stillness` raises if there is a daemon; `progress` hears of each page how many rows it had: when
    it is copied, and when it is compared.

    Raises:
        ScheduledError: why nothing was copied.
    """
    with _telling_of(target), target.writing() as into:
        _require_empty(into, target)
        with _snapshot(source) as out_of:
            newest = _newest_event(out_of)
            sent = [_send(table, source, out_of, target, into, progress) for table in TABLES]
        _set_sequences(into)
        for table, content in zip(TABLES, sent, strict=True):
            _require_same(content, _content(table, _pages(table, target, into), progress), target)
        require_stillness()
        with _telling_of(source), source.reading() as afresh:
            if _newest_event(afresh) != newest:
                raise ConflictError(
                    f"somebody changed {source.name} while it was copied, and nothing was copied: try again"
                )
    return sent


def _send(
    table: Table,
    source: Database,
    out_of: Connection,
    target: Database,
    into: Connection,
    progress: Progress,
) -> Content:
    def arriving() -> Iterator[list[Values]]:
        for page in _pages(table, source, out_of):
            with _telling_of(target):
                into.execute(insert(table), page)
            yield page

    return _content(table, arriving(), progress)


def _pages(table: Table, database: Database, connection: Connection) -> Iterator[list[Values]]:
    """All rows, in the order of their keys; each page begins where the one before it ended."""
    (key,) = table.primary_key
    query = select(*table.c).order_by(key).limit(LARGE.get(table.name, PAGE))
    page: list[Values] = []
    while True:
        with _telling_of(database):
            onward = query.where(key > page[-1][key.name]) if page else query
            page = [_storable(row) for row in connection.execute(onward)]
        if not page:
            return
        yield page


def _storable(row: Row[Any]) -> Values:
    """What every database takes. No text of ours has a NUL, but SQLite lets anybody write one."""
    return {
        name: value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for name, value in row._mapping.items()
    }


def _content(table: Table, pages: Iterator[list[Values]], progress: Progress) -> Content:
    """A sum over all rows, because databases differ in how they sort text."""
    rows, total = 0, 0
    for page in pages:
        rows += len(page)
        total += sum(_fingerprint(row) for row in page)
        progress(len(page))
    return Content(table.name, rows, f"{total % (1 << 128):032x}")


def _fingerprint(values: Values) -> int:
    """The same for the same row in whatever database: one of them sorts a document's keys in its own way."""
    plain = json.dumps(values, sort_keys=True, default=datetime.isoformat)
    return int.from_bytes(blake2b(plain.encode(), digest_size=16).digest())


def _require_empty(connection: Connection, target: Database) -> None:
    taken = [table.name for table in TABLES if connection.execute(select(table.c[0]).limit(1)).first()]
    if taken:
        raise ConflictError(
            f"the database {target.name} holds rows already, in {', '.join(taken)}: name an empty database; "
            "or, if nobody needs them, empty this one (`scheduled db downgrade base` with that DATABASE_URL)"
        )


def _require_same(sent: Content, arrived: Content, target: Database) -> None:
    if sent != arrived:
        raise CopyError(
            f"the table {sent.table} is not the same in {target.name}: {sent.rows} rows were sent, with the "
            f"checksum {sent.checksum}, and {arrived.rows} are there, with {arrived.checksum}. "
            "Nothing was copied. Is anybody else writing there?"
        )


def _set_sequences(connection: Connection) -> None:
    """PostgreSQL's sequences have not noticed the ids that were given."""
    if connection.dialect.name != "postgresql":
        return
    for table in TABLES:
        if (column := table.autoincrement_column) is not None:
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(select(func.setval(sequence, func.max(column))).having(func.count() > 0))


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _newest_event(connection: Connection) -> int | None:
    """Whoever changes anything without a daemon leaves an event."""
    newest: int | None = connection.execute(select(func.max(events.c.id))).scalar_one()
    return newest


def _identity(database: Database) -> object:
    if database.file is not None:
        found = database.file.stat()
        return found.st_dev, found.st_ino
    if database.dialect.name not in IDENTITY:
        return None
    with _telling_of(database), database.reading() as connection:
        return connection.exec_driver_sql(IDENTITY[database.dialect.name]).scalar()


@contextmanager
def _snapshot(database: Database) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whoever writes meanwhile."""
    with _telling_of(database), database.reading() as connection:
        for statement in SNAPSHOT[database.dialect.name]:
            connection.exec_driver_sql(statement)
        yield connection
        connection.exec_driver_sql("ROLLBACK")  # if it broke, the pool does so


@contextmanager
def _telling_of(database: Database) -> Iterator[None]:
    """With two databases, an error must say of which of them it tells."""
    try:
        with translated(database.errors):
            yield
    except DatabaseError as error:
        text = str(error)
        raise CopyError(text if database.name in text else f"the database {database.name}: {text}") from error
