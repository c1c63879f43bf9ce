"""One occurrence whole: its row, its schedule's, its attempts with what they printed, and what followed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select

from scheduled.store import schedules as of_schedules
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import given, occurrences, outputs, runs, workers

_o, _r, _w = occurrences.c, runs.c, workers.c
WITHIN = timedelta(days=2)
"""A rerun of a request is looked for among what was due so long after it: it has no index of its own."""
MOST_OUTPUTS = 10

ATTEMPTS = Statement(select(*_r).where(_r.occurrence_id == given(_r.occurrence_id)).order_by(_r.id))
RERUNS = Statement(
    select(_o.id, _o.status, _o.requested_by, _o.requested_at)
    .where(
        _o.schedule_id == given(_o.schedule_id),
        _o.due_at >= given(_o.due_at, "since"),
        _o.due_at <= given(_o.due_at, "until"),
        _o.rerun_of == given(_o.rerun_of),
    )
    .order_by(_o.id)
    .limit(20)
)
WORKER = Statement(select(_w.hostname, _w.pid, _w.status).where(_w.id == given(_w.id)))
OUTPUTS = Statement(
    select(*outputs.c).where(
        outputs.c.job_run_id.in_(
            [bindparam(f"one_{place}", type_=_r.id.type) for place in range(MOST_OUTPUTS)]
        )
    )
)


@dataclass(frozen=True)
class Whole:
    """An occurrence and what belongs to it."""

    row: Any
    schedule: Any
    attempts: Sequence[Any]
    reruns: Sequence[Any]
    worker: Any | None

    @property
    def last_attempts(self) -> list[Any]:
        """The newest attempt of each job, in the order in which they began."""
        return list({attempt.job_name: attempt for attempt in self.attempts}.values())


def whole(held: Held, occurrence_id: int) -> Whole | None:
    """The occurrence; None if there is none."""
    row = held.row(of_schedules.OCCURRENCE, the_id=occurrence_id)
    if row is None:
        return None
    until = row.due_at if row.due_at != row.requested_at else row.due_at + WITHIN
    values = {"the_schedule_id": row.schedule_id, "since": row.due_at, "until": until}
    return Whole(
        row,
        held.row(of_schedules.ONE, the_id=row.schedule_id),
        held.rows(ATTEMPTS, the_occurrence_id=occurrence_id),
        held.rows(RERUNS, **values, the_rerun_of=occurrence_id),
        held.row(WORKER, the_id=row.worker_id) if row.worker_id else None,
    )


def outputs_of(held: Held, run_ids: Iterable[int]) -> dict[int, Any]:
    """What those attempts printed, raised and returned, by their ids; of the first `MOST_OUTPUTS`."""
    wanted = list(run_ids)[:MOST_OUTPUTS]
    if not wanted:
        return {}
    places = wanted + [wanted[0]] * (MOST_OUTPUTS - len(wanted))
    values = {f"one_{place}": one for place, one in enumerate(places)}
    return {row.job_run_id: row for row in held.rows(OUTPUTS, **values)}


def worker_name(database: Database, worker_id: str | None) -> str:
    """The process of that id, as host/pid; the id itself if nothing else is known of it."""
    with database.hold() as held:
        row = held.row(WORKER, the_id=worker_id) if worker_id else None
    return (worker_id or "") if row is None else f"{row.hostname}/{row.pid}"
