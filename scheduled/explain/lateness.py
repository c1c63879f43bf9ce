"""How late a run began, and where the time went."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from scheduled.explain.answer import Cause
from scheduled.missed_runs import Interval
from scheduled.phrases import lasting
from scheduled.store import explaining
from scheduled.store.held import Held
from scheduled.stretches import Share, shares, without
from scheduled.words import Status

ON_TIME = timedelta(seconds=1)
DOWN = "while no daemon was alive"
OTHERWISE = "until a daemon took it up"
SHOWN = 3


def lateness(held: Held, row: Any, first_run: int | None, until: datetime, own: str | None) -> Cause:
    """How late the occurrence `row` began, or is at `until` if it has not.

    `first_run`: the id of its first attempt. `own`: the worker that ran it, whose other work counts first.
    """
    late = until - row.due_at
    if late < ON_TIME:
        return Cause("on_time", f"it started on time, {lasting(max(late, timedelta(0)))} after it was due")
    window = Interval(row.due_at, until)
    found = shares(window, _causes(held, row, window, first_run, own), OTHERWISE)
    told = ", ".join(f"{lasting(share.lasted)} {share.cause}" for share in _worth_telling(found))
    return Cause("late", f"{lasting(late)} late{' so far' if row.status == Status.QUEUED else ''}: {told}")


def _worth_telling(found: Sequence[Share]) -> Sequence[Share]:
    """The longest ones; and no crumbs, unless there is nothing else."""
    told = [share for share in found if share.lasted >= ON_TIME / 2][:SHOWN]
    return told or found[:1]


def _causes(
    held: Held, row: Any, window: Interval, first_run: int | None, own: str | None
) -> Mapping[str, Sequence[Interval]]:
    """What may have kept it, the likeliest first: the same worker's other runs, no daemon, others' runs."""
    below = 2**62 if first_run is None else first_run
    own_runs: dict[str, list[Interval]] = {}
    others: dict[str, list[Interval]] = {}
    for run in explaining.runs_before(held, below, window.start, window.end):
        if run.occurrence_id == row.id:
            continue
        ran = Interval(run.started_at, run.finished_at or window.end)
        mine = own is None or run.worker_id == own or run.schedule_id == row.schedule_id
        (own_runs if mine else others).setdefault(f"behind {run.schedule_id}", []).append(ran)
    lives = explaining.lives(held, window.start)
    down = without(window, lives) if lives else [window]
    found: dict[str, Sequence[Interval]] = {**own_runs, DOWN: down}
    for name, intervals in others.items():
        found.setdefault(name, intervals)
    return found
