"""Creates the tables, brings them up to date, and refuses a database whose schema is another one."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, inspect

from scheduled.errors import SchemaError
from scheduled.store.database import Database
from scheduled.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0003"  # what this version of the code expects
PACKAGE = Path(__file__).parents[1]
GUARD_SECONDS = 0.1

# Servers let two migrations begin at once, where SQLite's write lock holds the second one off. The second one
# asks again and again, because to wait for a lock there is a time limit on every connection of ours.
GUARDS = {
    "postgresql": (
        "SELECT pg_try_advisory_lock(7206571905102117)",
        "SELECT pg_advisory_unlock(7206571905102117)",
    ),
    "mysql": (
        "SELECT GET_LOCK(CONCAT('scheduled_version ', MD5(DATABASE())), 0)",
        "SELECT RELEASE_LOCK(CONCAT('scheduled_version ', MD5(DATABASE())))",
    ),
}
GUARDS["mariadb"] = GUARDS["mysql"]

FIND_OURS = {
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'scheduled_version'",
    "postgresql": "SELECT 1 WHERE to_regclass('scheduled_version') IS NOT NULL",
    "mysql": "SELECT 1 FROM information_schema.tables"
    " WHERE table_schema = DATABASE() AND table_name = 'scheduled_version'",
}
FIND_OURS["mariadb"] = FIND_OURS["mysql"]
REVISION = "SELECT version_num FROM scheduled_version"


def current(database: Database) -> str | None:
    """The revision of the database's tables; None if there are none of ours."""
    find = FIND_OURS[database.dialect.name]
    with database.hold() as held:  # each command asks this: an inspector would cost more than all the rest
        return held.scalar(REVISION) if held.scalar(find) else None


def is_current(database: Database) -> bool:
    return current(database) == HEAD


def require_current(database: Database) -> None:
    """Refuses a schema that this version of the code does not expect.

    Raises:
        SchemaError: what the database has, what was expected, and what mends it.
    """
    stored = current(database)
    if stored is None:
        raise SchemaError(
            f"the database {database.name} has none of scheduled's tables yet: "
            "`scheduled db upgrade` creates them"
        )
    if stored != HEAD:
        _refuse_unknown(stored, database)
        raise SchemaError(
            f"the database {database.name} has schema {stored}, but this version of scheduled "
            f"expects {HEAD}: `scheduled db upgrade` brings it up to date"
        )


def upgrade(database: Database, revision: str = "head") -> None:
    """Creates the tables or brings them up to `revision`: all of it or nothing, one process at a time.

    But MySQL commits each change of a table by itself: there, what was done before a failure stays.
    """
    from alembic import command

    with _migrating(database) as (connection, config):
        if _stored(connection) is None:
            _refuse_taken(connection, database)
        command.upgrade(config, revision)


def downgrade(database: Database, revision: str) -> None:
    """Takes the tables back to `revision`, with the loss of what it cannot hold; "base" drops them all."""
    from alembic import command

    with _migrating(database) as (_connection, config):
        command.downgrade(config, revision)


def prepare(database: Database, auto_migrate: bool) -> None:
    """What a starting daemon needs: creates the tables on a fresh database, upgrades them if it may.

    Raises:
        SchemaError: the schema is another one, and not ours to change.
    """
    stored = current(database)
    if stored is None or (auto_migrate and stored != HEAD):
        upgrade(database)
    if stored != HEAD:
        require_current(database)


def prepare_in_memory(database: Database) -> None:
    """As `prepare` does it, but quicker: a fresh database in memory is the copy of one migrated earlier."""
    if database.dialect.name != "sqlite" or database.file is not None or current(database) is not None:
        prepare(database, auto_migrate=True)
        return
    with _migrated_once().reading() as source, database.reading() as target:
        driver: Any = source.connection.driver_connection
        driver.backup(target.connection.driver_connection)


@cache
def _migrated_once() -> Database:
    database = Database("sqlite://", create=True)
    upgrade(database)
    return database


@contextmanager
def _migrating(database: Database) -> Iterator[tuple[Connection, "Config"]]:
    """One transaction under the guard, which has waited for every other migration and sees what that did."""
    from alembic.util import CommandError

    with _patient(database) as patient, _guarded(patient), patient.writing() as connection:
        if stored := _stored(connection):
            _refuse_unknown(stored, database)
        config = _config()
        config.attributes["connection"] = connection
        try:
            yield connection, config
        except CommandError as error:
            raise SchemaError(f"the database {database.name} cannot be migrated: {error}") from error


@contextmanager
def _patient(database: Database) -> Iterator[Database]:
    if database.dialect.name == "sqlite":
        yield database
        return
    with closing(Database(database.url, patient=True)) as patient:
        yield patient


@contextmanager
def _guarded(database: Database) -> Iterator[None]:
    guard = GUARDS.get(database.dialect.name)
    if guard is None:
        yield
        return
    take, leave = guard
    with database.reading() as connection:
        while not connection.exec_driver_sql(take).scalar():
            time.sleep(GUARD_SECONDS)
        try:
            yield
        finally:
            connection.exec_driver_sql(leave)


def _stored(connection: Connection) -> str | None:
    """The same, within a migration."""
    if not connection.exec_driver_sql(FIND_OURS[connection.dialect.name]).scalar():
        return None
    revision: str | None = connection.exec_driver_sql(REVISION).scalar()
    return revision


def _refuse_unknown(stored: str, database: Database) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if stored not in known:
        raise SchemaError(
            f"the database {database.name} has schema {stored}, which this version of scheduled "
            f"({HEAD}) does not know: install the newer scheduled that wrote it"
        )


def _refuse_taken(connection: Connection, database: Database) -> None:
    taken = sorted(metadata.tables.keys() & set(inspect(connection).get_table_names()))
    if taken:
        raise SchemaError(
            f"the database {database.name} has tables that scheduled would create, but did not: "
            f"{', '.join(taken)}: rename or drop them, or give scheduled another DATABASE_URL"
        )


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    return config


def _folder() -> Path:
    """The migrations: inside the package in a wheel, beside it in a checkout."""
    shipped = PACKAGE / "migrations"
    return shipped if shipped.is_dir() else PACKAGE.parent / "migrations"
