"""No-op jobs a second: our daemon, against a raw sqlite3 program that leaves the same rows.

Both begin with a copy of one database file, in which a daemon has stored the schedules; each run is a process
of its own, so that neither warms the other; and the two take turns, so that a busy moment of the machine hits
both. Each side counts by its best lap: of those a run has four, each with all that its rounds take, and on a
machine that others share some of them are undisturbed. Afterwards both files must hold the same: every
occurrence COMPLETED, and as many values in each column.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Options, Target, at_least
from benchmarks.place import REPOSITORY, TWO_O_CLOCK, Place, module
from scheduled.tables import metadata

DEFINITIONS = """
from scheduled import Schedule, job

def no_op():
    pass

for number in range({jobs}):
    job(name=f"job-{{number}}")(no_op)

schedules = [
    Schedule(id=f"schedule-{{number:04}}", name="Nightly", cron="{cron}", mode="ALL_JOBS",
             enabled_by_default=True)
    for number in range({schedules})
]
"""
TABLES = ("job_schedule", "occurrence", "job_run", "job_output", "schedule_event")
Left = dict[str, dict[str, int]]
"""How many rows of each table have a value in each column."""


@dataclass(frozen=True)
class Shape:
    """So many schedules of so many jobs each, due at the same instant; so many rounds, ten seconds apart."""

    schedules: int
    jobs: int
    rounds: int = 1

    def __str__(self) -> str:
        rounds = f" x {self.rounds}" if self.rounds > 1 else ""
        return f"no-op jobs, {self.jobs} a schedule, {self.schedules} due at once{rounds}"

    @property
    def definitions(self) -> str:
        cron = "0 2 * * *" if self.rounds == 1 else "every 10 seconds"
        return DEFINITIONS.format(jobs=self.jobs, schedules=self.schedules, cron=cron)

    @property
    def occurrences(self) -> int:
        return self.schedules * self.rounds

    @property
    def laps(self) -> int:
        """Into so many stretches of as many rounds a run is cut; each is timed."""
        return gcd(self.rounds, 4)

    @property
    def runs(self) -> int:
        return self.occurrences * self.jobs


def measure(options: Options) -> list[Figure]:
    """Ten jobs a schedule and one; in a crowd that is due at once, and a few at a time."""
    ten, one = at_least(0.50), at_least(0.45)
    return [
        compare(crowd(10, options), ten, options),
        compare(Shape(5, 10, rounds=options.scaled(16)), ten, options),
        compare(crowd(1, options), one, options),
        compare(Shape(5, 1, rounds=options.scaled(60)), one, options),
    ]


def crowd(jobs: int, options: Options) -> Shape:
    """Many schedules that are all due at once, as at the full hour."""
    return Shape(options.scaled(20 if jobs > 1 else 50, least=2), jobs, rounds=4)


def compare(shape: Shape, target: Target, options: Options) -> Figure:
    """Both sides in turn, the best of each."""
    template = arrange(shape, Place(options.folder / "template", shape.definitions))
    ours: list[float] = []
    raw: list[float] = []
    for _ in range(options.best_of):
        sides = [_copied(shape, template, options.folder / name) for name in ("ours", "raw")]
        ours += run_ours(shape, sides[0])["laps"]
        raw += call(sides[1], module("raw_sqlite", sides[1].file, shape.rounds, shape.laps))["laps"]
        require_the_same(*(require_done(shape, side) for side in sides))
    for folder in ("template", "ours", "raw"):
        shutil.rmtree(options.folder / folder)
    note = f"best of {len(ours)} laps on both sides; the limit is raw sqlite3, folded"
    jobs = shape.runs / shape.laps
    return Figure(str(shape), jobs / min(ours), "jobs/s", target, jobs / min(raw), note)


def arrange(shape: Shape, place: Place) -> Place:
    """Make the place's database know the schedules, all of them due first at two o'clock."""
    call(place, module("ours", 0))
    two = TWO_O_CLOCK.strftime("%Y-%m-%d %H:%M:%S.%f")
    place.execute(f"UPDATE job_schedule SET next_run_at = '{two}', ledger_from = '{two}'")
    return place


def run_ours(shape: Shape, place: Place, *watcher: str) -> dict[str, Any]:
    """What our side tells of itself. `watcher`: the argv of a program that is to watch it."""
    return call(place, [*watcher, *module("ours", shape.runs, shape.laps)])


def _copied(shape: Shape, template: Place, folder: Path) -> Place:
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(folder, shape.definitions)
    shutil.copyfile(template.file, place.file)
    return place


def call(place: Place, argv: list[str]) -> dict[str, Any]:
    """One side, as a process; its log is read from a pipe, as honcho, systemd and Docker read it."""
    env = place.env | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(argv, cwd=place.folder, env=env, capture_output=True, check=False)
    (place.folder / "daemon.log").write_bytes(done.stderr)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)} failed:\n{place.log()}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def require_done(shape: Shape, place: Place) -> Left:
    """What a side left. Raises RuntimeError unless it did all of its work."""
    completed = [
        place.value(f"SELECT COUNT(*) FROM {table} WHERE status = 'COMPLETED'")
        for table in ("occurrence", "job_run")
    ]
    if completed != [shape.occurrences, shape.runs]:
        raise RuntimeError(f"{completed} of {shape} completed; the log:\n{place.log()}")
    return {table: _values(place, table) for table in TABLES}


def require_the_same(ours: Left, raw: Left) -> None:
    """Raises RuntimeError unless both sides left the same."""
    for table in TABLES:
        if ours[table] != raw[table]:
            raise RuntimeError(f"{table} is not the same: {ours[table]}, {raw[table]}")


def _values(place: Place, table: str) -> dict[str, int]:
    """How many rows have a value in each column of a table."""
    columns = list(metadata.tables[table].columns.keys())
    counts = place.rows(f"SELECT {', '.join(f'COUNT({table}.{name})' for name in columns)} FROM {table}")[0]
    return dict(zip(columns, counts, strict=True))
