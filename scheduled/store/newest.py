"""What is newest in the database: asked often, so that it costs the same at any size."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import func, select

from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import any_of, events, given, occurrences, outputs, runs, spelled, workers
from scheduled.words import Status, WorkerStatus

_o, _r, _e, _w = occurrences.c, runs.c, events.c, workers.c
MOST = 500
"""So many of what runs are told apart."""

IDS = Statement(
    select(
        select(func.max(_o.id)).scalar_subquery().label("occurrences"),
        select(func.max(_r.id)).scalar_subquery().label("runs"),
        select(func.max(_e.id)).scalar_subquery().label("events"),
    )
)
WAITING = Statement(
    select(func.count().label("count"), func.max(_o.id).label("last"), func.min(_o.id).label("first")).where(
        _o.status == spelled(Status.QUEUED)
    )
)
GOING_ON = Statement(
    select(_o.id, _o.cancel_requested_at).where(_o.status == spelled(Status.RUNNING)).limit(MOST)
)
ATTEMPTS = Statement(
    select(_r.id, _r.status, _r.progress_done, _r.progress_total)
    .where((_r.status == spelled(Status.RUNNING)) | (_r.status == spelled(Status.QUEUED)))
    .limit(MOST)
)
LIVING = Statement(
    select(_w.id, _w.status, _w.last_heartbeat_at, _w.current_occurrence_id, _w.jobs_processed)
    .where(any_of(_w.status, [WorkerStatus.RUNNING, WorkerStatus.STOPPING]))
    .limit(MOST)
)
OF_OCCURRENCE = Statement(
    select(_r.id, _r.job_name, _r.attempt, _r.status, _r.progress_done, _r.progress_total)
    .where(_r.occurrence_id == given(_r.occurrence_id), _r.started_at.is_not(None))
    .order_by(_r.id)
)
OUTPUT = Statement(
    select(outputs.c.output, outputs.c.truncated).where(outputs.c.job_run_id == given(outputs.c.job_run_id))
)


@dataclass(frozen=True)
class Newest:
    """The greatest ids, and a token that is another one as soon as anything has changed."""

    occurrences: int
    runs: int
    events: int
    token: str


def newest(held: Held) -> Newest:
    """What is newest now.

    Raises:
        DatabaseError: the database does not answer.
    """
    ids = held.row(IDS)
    moving = [sorted(map(tuple, held.rows(one)), key=str) for one in (WAITING, GOING_ON, ATTEMPTS, LIVING)]
    token = sha256(repr((tuple(ids), moving)).encode()).hexdigest()[:16]
    return Newest(ids.occurrences or 0, ids.runs or 0, ids.events or 0, token)


def begun(held: Held, occurrence_id: int) -> list[Any]:
    """The attempts of an occurrence that have begun, with how far they have come; in their order."""
    return held.rows(OF_OCCURRENCE, the_occurrence_id=occurrence_id)


def output_of(held: Held, job_run_id: int) -> tuple[str, bool]:
    """What an attempt has printed so far, and whether that is only its end."""
    row = held.row(OUTPUT, the_job_run_id=job_run_id)
    return ("", False) if row is None else (row.output or "", bool(row.truncated))
