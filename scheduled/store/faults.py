"""What a driver's error means to us: away for a while, somebody was first, or a mistake."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from scheduled.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    DeadlockError,
    DuplicateError,
    RowLockedError,
)

T = TypeVar("T")

DEADLOCKS = 5
"""So often we give way before we say so."""
SQLITE_ERROR = 1
"""SQLite calls a missing table an OperationalError too, but no patience mends that."""
SQLITE_DUPLICATES = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID"}
POSTGRESQL_DUPLICATE = "23505"
POSTGRESQL_DEADLOCKS = {"40001", "40P01"}
"""serialization_failure, deadlock_detected (PostgreSQL's manual, appendix A)."""
POSTGRESQL_AWAY = {"25006"}
"""read_only_sql_transaction: after a failover, we speak to what is (still) a standby."""
POSTGRESQL_LOCKED = "55P03"
MYSQL_DUPLICATE = 1062
MYSQL_LOCKED = {1205, 3572}
"""ER_LOCK_WAIT_TIMEOUT, ER_LOCK_NOWAIT."""
MYSQL_DEADLOCKS = {1020, 1213}
"""ER_CHECKREAD, ER_LOCK_DEADLOCK (MariaDB's manual, error codes)."""
MYSQL_MISTAKES = {1044, 1049, 1050, 1054, 1060, 1061, 1091, 1142, 1143, 1364, 1366, 1406, 3140, 3819, 4025}
"""Access or a database that was never granted or made, a table, column or index that is missing or there
already, a value that does not fit."""


@contextmanager
def translated(*drivers: type[BaseException]) -> Iterator[None]:
    """Within the block, errors of SQLAlchemy and of these drivers become ours."""
    try:
        yield
    except DBAPIError as error:
        raise translation(error.orig or error) from error
    except drivers as error:
        raise translation(error) from error


def despite_deadlocks(action: Callable[[], T]) -> T:
    """What the transaction `action` returns, tried again at once when the database has it give way."""
    for _ in range(DEADLOCKS):
        try:
            return action()
        except DeadlockError:
            continue
    return action()


def translation(error: BaseException) -> DatabaseError:
    """The error of ours that a driver's stands for."""
    text = str(error).strip().partition("\n")[0]
    state, code = getattr(error, "sqlstate", None), _mysql_code(error)
    if _is_duplicate(error, state, code):
        return DuplicateError(text)
    if state in POSTGRESQL_DEADLOCKS or code in MYSQL_DEADLOCKS:
        return DeadlockError(text)
    if state == POSTGRESQL_LOCKED or code in MYSQL_LOCKED:
        return RowLockedError(text)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    waits = kinds & {"OperationalError", "InterfaceError"} and not _is_mistake(error, code)
    if waits or state in POSTGRESQL_AWAY:
        return DatabaseUnavailableError(text)
    return DatabaseError(f"{type(error).__name__}: {text}")


def _mysql_code(error: BaseException) -> int | None:
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) else None


def _is_duplicate(error: BaseException, state: str | None, code: int | None) -> bool:
    """A unique key was violated; not another constraint."""
    sqlite = getattr(error, "sqlite_errorname", None) in SQLITE_DUPLICATES
    return sqlite or state == POSTGRESQL_DUPLICATE or code == MYSQL_DUPLICATE


def _is_mistake(error: BaseException, code: int | None) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == SQLITE_ERROR or code in MYSQL_MISTAKES
