"""Lists to search and to turn the pages of. Each page is found by an index, and goes on where one ended.

A page ends with a row, not with a number of rows: so what arrives meanwhile moves nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true, union_all

from scheduled.store.database import Database
from scheduled.store.dicts import dicts
from scheduled.store.reads import LEDGER, RUN, SCHEDULE
from scheduled.store.tables import any_of, events, occurrences, runs, schedules, workers

_s, _o, _r, _w, _e = schedules.c, occurrences.c, runs.c, workers.c, events.c
ever_switched = (
    exists().where(_e.schedule_id == _s.id, any_of(_e.event, ("enabled", "disabled"))).correlate(schedules)
)
"""Somebody has switched the schedule on or off."""
STATES = {
    "on": and_(_s.enabled == true(), _s.orphaned == false()),
    "off": and_(_s.enabled == false(), _s.orphaned == false()),
    "running": _s.locked_by.is_not(None),
    "never": and_(_s.enabled == false(), _s.orphaned == false(), ~ever_switched),
    "orphaned": _s.orphaned == true(),
    "failing": and_(_s.consecutive_failures > 0, _s.orphaned == false()),
}
"""What can be the matter with a schedule; more than one thing at once."""


@dataclass(frozen=True)
class Sought:
    """Which schedules are asked for. What is None leaves nothing out."""

    text: str | None = None
    """It stands in the id, the name or the description, in large letters or small."""
    enabled: bool | None = None
    state: str | None = None
    """One of STATES."""


@dataclass(frozen=True)
class Filter:
    """Which runs or occurrences are asked for. What is None or empty leaves nothing out."""

    schedule_id: str | None = None
    job_name: str | None = None
    statuses: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    """It stands in the error."""


def find_schedules(
    database: Database, sought: Sought, limit: int, after: str | None = None
) -> list[dict[str, Any]]:
    """Schedules by id: those after that one."""
    query = select(*(_s[name] for name in SCHEDULE)).order_by(_s.id).limit(limit)
    if sought.text:
        told = (_s.id, _s.definition["name"].as_string(), _s.definition["description"].as_string())
        query = query.where(or_(*(one.icontains(sought.text, autoescape=True) for one in told)))
    if sought.enabled is not None:
        query = query.where(_s.enabled == (true() if sought.enabled else false()))
    if sought.state is not None:
        query = query.where(STATES[sought.state])
    return dicts(database, query if after is None else query.where(_s.id > after))


def find_occurrences(
    database: Database, wanted: Filter, limit: int, before: tuple[datetime, int] | None = None
) -> list[dict[str, Any]]:
    """Occurrences: those before that one, and that are due in [since, until).

    The newest first; by their due instants if a schedule or a time is asked for, else by their ids.
    """
    timed = wanted.schedule_id is not None or wanted.since is not None or wanted.until is not None
    fit: list[ColumnElement[bool]] = []
    if wanted.schedule_id is not None:
        fit.append(_o.schedule_id == wanted.schedule_id)
    if wanted.since is not None:
        fit.append(_o.due_at >= wanted.since)
    if wanted.until is not None:
        fit.append(_o.due_at < wanted.until)
    if before is not None:
        due_at, occurrence_id = before
        earlier = or_(_o.due_at < due_at, and_(_o.due_at == due_at, _o.id < occurrence_id))
        fit.append(and_(_o.due_at <= due_at, earlier) if timed else _o.id < occurrence_id)
    order = (_o.due_at.desc(), _o.id.desc()) if timed else (_o.id.desc(),)
    columns = select(*(_o[name] for name in LEDGER))
    if timed or not wanted.statuses:
        if wanted.statuses:
            fit.append(any_of(_o.status, wanted.statuses))
        return dicts(database, columns.where(*fit).order_by(*order).limit(limit))
    newest = [
        select(_o.id).where(*fit, _o.status == status).order_by(_o.id.desc()).limit(limit).subquery()
        for status in dict.fromkeys(wanted.statuses)
    ]
    either = union_all(*(select(one.c.id) for one in newest)).subquery()
    return dicts(database, columns.where(_o.id.in_(select(either.c.id))).order_by(*order).limit(limit))


def find_workers(
    database: Database, statuses: Iterable[str], limit: int, before: tuple[datetime, str] | None = None
) -> list[dict[str, Any]]:
    """Worker instances, the one that started last first: those before that one."""
    columns = [*_w, _o.schedule_id.label("current_schedule_id")]
    query = select(*columns).join_from(workers, occurrences, _o.id == _w.current_occurrence_id, isouter=True)
    if chosen := list(statuses):
        query = query.where(any_of(_w.status, chosen))
    if before is not None:
        earlier = or_(_w.started_at < before[0], and_(_w.started_at == before[0], _w.id < before[1]))
        query = query.where(earlier)
    return dicts(database, query.order_by(_w.started_at.desc(), _w.id.desc()).limit(limit))


def one_occurrence(database: Database, occurrence_id: int) -> dict[str, Any] | None:
    """One occurrence whole, with every attempt to run its jobs; None if there is none."""
    more = ("jobs", "rerun_of", "cancel_requested_at", "cancel_requested_by", "worker_id")
    found = dicts(database, select(*(_o[name] for name in (*LEDGER, *more))).where(_o.id == occurrence_id))
    if not found:
        return None
    of = select(*(_r[name] for name in RUN)).where(_r.occurrence_id == occurrence_id).order_by(_r.id)
    return found[0] | {"runs": dicts(database, of)}
