"""Forgets what is older than SCHEDULE_RETENTION_DAYS, a little at a time."""

from dataclasses import dataclass
from datetime import datetime

from scheduled.store import pruning
from scheduled.store.database import Held

BATCH = 100
"""Occurrences in one transaction: few enough that nobody waits for the write lock."""


@dataclass(frozen=True)
class Pruned:
    """How many rows went."""

    occurrences: int = 0
    job_runs: int = 0
    events: int = 0
    workers: int = 0


def prune(held: Held, cutoff: datetime, *, dry_run: bool = False) -> Pruned:
    """Delete what ended before `cutoff`, in small batches; with `dry_run` only count it.

    The newest occurrence of each schedule stays, and so do the events that tell what was due when.
    """
    occurrences = job_runs = 0
    for row in held.rows(pruning.SCHEDULE_IDS):
        while ids := pruning.old_occurrences(held, row.id, cutoff, batch=1_000_000 if dry_run else BATCH):
            occurrences += len(ids)
            if dry_run:
                job_runs += sum(len(held.rows(pruning.RUNS_OF, the_occurrence_id=one)) for one in ids)
                break
            with held.transaction():
                job_runs += pruning.delete_occurrences(held, row.id, ids, cutoff)
    gone = held.rows(pruning.OLD_WORKERS, cutoff=cutoff)
    if dry_run:
        return Pruned(occurrences, job_runs, held.row(pruning.OLD_EVENTS, cutoff=cutoff).found, len(gone))
    with held.transaction():
        events = held.run(pruning.DELETE_EVENTS, cutoff=cutoff)
        for worker in gone:
            held.run(pruning.DELETE_GAPS, the_worker_id=worker.id)
            held.run(pruning.DELETE_WORKER, the_id=worker.id)
    return Pruned(occurrences, job_runs, events, len(gone))
