"""How long after a request (the row that `trigger` writes) its job starts, while the daemon is idle."""

import random
import time

from benchmarks.figures import Figure, Options, at_most, percentile
from benchmarks.place import Place, instant
from scheduled.clock import Clock
from scheduled.commands import Commands
from scheduled.store.database import Database

TIMES = 40
DEFINITIONS = """
from scheduled import Schedule, job

@job
def no_op():
    pass

schedules = [Schedule(id="asked-for", name="Asked for", cron="0 0 1 1 *")]
"""


def measure(options: Options) -> list[Figure]:
    place = Place(options.folder, DEFINITIONS)
    pauses = random.Random(4)
    with place.daemon():
        database = Database(f"sqlite:///{place.file}")
        commands = Commands(database, "benchmark", grace_seconds=60)
        took = []
        for _ in range(options.scaled(TIMES)):
            time.sleep(pauses.uniform(0.1, 0.3))  # idle, and at no fixed beat with the daemon's own
            took.append(_milliseconds(place, commands))
        database.close()
    note = f"{len(took)} requests, at random moments"
    return [
        Figure("request to job start, p50", percentile(took, 0.50), "ms", at_most(75), note=note),
        Figure("request to job start, most", max(took), "ms", at_most(150), note=note),
    ]


def _milliseconds(place: Place, commands: Commands) -> float:
    requested = commands.trigger("asked-for")
    committed = Clock().now()
    done = f"FROM job_run WHERE occurrence_id = {requested.occurrence_id} AND status = 'COMPLETED'"
    place.wait_for(lambda: place.value(f"SELECT COUNT(*) {done}"))
    started = instant(place.value(f"SELECT started_at {done}"))
    return 1000 * (started - committed).total_seconds()
