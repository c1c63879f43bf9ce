"""How much there is to do, and who is there to do it."""

from typing import Any

from sqlalchemy import func, select, true

from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import any_of, given, lock_is_free, occurrences, schedules, spelled, workers
from scheduled.words import Status, WorkerStatus, WorkerType

_s, _o, _w = schedules.c, occurrences.c, workers.c

DUE = Statement(
    select(func.count().label("count"), func.min(_s.next_run_at).label("oldest")).where(
        _s.enabled == true(), _s.next_run_at <= given(_s.next_run_at, "the_now"), lock_is_free()
    )
)
NEXT = Statement(
    select(_s.next_run_at)
    .where(_s.enabled == true(), _s.next_run_at > given(_s.next_run_at, "the_now"))
    .order_by(_s.next_run_at)
    .limit(1)
)
WAITING = Statement(select(func.count().label("count")).where(_o.status == spelled(Status.QUEUED)))
DAEMONS = Statement(
    select(
        _w.id, _w.hostname, _w.pid, _w.boot_id, _w.pid_started_at, _w.poll_interval_ms, _w.last_heartbeat_at,
        _w.jobs_processed,
    )
    .where(
        _w.worker_type == WorkerType.SCHEDULE_DAEMON,
        any_of(_w.status, [WorkerStatus.RUNNING, WorkerStatus.STOPPING]),
    )
    .order_by(_w.last_heartbeat_at.desc())
)  # fmt: skip
DOING = Statement(
    select(_o.worker_id, _o.id.label("occurrence_id"), _o.schedule_id, _o.started_at)
    .where(_o.status == spelled(Status.RUNNING))
    .order_by(_o.id)
    .limit(100)
)


def doing(held: Held) -> list[dict[str, Any]]:
    """What runs just now, and who runs it."""
    return [row._asdict() for row in held.rows(DOING) if row.worker_id is not None]
