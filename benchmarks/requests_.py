"""How long after a request its job starts, while the daemon is idle.

By the rows: `started_at` of the job run less `requested_at` of the occurrence, whose commit is part of it.
"""

import random
import time

from benchmarks.figures import Figure, Options, at_most, percentile
from benchmarks.place import Place, instant
from scheduled.commands import Commands
from scheduled.store.database import Database

TIMES = 40
BOTH = "job_run r JOIN occurrence o ON o.id = r.occurrence_id"
DEFINITIONS = """
from scheduled import Schedule, job

@job
def no_op():
    pass

schedules = [Schedule(id="asked-for", name="Asked for", cron="0 0 1 1 *")]
"""


def measure(options: Options) -> list[Figure]:
    place = Place(options.folder, DEFINITIONS)
    took = taken(place, f"sqlite:///{place.file}", options)
    note = f"{len(took)} requests, at random moments"
    return [
        Figure("request to job start, p50", percentile(took, 0.50), "ms", at_most(75), note=note),
        Figure("request to job start, most", max(took), "ms", at_most(150), note=note),
    ]


def taken(place: Place, url: str, options: Options) -> list[float]:
    """How many milliseconds each request took, while a daemon was there."""
    pauses, took = random.Random(4), []
    with place.daemon():
        database = Database(url)
        commands = Commands(database, "benchmark", grace_seconds=60)
        for _ in range(options.scaled(TIMES)):
            time.sleep(pauses.uniform(0.1, 0.3))  # idle, and at no fixed beat with the daemon's own
            took.append(_milliseconds(place, commands))
        database.close()
    return took


def _milliseconds(place: Place, commands: Commands) -> float:
    requested = commands.trigger("asked-for")
    done = f"WHERE o.id = {requested.occurrence_id} AND r.status = 'COMPLETED'"
    query = f"SELECT o.requested_at, r.started_at FROM {BOTH} {done}"
    requested_at, started_at = place.wait_for(lambda: place.rows(query))[0]
    return 1000 * (instant(started_at) - instant(requested_at)).total_seconds()
