"""What it costs to find out that nothing is due: with 100,000 schedules stored, against ten.

It is the question that the daemon asks in each step (`scheduled.store.marks.situation`), on a connection held
open. All schedules are enabled, and due later; both databases are asked in turn, and each counts by its best
answer.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, Options, at_most
from scheduled.store.database import Database, Held
from scheduled.store.marks import situation
from scheduled.store.schema import prepare
from scheduled.store.tables import schedules

NOW = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
FEW, MANY, TIMES = 10, 100_000, 400


def measure(options: Options) -> list[Figure]:
    many = options.scaled(MANY, least=FEW)
    databases = [stored(count, options.folder / f"{side}.db") for side, count in enumerate((many, FEW))]
    asked = [database.hold() for database in databases]
    took: list[list[float]] = [[], []]
    for _ in range(options.scaled(TIMES, least=5)):
        for held, times in zip(asked, took, strict=True):
            times.append(_seconds(held))
    for held, database in zip(asked, databases, strict=True):
        held.close()
        database.close()
    got, limit = (min(times) * 1e6 for times in took)
    name = f"one find-due, {many:,} schedules stored / {FEW}"
    return [Figure(name, got, "µs", at_most(1.2), limit, f"best of {len(took[0])}, none due")]


def _seconds(held: Held) -> float:
    began = time.perf_counter()
    where = situation(held, NOW)
    seconds = time.perf_counter() - began
    assert where.oldest is not None
    assert where.oldest > NOW
    return seconds


def stored(count: int, file: Path) -> Database:
    """A database with so many enabled schedules, none of which is due within the next hour."""
    database = Database(f"sqlite:///{file}", create=True)
    prepare(database, auto_migrate=True)
    common = {
        "source": "code", "definition": {}, "definition_hash": "0" * 32, "enabled": True, "orphaned": False,
        "ledger_from": NOW, "run_count": 0, "failure_count": 0, "skipped_count": 0,
        "consecutive_failures": 0, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip
    with database.writing() as connection:
        connection.execute(
            schedules.insert(),
            [
                {**common, "id": f"schedule-{n:06}", "next_run_at": NOW + timedelta(seconds=3600 + n)}
                for n in range(count)
            ],
        )
    return database
