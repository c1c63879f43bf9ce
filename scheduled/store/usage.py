"""Reads of the history as a usage report needs it: the columns that count, page by page, newest first."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, bindparam, select

from scheduled.store.database import Database
from scheduled.store.tables import given, occurrences, runs, schedules

PAGE = 5000
"""How many rows are read in one query, so that none is long and no more are held."""

_o, _r, _s = occurrences.c, runs.c, schedules.c
_before = bindparam("before", type_=_r.id.type)

RUNS = (
    select(_r.id, _r.occurrence_id, _r.job_name, _r.tenant, _r.attempt, _r.trigger, _r.status, _r.reason)
    .add_columns(_o.due_at, _r.started_at, _r.duration_ms)
    .join(occurrences, _o.id == _r.occurrence_id)
    .where(_r.queued_at >= given(_r.queued_at, "since"), _r.id < _before)
    .order_by(_r.id.desc())
    .limit(bindparam("page"))
)
OCCURRENCES = (
    select(_o.id, _o.schedule_id, _o.trigger, _o.status, _o.reason, _o.due_count)
    .add_columns(_o.due_at, _o.started_at, _o.finished_at)
    .where(_o.due_until >= given(_o.due_until, "since"), _o.id < _before)
    .order_by(_o.id.desc())
    .limit(bindparam("page"))
)
KNOWN = select(_s.id, _s.enabled, _s.definition).where(_s.orphaned.is_(False)).order_by(_s.id)


class RunFigures(NamedTuple):
    """One attempt to run one job, as far as a usage report looks."""

    id: int
    occurrence_id: int
    job_name: str
    tenant: str
    attempt: int
    trigger: str
    status: str
    reason: str | None
    due_at: datetime
    started_at: datetime | None
    duration_ms: int | None


class OccurrenceFigures(NamedTuple):
    """One occurrence, as far as a usage report looks."""

    id: int
    schedule_id: str
    trigger: str
    status: str
    reason: str | None
    due_count: int
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class KnownSchedule(NamedTuple):
    """A schedule that is in the code, and the jobs that it runs."""

    id: str
    enabled: bool
    jobs: tuple[str, ...]


def runs_queued_since(database: Database, since: datetime) -> Iterator[RunFigures]:
    """Every attempt that was queued at that instant or later, newest first."""
    return (RunFigures(*row) for row in _pages(database, RUNS, since))


def occurrences_due_since(database: Database, since: datetime) -> Iterator[OccurrenceFigures]:
    """Every occurrence that was due, or a stretch that lasted, at that instant or later; newest first."""
    return (OccurrenceFigures(*row) for row in _pages(database, OCCURRENCES, since))


def known_schedules(database: Database) -> list[KnownSchedule]:
    with database.reading() as connection:
        rows = connection.execute(KNOWN).all()
    return [KnownSchedule(row.id, row.enabled, tuple(row.definition.get("jobs", ()))) for row in rows]


def _pages(database: Database, query: Select[Any], since: datetime) -> Iterator[Any]:
    before = 2**63 - 1
    while True:
        with database.reading() as connection:
            rows = connection.execute(query, {"since": since, "before": before, "page": PAGE}).all()
        yield from rows
        if len(rows) < PAGE:
            return
        before = rows[-1].id
