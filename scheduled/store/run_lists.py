"""Runs to turn the pages of, and the search in what they raised, however long the history is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, union_all

from scheduled.store.database import Database
from scheduled.store.dicts import dicts
from scheduled.store.lanes import first_run_from
from scheduled.store.reads import RUN
from scheduled.store.searching import Filter
from scheduled.store.tables import any_of, occurrences, runs
from scheduled.words import GOING_ON, Status

_r, _o = runs.c, occurrences.c
SEARCHED = 5000
"""Of each status so many runs are looked at for a text, the newest: no index finds it."""
ENDED_ILL = tuple(status for status in Status if status not in (*GOING_ON, Status.COMPLETED))
"""Only these tell of an error."""
MOST_AT_ONCE = 2000

Row = dict[str, Any]
_columns = select(*(_r[name] for name in RUN), _o.due_at).join_from(runs, occurrences)


@dataclass(frozen=True)
class Found:
    """Runs, the newest first."""

    rows: list[Row]
    down_to: int | None = None
    """Down to which run it was searched for a text, if there may be older ones."""


def find_runs(
    database: Database,
    wanted: Filter,
    limit: int,
    before: int | None = None,
    fits: Callable[[Row], bool] = lambda _row: True,
    most: int = SEARCHED,
) -> Found:
    """Those before that one. `since` leaves out what was queued earlier and has ended.

    A text is sought in errors, among the newest `most` of each status. `fits`: whether whoever asks may know
    that such a run was found; the others are as if they were not.
    """
    first, last = _bounds(database, wanted)
    stretch = [_r.id < end for end in (before, last) if end is not None]
    since = [_r.id >= first] if first is not None else []
    if wanted.text:
        return _search(database, wanted, limit, [*stretch, *since], fits, most)
    newest = []
    for statuses, from_the_first in _branches(wanted):
        query = select(_r.id).where(*stretch, *(since if from_the_first else []), *_named(wanted))
        query = query.where(any_of(_r.status, statuses)) if statuses else query
        newest.append(query.order_by(_r.id.desc()).limit(limit).subquery())
    either = union_all(*(select(one.c.id) for one in newest)).subquery()
    query = _columns.where(_r.id.in_(select(either.c.id)))
    return Found(dicts(database, query.order_by(_r.id.desc()).limit(limit)))


def _search(
    database: Database,
    wanted: Filter,
    limit: int,
    stretch: Sequence[ColumnElement[bool]],
    fits: Callable[[Row], bool],
    most: int,
) -> Found:
    chosen = [status for status in ENDED_ILL if not wanted.statuses or status in wanted.statuses]
    floors = [floor for status in chosen if (floor := _floor(database, status, stretch, most)) is not None]
    down_to = max(floors, default=None)
    told = (_r.error_type, _r.error_message)
    sought = or_(*(one.icontains(wanted.text, autoescape=True) for one in told))
    lowest = [] if down_to is None else [_r.id >= down_to]
    rows: list[Row] = []
    for status in chosen:
        query = _columns.where(_r.status == str(status), *stretch, *lowest, *_named(wanted), sought)
        rows += _that_fit(database, query, limit, fits)
    rows.sort(key=lambda row: -row["id"])
    return Found(rows[:limit], down_to)


def _that_fit(database: Database, query: Select[Any], limit: int, fits: Callable[[Row], bool]) -> list[Row]:
    """The newest rows that fit, so many at most."""
    found: list[Row] = []
    size, older = limit, query
    while True:
        rows = dicts(database, older.order_by(_r.id.desc()).limit(size))
        found += filter(fits, rows)
        if len(found) >= limit or len(rows) < size:
            return found[:limit]
        older, size = query.where(_r.id < rows[-1]["id"]), max(limit, min(4 * size, MOST_AT_ONCE))


def _floor(database: Database, status: str, stretch: Sequence[ColumnElement[bool]], most: int) -> int | None:
    """The id of the oldest among the newest so many of a status; None if there are not that many."""
    newest = select(_r.id).where(_r.status == str(status), *stretch).order_by(_r.id.desc())
    found = dicts(database, newest.offset(most - 1).limit(1))
    return found[0]["id"] if found else None


def _branches(wanted: Filter) -> list[tuple[list[Status], bool]]:
    """Each by an index of its own, for two at once have none: statuses, and whether `since` bounds them."""
    chosen = [Status(status) for status in dict.fromkeys(wanted.statuses)]
    if chosen:
        return [([status], status not in GOING_ON) for status in chosen]
    going_on: list[tuple[list[Status], bool]] = [([status], False) for status in GOING_ON]
    return [([], True), *(going_on if wanted.since is not None else [])]


def _named(wanted: Filter) -> list[ColumnElement[bool]]:
    named = ((_r.schedule_id, wanted.schedule_id), (_r.job_name, wanted.job_name))
    return [column == name for column, name in named if name is not None]


def _bounds(database: Database, wanted: Filter) -> tuple[int | None, int | None]:
    """The least id that is asked for, and the one from which on none is."""
    if wanted.since is None and wanted.until is None:
        return None, None
    with database.hold() as held:
        first = None if wanted.since is None else first_run_from(held, wanted.since)
        return first, None if wanted.until is None else first_run_from(held, wanted.until)
