"""What processes are at: the occurrences that they run, and the job of each that runs now."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from scheduled.store.database import Database
from scheduled.store.tables import occurrences, runs
from scheduled.words import Status

_o, _r = occurrences.c, runs.c
OCCURRENCE = ("id", "schedule_id", "due_at", "started_at", "status", "jobs_total", "jobs_completed")


def at_work(database: Database, occurrence_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Those of the occurrences that run, by id, each with the names of its jobs that run."""
    if not occurrence_ids:
        return {}
    running = _o.status == str(Status.RUNNING)
    of = select(*(_o[name] for name in OCCURRENCE)).where(_o.id.in_(occurrence_ids), running)
    jobs = select(_r.occurrence_id, _r.id, _r.job_name, _r.started_at).where(
        _r.occurrence_id.in_(occurrence_ids), _r.status == str(Status.RUNNING)
    )
    with database.reading() as connection:
        found = {row["id"]: {**row, "runs": []} for row in connection.execute(of).mappings()}
        for run in connection.execute(jobs.order_by(_r.id)).mappings():
            if run["occurrence_id"] in found:
                found[run["occurrence_id"]]["runs"].append(dict(run))
    return found
