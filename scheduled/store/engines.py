"""Engines: how each kind of database is opened, and how a transaction on it begins.

No driver begins a transaction by itself: they are begun and ended in so many words, so that a single
statement costs one round trip, and nothing is ever left open by accident.
"""

import json
import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from scheduled.errors import DatabaseError
from scheduled.running.tail import clean_json

BUSY_TIMEOUT_SECONDS = 10.0
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=8000")
"""The write-ahead log is moved to its place at each heartbeat; by a commit only when it reaches 32 MB."""
BEGIN = {"sqlite": "BEGIN IMMEDIATE"}
"""SQLite's begin as writers, so that they wait before they read. All others: BEGIN."""

POSTGRESQL: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "scheduled",
    "options": "-c TimeZone=UTC -c lock_timeout=2s -c idle_in_transaction_session_timeout=60s"
    " -c default_transaction_isolation=read\\ committed",
}
"""libpq's own words. A server that vanishes without a word is noticed within half a minute."""
MYSQL: Mapping[str, Any] = {
    "connect_timeout": 10,
    "read_timeout": 60,
    "write_timeout": 60,
    "charset": "utf8mb4",
    "init_command": "SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = 2,"
    " SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION'",
}
"""pymysql's. It asks for no keepalive that could be set: hence the limit on an answer."""
DEFAULTS = {"postgresql": POSTGRESQL, "mysql": MYSQL, "mariadb": MYSQL}
IMPATIENT = {"options", "read_timeout", "write_timeout", "init_command"}
DRIVERS = {
    "psycopg": "PostgreSQL needs psycopg: install scheduled-daemon with its extra `postgresql`",
    "psycopg2": "PostgreSQL is spoken to by psycopg 3: write postgresql+psycopg:// in DATABASE_URL",
    "pymysql": "MySQL and MariaDB need pymysql: install scheduled-daemon with its extra `mysql`",
    "MySQLdb": "MySQL and MariaDB are spoken to by pymysql: write mysql+pymysql:// in DATABASE_URL",
}


def storable(value: Any) -> str:
    """A value as JSON that every database takes."""
    return clean_json(json.dumps(value, ensure_ascii=False))


OPTIONS: dict[str, Any] = {"isolation_level": "AUTOCOMMIT", "json_serializer": storable}
STYLES = {"postgresql": {"paramstyle": "format"}}
"""Parameters by place, so that several statements can become one; and psycopg needs less time for them."""


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database; None for one in memory, and for servers.

    Raises:
        DatabaseError: it is no URL.
    """
    parsed = _parsed(url)
    in_memory = parsed.database in (None, "", ":memory:")
    return None if parsed.get_backend_name() != "sqlite" or in_memory else Path(str(parsed.database))


def make_engine(url: str, *, patient: bool = False) -> Engine:
    """An engine that has opened nothing yet. A `patient` one waits for any answer and any lock.

    Raises:
        DatabaseError: it is no URL, or nothing here speaks to such a database.
    """
    parsed = _parsed(url)
    try:
        if parsed.get_backend_name() == "sqlite":
            engine = _sqlite(parsed)
        else:
            options = OPTIONS | STYLES.get(parsed.get_backend_name(), {})
            engine = create_engine(
                parsed, pool_pre_ping=True, connect_args=_defaults(parsed, patient), **options
            )
    except ModuleNotFoundError as error:
        hint = DRIVERS.get(error.name or "", f"DATABASE_URL names a database that needs {error.name}")
        raise DatabaseError(hint) from error
    except NoSuchModuleError as error:
        raise DatabaseError(f"DATABASE_URL names a database that nothing here speaks to: {error}") from error
    except ArgumentError as error:
        raise _no_url(url) from error
    if engine.dialect.name in ("mysql", "mariadb"):
        event.listen(engine, "connect", _prepare_mysql)
    event.listen(engine, "begin", _begin)
    return engine


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise _no_url(url) from error
    if parsed.get_backend_name() in DEFAULTS and not parsed.database:
        shown = parsed.render_as_string(hide_password=True)
        raise DatabaseError(f"DATABASE_URL {shown} names a server, but no database: add its name at the end")
    return parsed


def _no_url(url: str) -> DatabaseError:
    shown = re.sub(r":[^:@/]*@", ":***@", url)
    return DatabaseError(f"DATABASE_URL {shown!r} is no database URL: try sqlite:///scheduled.db")


def _defaults(url: URL, patient: bool = False) -> dict[str, Any]:
    """What the driver is told unless the URL says otherwise."""
    defaults = DEFAULTS.get(url.get_backend_name(), {})
    told = {name: value for name, value in defaults.items() if name not in url.query}
    if url.get_backend_name() == "postgresql" and "options" in url.query:
        told["options"] = f"{defaults['options']} {url.query['options']}"  # the last one of a name counts
    if patient:
        told = {name: value for name, value in told.items() if name not in IMPATIENT}
    return told


def _sqlite(url: URL) -> Engine:
    options = dict(OPTIONS)
    options["connect_args"] = {"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    if sqlite_file(url.render_as_string(hide_password=False)) is None:
        options["poolclass"] = StaticPool
    engine = create_engine(url.set(drivername="sqlite"), **options)
    event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _prepare_mysql(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        if "MariaDB" in connection.get_server_info():  # MySQL knows no such limit
            cursor.execute("SET SESSION idle_transaction_timeout = 60")


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql(BEGIN.get(connection.dialect.name, "BEGIN"))
