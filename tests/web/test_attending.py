"""A web process is among the worker instances while it serves."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

from scheduled.clock import Clock
from scheduled.events import Event, Events
from scheduled.settings import Settings
from scheduled.store import reads
from scheduled.store.database import Database
from scheduled.store.schema import upgrade
from scheduled.web.attending import attending
from tests.patience import PATIENCE


def until(holds: Callable[[], object]) -> None:
    """Wait for what a thread does."""
    patience = monotonic() + PATIENCE
    while not holds():
        assert monotonic() < patience
        sleep(0.01)


def place(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'web.db'}", create=True)


def test_it_is_registered_while_it_serves_and_stopped_after(tmp_path: Path) -> None:
    database = place(tmp_path)
    upgrade(database)
    with attending(database, Settings(), Clock(), Events()) as lifeline:
        until(lambda: reads.worker_instances(database))
        (row,) = reads.worker_instances(database)
        assert (row["id"], row["worker_type"], row["status"]) == (lifeline.id, "web", "RUNNING")
    assert reads.worker_instances(database)[0]["status"] == "STOPPED"
    database.close()


def test_it_serves_also_while_the_database_is_not_there_and_says_so(tmp_path: Path) -> None:
    database, noted = place(tmp_path), list[Event]()
    with attending(database, Settings(), Clock(), Events(noted.append)):
        until(lambda: noted)
    assert noted[0].fields["work"] == "heartbeat"
    database.close()
