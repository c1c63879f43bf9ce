"""What the commands that read ask of the database: dictionaries of plain values, never rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, or_, select, union_all

from scheduled.store.database import Database
from scheduled.store.dicts import dicts
from scheduled.store.tables import any_of, events, occurrences, outputs, runs, schedules, workers
from scheduled.words import Status

_s, _o, _r, _w = schedules.c, occurrences.c, runs.c, workers.c

SCHEDULE = (
    "id", "definition", "enabled", "orphaned", "last_run_at", "last_status", "next_run_at", "run_count",
    "failure_count", "skipped_count", "consecutive_failures", "locked_by",
)  # fmt: skip
RUN = (
    "id", "occurrence_id", "schedule_id", "job_name", "tenant", "attempt", "trigger", "status", "queued_at",
    "started_at", "finished_at", "duration_ms", "progress_done", "progress_total", "worker_id", "reason",
    "error_type", "error_message",
)  # fmt: skip
OCCURRENCE = (
    "id", "schedule_id", "due_at", "trigger", "status", "reason", "detail", "requested_by", "requested_at",
    "params", "rerun_of", "started_at", "finished_at",
)  # fmt: skip
LEDGER = (
    "id", "schedule_id", "due_at", "due_until", "due_count", "trigger", "status", "reason", "detail",
    "requested_by", "requested_at", "params", "started_at", "finished_at", "jobs_total", "jobs_completed",
    "jobs_failed", "jobs_skipped",
)  # fmt: skip
OUTPUT = ("output", "truncated", "traceback", "result")


@dataclass(frozen=True)
class Wanted:
    """Which runs are asked for. What is None or empty leaves nothing out."""

    schedule_id: str | None = None
    job_name: str | None = None
    statuses: Sequence[str] = ()
    since: datetime | None = None
    """Runs that had not ended by then."""
    limit: int = 50


def all_schedules(
    database: Database, after: str | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """The schedules, by id: those after that one, and at most so many."""
    query = select(*(_s[name] for name in SCHEDULE)).order_by(_s.id).limit(limit)
    return dicts(database, query if after is None else query.where(_s.id > after))


def schedule_row(database: Database, schedule_id: str) -> dict[str, Any] | None:
    """One schedule's row, whole; None if there is none."""
    found = dicts(database, select(*_s).where(_s.id == schedule_id))
    return found[0] if found else None


def jobs_by_schedule(database: Database) -> Iterator[tuple[str, list[str]]]:
    """The id of each schedule that is in the code, by id, and the names of its jobs.

    One after the other: to hold all at once takes three times as long.
    """
    query = select(_s.id, _s.definition["jobs"]).where(_s.orphaned.is_(False)).order_by(_s.id)
    with database.reading() as connection:
        yield from ((schedule_id, jobs or []) for schedule_id, jobs in connection.execute(query))


def job_details(database: Database, schedule_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the definitions of these schedules say of their jobs, by the id."""
    query = select(_s.id, _s.definition["job_details"].label("told")).where(_s.id.in_(schedule_ids))
    return {row["id"]: row["told"] or {} for row in dicts(database, query)}


def known_schedules(database: Database) -> list[str]:
    """The ids of all schedules."""
    return [row["id"] for row in dicts(database, select(_s.id).order_by(_s.id))]


def known_jobs(database: Database) -> list[str]:
    """The names of all jobs that a schedule runs, by the definitions that were stored last."""
    definitions = (row["definition"] for row in dicts(database, select(_s.definition)))
    return sorted({name for definition in definitions for name in definition.get("jobs", ())})


def ever_ran(database: Database, job_name: str) -> bool:
    """Whether the history has a run of that job."""
    return bool(dicts(database, select(_r.id).where(_r.job_name == job_name).limit(1)))


def history(database: Database, wanted: Wanted) -> list[dict[str, Any]]:
    """The newest runs that are wanted, newest first, each with the instant at which it was due."""
    query = select(*(_r[name] for name in RUN), _o.due_at).join_from(runs, occurrences)
    newest = [_newest(wanted, status).subquery() for status in set(wanted.statuses) or (None,)]
    either = union_all(*(select(one.c.id) for one in newest)).subquery()
    query = query.where(_r.id.in_(select(either.c.id)))
    return dicts(database, query.order_by(_r.id.desc()).limit(wanted.limit))


def _newest(wanted: Wanted, status: str | None) -> Select[Any]:
    """The ids of the newest runs of one status: each by an index of its own, for two at once have none."""
    query = select(_r.id)
    if wanted.schedule_id is not None:
        query = query.where(_r.schedule_id == wanted.schedule_id)
    if wanted.job_name is not None:
        query = query.where(_r.job_name == wanted.job_name)
    if status is not None:
        query = query.where(_r.status == status)
    if wanted.since is not None:
        going_on = and_(_r.finished_at.is_(None), any_of(_r.status, [Status.QUEUED, Status.RUNNING]))
        query = query.where(or_(_r.finished_at >= wanted.since, going_on))
    return query.order_by(_r.id.desc()).limit(wanted.limit)


def occurrence_history(database: Database, wanted: Wanted) -> list[dict[str, Any]]:
    """The newest occurrences that are wanted, stretches of skipped instants included, newest first."""
    query = select(*(_o[name] for name in LEDGER))
    if wanted.schedule_id is not None:
        query = query.where(_o.schedule_id == wanted.schedule_id)
    if wanted.statuses:
        query = query.where(any_of(_o.status, wanted.statuses))
    if wanted.since is not None:
        going_on = any_of(_o.status, [Status.QUEUED, Status.RUNNING])
        query = query.where(or_(_o.due_until >= wanted.since, _o.finished_at >= wanted.since, going_on))
    newest_first = (_o.id.desc(),) if wanted.schedule_id is None else (_o.due_at.desc(), _o.id.desc())
    return dicts(database, query.order_by(*newest_first).limit(wanted.limit))


def one_run(database: Database, job_run_id: int) -> dict[str, Any] | None:
    """One run whole: its columns, what it printed, raised and returned, its occurrence, and all attempts."""
    columns = (*(_r[name] for name in RUN), *(outputs.c[name] for name in OUTPUT))
    query = select(*columns).join_from(runs, outputs, isouter=True).where(_r.id == job_run_id)
    found = dicts(database, query)
    if not found:
        return None
    run = found[0]
    of = select(*(_o[name] for name in OCCURRENCE)).where(_o.id == run["occurrence_id"])
    attempts = select(
        _r.id, _r.attempt, _r.status, _r.started_at, _r.finished_at, _r.duration_ms, _r.reason
    ).where(
        _r.occurrence_id == run["occurrence_id"],
        _r.job_name == run["job_name"],
        _r.tenant == run["tenant"],
    )
    run["truncated"] = bool(run["truncated"])
    run["occurrence"] = dicts(database, of)[0]
    run["attempts"] = dicts(database, attempts.order_by(_r.attempt))
    return run


def worker_instances(database: Database) -> list[dict[str, Any]]:
    """Every process that registered itself, the one that started last first."""
    columns = [*_w, _o.schedule_id.label("current_schedule_id")]
    query = select(*columns).join_from(workers, occurrences, _o.id == _w.current_occurrence_id, isouter=True)
    return dicts(database, query.order_by(_w.started_at.desc()))


def schedule_events(database: Database, schedule_id: str | None, limit: int) -> list[dict[str, Any]]:
    """The audit, newest first; of one schedule, if it is named."""
    query = select(*events.c).order_by(events.c.id.desc()).limit(limit)
    return dicts(database, query if schedule_id is None else query.where(events.c.schedule_id == schedule_id))
