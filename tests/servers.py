"""Databases of every kind for tests: each of them fresh, with a name of its own, and gone afterwards.

The servers are those that TEST_POSTGRESQL_URL and TEST_MYSQL_URL tell of, or else those of this host. Without
a server its tests are skipped; but where REQUIRE_SERVERS=1 they fail.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, make_url
from sqlalchemy.exc import DBAPIError

from scheduled.store.database import Database
from scheduled.tables import (
    events,
    gaps,
    keys,
    occurrences,
    outputs,
    runs,
    schedules,
    sessions,
    tokens,
    users,
    workers,
)

KINDS = ("sqlite", "postgresql", "mysql")
SERVERS = {
    "postgresql": ("TEST_POSTGRESQL_URL", "postgresql+psycopg://postgres@127.0.0.1/postgres"),
    "mysql": ("TEST_MYSQL_URL", "mysql+pymysql://root@127.0.0.1"),
}
CHILDREN_FIRST = (keys, tokens, sessions, users, gaps, workers, events, outputs, runs, occurrences, schedules)
NUMBERED = (gaps, events, runs, occurrences)
RENUMBER = {
    "postgresql": "SELECT setval(pg_get_serial_sequence('{table}', 'id'), 1, false)",
    "mysql": "ALTER TABLE {table} AUTO_INCREMENT = 1",
}
DROP = {"postgresql": "DROP DATABASE {name} WITH (FORCE)", "mysql": "DROP DATABASE {name}"}


@contextmanager
def fresh_url(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of that kind, which exists within the block; SQLite's is in the folder."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'scheduled.db'}"
        return
    if absence := why_absent(kind):
        (pytest.fail if os.environ.get("REQUIRE_SERVERS") == "1" else pytest.skip)(absence)
    name = f"scheduled_test_{uuid4().hex[:12]}"
    with _administration(kind) as server:
        _execute(server, f"CREATE DATABASE {name}")
        try:
            url = server.url.set(database=name)
            yield url.render_as_string(hide_password=False)
        finally:
            _execute(server, DROP[kind].format(name=name))


@cache
def why_absent(kind: str) -> str | None:
    """Why no server of that kind can be had; None if there is one."""
    variable, url = SERVERS[kind]
    try:
        with _administration(kind) as server:
            server.connect().close()
    except DBAPIError as error:
        shown = make_url(os.environ.get(variable, url)).render_as_string()
        return f"no {kind} answers at {shown} ({variable}): {error.orig}"
    return None


def empty(database: Database) -> None:
    """Delete the rows of all tables, and let ids begin at 1 again: quicker than a migration."""
    renumber = RENUMBER[database.dialect.name]
    with database.reading() as connection:
        for table in CHILDREN_FIRST:
            connection.execute(table.delete())
        for table in NUMBERED:
            connection.exec_driver_sql(renumber.format(table=table.name))


@contextmanager
def _administration(kind: str) -> Iterator[Engine]:
    variable, url = SERVERS[kind]
    engine = create_engine(os.environ.get(variable, url), isolation_level="AUTOCOMMIT")
    try:
        yield engine
    finally:
        engine.dispose()


def _execute(server: Engine, sql: str) -> None:
    with server.connect() as connection:
        connection.exec_driver_sql(sql)
