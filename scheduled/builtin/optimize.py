"""Keeps the database's statistics fresh and SQLite's write-ahead log short, and is in nobody's way."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from scheduled.builtin.making import JobOptions, make
from scheduled.context import JobContext, SkipJob
from scheduled.definitions import Job
from scheduled.errors import DatabaseError
from scheduled.store.watching import wal_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from scheduled.store.database import Database

ANALYSIS_LIMIT = 400
"""How many rows of each index SQLite looks at: milliseconds, however large the table."""
SERVERS_SIZES = {
    "postgresql": "SELECT coalesce(sum(pg_total_relation_size(to_regclass(name))), 0) "
    "FROM unnest(ARRAY[{}]) AS name",
    "mysql": "SELECT coalesce(sum(data_length + index_length), 0) FROM information_schema.tables "
    "WHERE table_schema = database() AND table_name IN ({})",
}
SERVERS_ANALYZE = {"postgresql": "ANALYZE {}", "mysql": "ANALYZE NO_WRITE_TO_BINLOG TABLE {}"}
for statements in (SERVERS_SIZES, SERVERS_ANALYZE):
    statements["mariadb"] = statements["mysql"]


def optimize_database(**options: Unpack[JobOptions]) -> Job:
    """A job that has the database look at our tables afresh, so that it plans its queries well.

    On SQLite it also moves the write-ahead log into the database and, if nobody is busy, empties it. Each
    step is a short transaction of its own. Returns the sizes in bytes before and after.
    """

    def run(ctx: JobContext) -> dict[str, Any]:
        from scheduled.settings import load_settings
        from scheduled.store.database import Database
        from scheduled.tables import metadata

        database = Database(load_settings().database_url)
        tables = sorted(metadata.tables)
        try:
            if database.file is not None:
                return _optimize_sqlite(database, database.file, tables, ctx)
            if database.dialect.name == "sqlite":
                raise SkipJob("the database is in memory: there is nothing to optimize")
            return _optimize_server(database, tables, ctx)
        finally:
            database.close()

    return make(run, "optimize-database", "Refresh the database's statistics", options)


def _optimize_sqlite(database: "Database", file: Path, tables: list[str], ctx: JobContext) -> dict[str, Any]:
    before = _sizes(file)
    with database.reading() as connection:
        _execute(connection, f"PRAGMA analysis_limit={ANALYSIS_LIMIT}")
        for done, table in enumerate(tables, 1):
            _execute(connection, f"ANALYZE {table}")
            ctx.progress(done, len(tables))
        _execute(connection, "PRAGMA optimize")
        emptied = _checkpoint(connection)
        free = _number(connection, "PRAGMA freelist_count") * _number(connection, "PRAGMA page_size")
        after = _sizes(file)
    return {"before": before, "after": after, "reusable_bytes": free, "log_emptied": emptied}


def _checkpoint(connection: "Connection") -> bool:
    """Move the log into the database, which blocks nobody; empty it only where that takes no waiting."""
    _, logged, moved = _execute(connection, "PRAGMA wal_checkpoint(PASSIVE)")[0]
    if logged != moved or logged < 0:
        return False
    _execute(connection, "PRAGMA busy_timeout=0")
    return bool(_number(connection, "PRAGMA wal_checkpoint(TRUNCATE)") == 0)


def _sizes(file: Path) -> dict[str, int]:
    log = wal_of(file)
    return {"database": file.stat().st_size, "log": log.stat().st_size if log.exists() else 0}


def _optimize_server(database: "Database", tables: list[str], ctx: JobContext) -> dict[str, Any]:
    kind = database.dialect.name
    if kind not in SERVERS_ANALYZE:
        raise SkipJob(f"nobody knows how to optimize a database of the kind {kind}")
    sizes = SERVERS_SIZES[kind].format(", ".join(f"'{table}'" for table in tables))
    with database.reading() as connection:
        before = _number(connection, sizes)
        for done, table in enumerate(tables, 1):
            for row in _execute(connection, SERVERS_ANALYZE[kind].format(table)):
                if str(row[2]).casefold() == "error":  # MySQL tells it in a row
                    raise DatabaseError(f"the table {table} cannot be analyzed: {row[3]}")
            ctx.progress(done, len(tables))
        after = _number(connection, sizes)
    return {"before": {"database": before}, "after": {"database": after}}


def _execute(connection: "Connection", sql: str) -> list[Any]:
    """Execute, and read to the end whatever it answers."""
    result = connection.exec_driver_sql(sql)
    return list(result.fetchall()) if result.returns_rows else []


def _number(connection: "Connection", sql: str) -> int:
    return int(_execute(connection, sql)[0][0])
