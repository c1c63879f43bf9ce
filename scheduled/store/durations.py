"""How each job did lately, however long the history is. Light: it names the columns it needs, no model."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

from sqlalchemy import BigInteger, Integer, String, bindparam, column, select, table

from scheduled.columns import UtcDateTime
from scheduled.errors import DatabaseError
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.schema import require_current
from scheduled.store.statements import Statement
from scheduled.words import Status

MEASURED = 50
"""A median is of at most so many completed runs: the newest."""
LOOKED_AT = 200
"""They are sought among the newest so many attempts, so that a job that always fails costs no more."""

_r = table(
    "job_run",
    column("id", BigInteger()),
    column("job_name", String()),
    column("status", String()),
    column("reason", String()),
    column("started_at", UtcDateTime()),
    column("finished_at", UtcDateTime()),
    column("duration_ms", Integer()),
).c
_of_the_job = _r.job_name == bindparam("job_name", type_=String())

LAST = Statement(
    select(_r.id, _r.status, _r.reason, _r.started_at, _r.finished_at, _r.duration_ms)
    .where(_of_the_job)
    .order_by(_r.id.desc())
    .limit(1)
)
_newest = (
    select(_r.id, _r.status, _r.duration_ms)
    .where(_of_the_job)
    .order_by(_r.id.desc())
    .limit(LOOKED_AT)
    .subquery()
)
TAKEN = Statement(
    select(_newest.c.duration_ms)
    .where(_newest.c.status == str(Status.COMPLETED), _newest.c.duration_ms.is_not(None))
    .order_by(_newest.c.id.desc())
    .limit(MEASURED)
)


@dataclass(frozen=True)
class LastRun:
    """A job's newest attempt; it may still wait or run."""

    id: int
    status: str
    reason: str | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_ms: int | None


def last_run(held: Held, job_name: str) -> LastRun | None:
    """The newest attempt to run the job; None if there never was one."""
    row = held.row(LAST, job_name=job_name)
    return None if row is None else LastRun(*row)


def taken_ms(held: Held, job_name: str) -> list[int]:
    """How many milliseconds its newest completed runs took, the newest first."""
    return [row.duration_ms for row in held.rows(TAKEN, job_name=job_name)]


def median_ms(taken: Iterable[int]) -> int | None:
    """The median; None of nothing."""
    durations = list(taken)
    return round(median(durations)) if durations else None


def typical_seconds(database: Database, job_names: Iterable[str]) -> dict[str, float]:
    """The median of how long each job's newest completed runs took; without the jobs that have none."""
    with database.hold() as held:
        medians = {name: median_ms(taken_ms(held, name)) for name in job_names}
        return {name: found / 1000 for name, found in medians.items() if found is not None}


def seconds_if_known(url: str, job_names: Iterable[str]) -> dict[str, float]:
    """The same for whoever can do without: nothing where no such database is, or none that can be read.

    It creates nothing and writes nothing, not even into a SQLite file that is somebody else's.
    """
    try:
        with closing(Database(url)) as database:
            if database.file is not None and not _is_ours(database.file):
                return {}
            require_current(database)
            return typical_seconds(database, job_names)
    except (DatabaseError, sqlite3.Error):
        return {}


def _is_ours(file: Path) -> bool:
    """Whether a SQLite file has tables of ours. (To open it as ours would switch on its write-ahead log.)"""
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        ours = "SELECT count(*) FROM sqlite_master WHERE name = 'scheduled_version'"
        return bool(connection.execute(ours).fetchone()[0])
