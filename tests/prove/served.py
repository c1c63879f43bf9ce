"""A scene whose daemons share a server's database."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from scheduled.errors import DatabaseUnavailableError
from scheduled.store.database import Database
from scheduled.testing import SettableClock
from scheduled.verifying import verify
from tests.law import breaches
from tests.prove.gate import Gate
from tests.prove.scene import Scene

PORTS = {"postgresql": 5432, "mysql": 3306}


class ServedScene(Scene):
    """Asks the server itself; its daemons speak to it, unless told of a gate."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder)
        self.url = make_url(url)
        self.env["DATABASE_URL"] = url
        self._database = Database(url)
        self._gates: list[Gate] = []

    @property
    def kind(self) -> str:
        return self.url.get_backend_name()

    def gate(self) -> Gate:
        """A gate to the server."""
        gate = Gate(self.url.host or "127.0.0.1", self.url.port or PORTS[self.kind])
        self._gates.append(gate)
        return gate

    def through(self, gate: Gate) -> dict[str, str]:
        """The environment of a daemon that reaches the server through that gate."""
        url = self.url.set(host="127.0.0.1", port=gate.port)
        return {"DATABASE_URL": url.render_as_string(hide_password=False)}

    def rows(self, query: str) -> list[Any]:
        with self._database.reading() as connection:
            return list(connection.exec_driver_sql(query).fetchall())

    def change(self, statement: str) -> None:
        with self._database.writing() as connection:
            connection.exec_driver_sql(statement)

    def is_locked(self) -> bool:
        """Whether somebody holds a row of a schedule, an occurrence or a daemon."""
        try:
            for table in ("job_schedule", "occurrence", "worker_instance"):
                self.change(f"SELECT id FROM {table} FOR UPDATE NOWAIT")
        except DatabaseUnavailableError:
            return True
        return False

    def assert_lawful(self, now: datetime | None = None) -> None:
        with closing(Database(self.env["DATABASE_URL"])) as database:
            found = breaches(database)
            assert not found, "\n".join(found)
            verdict = verify(database, clock=SettableClock(now or datetime.now(UTC)))
            assert verdict.ok, verdict.as_json()

    def assert_no_dead_locks(self, now: datetime) -> None:
        assert not self.rows(
            "SELECT o.id FROM occurrence o JOIN job_schedule s ON s.id = o.schedule_id"
            " WHERE o.status = 'RUNNING' AND (s.locked_by IS NULL OR s.locked_by <> o.worker_id)"
        )
        stray = "SELECT r.id FROM job_run r JOIN occurrence o ON o.id = r.occurrence_id"
        assert not self.rows(f"{stray} WHERE r.status = 'RUNNING' AND o.status <> 'RUNNING'")

    def end(self) -> None:
        super().end()
        for gate in self._gates:
            gate.close()
        self._database.close()


def within(seconds: float, condition: Callable[[], Any]) -> float:
    """How many seconds it took until the condition held; fails if that was longer than it may."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:g} s"
        time.sleep(0.02)
    return time.monotonic() - began


def each(scene: ServedScene, name: str) -> Iterator[dict[str, Any]]:
    """The events of that name of all daemons."""
    for number in range(len(scene.daemons)):
        yield from scene.events(name, number)
