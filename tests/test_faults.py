"""What drivers' errors mean: who waits, who gives way, who was second, and what no patience mends."""

from typing import Any

import psycopg.errors
import pymysql.err
import pytest

from scheduled.errors import (
    DatabaseError,
    DatabaseUnavailableError,
    DeadlockError,
    DuplicateError,
    RowLockedError,
)
from scheduled.store.faults import DEADLOCKS, despite_deadlocks, translation

MEANINGS: list[tuple[Exception, type[DatabaseError]]] = [
    (psycopg.errors.UniqueViolation("again"), DuplicateError),
    (psycopg.errors.DeadlockDetected("deadlock"), DeadlockError),
    (psycopg.errors.SerializationFailure("could not serialize"), DeadlockError),
    (psycopg.errors.AdminShutdown("terminating connection"), DatabaseUnavailableError),
    (psycopg.errors.CannotConnectNow("starting up"), DatabaseUnavailableError),
    (psycopg.errors.TooManyConnections("too many clients"), DatabaseUnavailableError),
    (psycopg.errors.LockNotAvailable("lock timeout"), RowLockedError),
    (psycopg.errors.DiskFull("no space left"), DatabaseUnavailableError),
    (psycopg.errors.ReadOnlySqlTransaction("read-only"), DatabaseUnavailableError),
    (psycopg.OperationalError("the connection is closed"), DatabaseUnavailableError),
    (psycopg.errors.UndefinedTable("no such table"), DatabaseError),
    (psycopg.errors.ForeignKeyViolation("no such schedule"), DatabaseError),
    (pymysql.err.IntegrityError(1062, "Duplicate entry"), DuplicateError),
    (pymysql.err.OperationalError(1213, "Deadlock found"), DeadlockError),
    (pymysql.err.OperationalError(1205, "Lock wait timeout exceeded"), RowLockedError),
    (pymysql.err.OperationalError(2013, "Lost connection"), DatabaseUnavailableError),
    (pymysql.err.OperationalError(1040, "Too many connections"), DatabaseUnavailableError),
    (pymysql.err.InterfaceError(0, ""), DatabaseUnavailableError),
    (pymysql.err.OperationalError(1054, "Unknown column"), DatabaseError),
    (pymysql.err.ProgrammingError(1146, "no such table"), DatabaseError),
]


@pytest.mark.parametrize(("error", "meaning"), MEANINGS, ids=[repr(error) for error, _ in MEANINGS])
def test_it_tells_what_an_error_means(error: Exception, meaning: type[DatabaseError]) -> None:
    assert type(translation(error)) is meaning


def giving_way(times: int) -> Any:
    left = iter(range(times))

    def act() -> str:
        if next(left, None) is not None:
            raise DeadlockError("deadlock")
        return "done"

    return act


def test_who_gives_way_tries_again_at_once() -> None:
    assert despite_deadlocks(giving_way(DEADLOCKS)) == "done"


def test_who_gives_way_again_and_again_says_so() -> None:
    with pytest.raises(DeadlockError):
        despite_deadlocks(giving_way(DEADLOCKS + 1))
