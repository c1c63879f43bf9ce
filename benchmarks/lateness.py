"""How long after its due instant a run starts: the real daemon, and one schedule that is due each second.

By the rows: `started_at` of the job run (from which on it is RUNNING) less `due_at` of its occurrence. What
the job itself sees by the clock, after that was committed, is told beside it.
"""

import json
import time

from benchmarks.figures import Figure, Options, at_most, percentile
from benchmarks.place import Place, instant

SECONDS = 30
DEFINITIONS = """
import time
from scheduled import JobContext, Schedule, job

@job
def no_op(ctx: JobContext) -> float:
    return time.time() - ctx.due_at.timestamp()

schedules = [Schedule(id="each-second", name="Each second", cron="every second", enabled_by_default=True)]
"""
STARTED = "SELECT r.started_at, o.due_at FROM job_run r JOIN occurrence o ON o.id = r.occurrence_id"
SKIPPED = "SELECT COUNT(*) FROM occurrence WHERE status != 'COMPLETED'"


def measure(options: Options) -> list[Figure]:
    place = Place(options.folder, DEFINITIONS)
    with place.daemon():
        time.sleep(options.scaled(SECONDS, least=2))
    late = [
        1000 * (instant(started_at) - instant(due_at)).total_seconds()
        for started_at, due_at in place.rows(STARTED)
    ]
    seen = [1000 * json.loads(row[0]) for row in place.rows("SELECT result FROM job_output")]
    note = f"{len(late)} runs, most {max(late):.2g} ms; {place.value(SKIPPED)} instants did not run"
    within = f"in the job itself p50 {percentile(seen, 0.5):.2g} ms, most {max(seen):.2g} ms"
    return [
        Figure("start minus due, p50", percentile(late, 0.50), "ms", at_most(3), note=within),
        Figure("start minus due, p99", percentile(late, 0.99), "ms", at_most(15), note=note),
    ]
