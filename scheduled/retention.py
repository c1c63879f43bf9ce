"""Forgets what is older than SCHEDULE_RETENTION_DAYS, a little at a time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduled.store import pruning
from scheduled.store.held import Held

FIRST, BATCH = 10, 100
"""Occurrences in the first transaction, and in any at most."""
BRIEF_SECONDS = 0.025
"""What a transaction may take: so little that nobody notices that he waited for a lock."""
EVERYTHING = 2**31 - 1
KEYS_KEPT = timedelta(days=1)
"""How long it is known of a request's key that it was used."""


@dataclass(frozen=True)
class Pruned:
    """How many rows went."""

    occurrences: int = 0
    job_runs: int = 0
    events: int = 0
    workers: int = 0


def prune(
    held: Held, cutoff: datetime, *, dry_run: bool = False, go_on: Callable[[], bool] = lambda: True
) -> Pruned:
    """Delete what ended before `cutoff`, in small batches; with `dry_run` only count it.

    The newest occurrence of each schedule stays, and so do the events that tell what was due when. `go_on` is
    asked before each batch: what is left when it says no is for the next time.
    """
    return _counted(held, cutoff) if dry_run else _Pruning(held, cutoff, go_on).all()


def forget_expired(held: Held, now: datetime) -> None:
    """Delete what is of no use any more, and nobody's history: old keys of requests, expired sessions."""
    cutoff = now - KEYS_KEPT
    if held.row(pruning.EXPIRED, cutoff=cutoff, the_now=now) is None:
        return  # without the write lock, for which SQLite has others wait
    with held.transaction():  # which other threads that share the connection wait for
        held.run(pruning.DELETE_KEYS, cutoff=cutoff)
        held.run(pruning.DELETE_SESSIONS, the_now=now)


def _counted(held: Held, cutoff: datetime) -> Pruned:
    occurrences = job_runs = 0
    for row in held.rows(pruning.OLD_SCHEDULES, cutoff=cutoff):
        ids = pruning.old_occurrences(held, row.id, cutoff, batch=EVERYTHING)
        occurrences += len(ids)
        job_runs += pruning.count_runs(held, ids)
    events = held.row(pruning.OLD_EVENTS, cutoff=cutoff).found
    return Pruned(occurrences, job_runs, events, len(held.rows(pruning.OLD_WORKERS, cutoff=cutoff)))


class _Pruning:
    """Transactions that are as large as they may be to be brief, with room for others between them."""

    def __init__(self, held: Held, cutoff: datetime, go_on: Callable[[], bool]) -> None:
        self._held = held
        self._go_on = go_on
        self._cutoff = cutoff
        self._batch = min(FIRST, BATCH)

    def all(self) -> Pruned:
        occurrences = job_runs = 0
        for row in self._held.rows(pruning.OLD_SCHEDULES, cutoff=self._cutoff):
            while self._go_on() and (
                ids := pruning.old_occurrences(self._held, row.id, self._cutoff, self._batch)
            ):
                occurrences += len(ids)
                with self._briefly():
                    job_runs += pruning.delete_occurrences(self._held, row.id, ids, self._cutoff)
        return Pruned(occurrences, job_runs, self._events(), self._workers())

    def _events(self) -> int:
        gone = last = 0
        while self._go_on() and (ids := pruning.old_events(self._held, self._cutoff, last, self._batch)):
            last = ids[-1]
            with self._briefly():
                gone += pruning.delete_events(self._held, ids)
        return gone

    def _workers(self) -> int:
        ids = [row.id for row in self._held.rows(pruning.OLD_WORKERS, cutoff=self._cutoff)]
        for begin in range(0, len(ids), FIRST):
            with self._briefly():
                pruning.delete_workers(self._held, ids[begin : begin + FIRST])
        return len(ids)

    @contextmanager
    def _briefly(self) -> Iterator[None]:
        """One transaction, and a pause as long as it took: for SQLite has no queue, who waits must hit one.

        The next one has fewer rows if this one took too long, and more if it took little.
        """
        with self._held.transaction():
            began = time.monotonic()
            yield
        took = time.monotonic() - began
        if took > BRIEF_SECONDS:
            self._batch = max(1, self._batch // 2)
        elif took < BRIEF_SECONDS / 4:
            self._batch = min(BATCH, self._batch * 2)
        time.sleep(min(took, BRIEF_SECONDS))
