"""A place whose database a server holds; and what to say where there is none."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Target
from benchmarks.place import TWO_O_CLOCK, Place
from scheduled.store.database import Database
from tests.servers import fresh_url, why_absent

NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MariaDB"}
CHILDREN_FIRST = ("worker_gap", "worker_instance", "job_output", "job_run", "occurrence")


class ServedPlace(Place):
    """A working directory whose DATABASE_URL names a server."""

    def __init__(self, folder: Path, definitions: str, url: str) -> None:
        super().__init__(folder, definitions)
        self.url = url
        self.env["DATABASE_URL"] = url
        self._database = Database(url)

    def rows(self, query: str) -> list[Any]:
        with self._database.reading() as connection:
            return list(connection.exec_driver_sql(query))

    def execute(self, statement: str) -> None:
        with self._database.reading() as connection:
            connection.exec_driver_sql(statement)

    def forget_runs(self) -> None:
        """As if nothing had run yet, and all that is enabled were due at two o'clock."""
        for table in CHILDREN_FIRST:
            self.execute(f"DELETE FROM {table}")
        self.execute(
            f"UPDATE job_schedule SET next_run_at = '{TWO_O_CLOCK:%Y-%m-%d %H:%M:%S}',"
            " run_count = 0, last_run_at = NULL, last_status = NULL"
        )

    def close(self) -> None:
        self._database.close()


@contextmanager
def served(kind: str, folder: Path, definitions: str) -> Iterator[ServedPlace]:
    """A place with a fresh database of that kind, which is gone after the block."""
    with fresh_url(kind, folder) as url:
        place = ServedPlace(folder, definitions, url)
        try:
            yield place
        finally:
            place.close()


def unless_absent(
    kind: str, measure: str, unit: str, target: Target | None, taken: Callable[[], Figure], *, needs: str = ""
) -> Figure:
    """The figure that `taken` takes; without such a server (or what else it needs) one that says so."""
    absence = why_absent(kind) or needs
    return Figure(measure, None, unit, target, note=absence) if absence else taken()
