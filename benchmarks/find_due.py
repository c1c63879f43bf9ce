"""What it costs to find out that nothing is due: with 100,000 schedules stored, against ten.

It is the question that the daemon asks in each step (`scheduled.store.marks.situation`), on a connection held
open. All schedules are enabled, and due later; both databases are asked in turn, and each counts by its best
answer.
"""

import time
from collections.abc import Sequence

from benchmarks.figures import Figure, Options, Target, at_most
from benchmarks.filling import LAST, filled
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.marks import situation

FEW, MANY, TIMES = 10, 100_000, 400


def measure(options: Options) -> list[Figure]:
    many = options.scaled(MANY, least=FEW)
    urls = (f"sqlite:///{options.folder / side}.db" for side in ("many", "few"))
    databases = [filled(url, count, runs=0) for url, count in zip(urls, (many, FEW), strict=True)]
    return [compared(name(many), databases, at_most(1.2), options)]


def name(many: int) -> str:
    return f"one find-due, {many:,} schedules stored / {FEW}"


def compared(name: str, databases: Sequence[Database], target: Target, options: Options) -> Figure:
    """Both asked in turn, the one with many schedules first; they are closed then."""
    asked = [database.hold() for database in databases]
    took: list[list[float]] = [[], []]
    for _ in range(options.scaled(TIMES, least=5)):
        for held, times in zip(asked, took, strict=True):
            times.append(_seconds(held))
    for held, database in zip(asked, databases, strict=True):
        held.close()
        database.close()
    got, limit = (min(times) * 1e6 for times in took)
    return Figure(name, got, "µs", target, limit, f"best of {len(took[0])}, none due")


def _seconds(held: Held) -> float:
    began = time.perf_counter()
    where = situation(held, LAST)
    seconds = time.perf_counter() - began
    assert where.oldest is not None
    assert where.oldest > LAST
    return seconds
