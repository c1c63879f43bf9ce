"""The search in what jobs raised: it looks at so many runs at a time, however long the history is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from scheduled.store.database import Database
from scheduled.store.lanes import first_run_from
from scheduled.store.reads import RUN
from scheduled.store.searching import Row, that_fit
from scheduled.store.tables import occurrences, runs
from scheduled.words import RETRIED

_r, _o = runs.c, occurrences.c
SEARCHED = 5000
"""Of each status so many runs are looked at, the newest."""


@dataclass(frozen=True)
class Searched:
    """What was found among the runs that were looked at."""

    rows: list[dict[str, Any]]
    down_to: int | None
    """The oldest of those that were looked at, if there may be older ones."""


def search(
    database: Database,
    text: str,
    limit: int,
    *,
    statuses: Sequence[str] = RETRIED,
    schedule_id: str | None = None,
    job_name: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
    most: int = SEARCHED,
    fits: Callable[[Row], bool] = lambda _row: True,
) -> Searched:
    """Runs that failed or timed out with this text in their error, the newest first, from `before` on.

    `fits`: whether whoever asks may know that a run was found; the others are as if they were not.
    """
    fit = _bounds(database, since, until, before)
    chosen = [status for status in RETRIED if status in statuses]
    floors = [floor for status in chosen if (floor := _floor(database, status, fit, most)) is not None]
    down_to = max(floors, default=None)
    told = (_r.error_type, _r.error_message)
    fit.append(or_(*(one.icontains(text, autoescape=True) for one in told)))
    if schedule_id is not None:
        fit.append(_r.schedule_id == schedule_id)
    if job_name is not None:
        fit.append(_r.job_name == job_name)
    if down_to is not None:
        fit.append(_r.id >= down_to)
    columns = select(*(_r[name] for name in RUN), _o.due_at).join_from(runs, occurrences)
    rows: list[dict[str, Any]] = []
    for status in chosen:
        query = columns.where(_r.status == str(status), *fit)
        rows += that_fit(partial(_page, database, query), fits, limit, before)
    rows.sort(key=lambda row: -row["id"])
    return Searched(rows[:limit], down_to)


def _page(database: Database, query: Select[Any], before: int | None, size: int) -> list[Row]:
    query = query if before is None else query.where(_r.id < before)
    return _all(database, query.order_by(_r.id.desc()).limit(size))


def _floor(database: Database, status: str, fit: Sequence[ColumnElement[bool]], most: int) -> int | None:
    """The id of the oldest among the newest so many of a status; None if there are not that many."""
    newest = select(_r.id).where(_r.status == str(status), *fit).order_by(_r.id.desc())
    found = _all(database, newest.offset(most - 1).limit(1))
    return found[0]["id"] if found else None


def _bounds(
    database: Database, since: datetime | None, until: datetime | None, before: int | None
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if before is None else [_r.id < before]
    held = database.hold()
    try:
        if since is not None:
            found.append(_r.id >= first_run_from(held, since))
        if until is not None:
            found.append(_r.id < first_run_from(held, until))
    finally:
        held.close()
    return found


def _all(database: Database, query: Select[Any]) -> list[dict[str, Any]]:
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
