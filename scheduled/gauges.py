"""How it stands at one moment: what is due, what waits, and which daemons are there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduled.presence import why_absent
from scheduled.store import gauges as store
from scheduled.store.held import Held


@dataclass(frozen=True)
class Gauges:
    """How it stands."""

    due: int
    """Schedules that are due, and that nobody has taken up."""
    waiting: int
    """Occurrences that wait to run."""
    next_run_at: datetime | None
    daemons: list[Any]
    """The instances that are there for all we know; the one that said so last first."""


def gauges(held: Held, now: datetime) -> Gauges:
    """How it stands at `now` (aware).

    Raises:
        DatabaseError: the database does not answer.
    """
    coming = held.row(store.NEXT, the_now=now)
    return Gauges(
        due=held.row(store.DUE, the_now=now).count,
        waiting=held.row(store.WAITING).count,
        next_run_at=None if coming is None else coming.next_run_at,
        daemons=[row for row in held.rows(store.DAEMONS) if why_absent(row, now) is None],
    )
