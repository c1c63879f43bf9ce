"""The server ends the daemon's session before each statement in turn, and in the middle of each commit."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from scheduled.errors import DatabaseUnavailableError
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.testing import ManualDaemon
from tests.conftest import NOON, World
from tests.law import assert_lawful
from tests.prove.served import ServedScene

pytestmark = pytest.mark.prove

MOST = 60
OWN_SESSION = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}


@pytest.fixture
def world(served: ServedScene) -> Iterator[World]:
    made = World(served.env["DATABASE_URL"])
    yield made
    assert_lawful(made.crank)
    made.crank.close()


def end_session_before(number: int, database: Database, patch: pytest.MonkeyPatch) -> list[str]:
    """Before its so-manyth statement from now on the daemon loses its session; the statements so far."""
    execute, said = Held._execute, list[str]()

    def execute_without(held: Held, sql: str, parameters: Any) -> Any:
        said.append(sql)
        if len(said) == number:
            with database.reading() as other:
                own = execute(held, OWN_SESSION[held.dialect_name], ()).fetchone()[0]
                other.exec_driver_sql(KILL[held.dialect_name].format(own))
        return execute(held, sql, parameters)

    patch.setattr(Held, "_execute", execute_without)
    return said


def go_on(daemon: ManualDaemon) -> None:
    """As the loop does: try again, as long as the database is away."""
    while True:
        try:
            daemon.run_due()
        except DatabaseUnavailableError:
            continue
        return


def test_nothing_is_lost_and_nothing_runs_twice(world: World) -> None:
    for name in ("first", "second"):
        world.job(name, lambda: {"rows": 3})
    daemon = world.start("* * * * *")
    go_on(daemon)
    for number in range(1, MOST):
        world.called.clear()
        daemon.clock.advance_to(NOON + timedelta(minutes=number))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(daemon.parts.control.wakeup, "wait", lambda seconds: False)
            said = end_session_before(number, daemon.database, patch)
            go_on(daemon)
        assert world.called == ["first", "second"], number
        if len(said) < number:
            break
    else:
        pytest.fail(f"there are more than {MOST} statements to an occurrence")
    assert {row.status for row in daemon.ledger("it")} == {"COMPLETED"}
