"""Worker instances: that they live, what they do, and when they could not."""

from sqlalchemy import select, update

from scheduled.store.leases import Moment, is_taken
from scheduled.store.statements import Statement
from scheduled.store.tables import all_given, any_of, gaps, given, inserted, runs, schedules, workers
from scheduled.words import Status, WorkerStatus

_w, _s = workers.c, schedules.c

REGISTER = Statement(
    inserted(
        workers,
        *("id", "worker_type", "hostname", "boot_id", "pid", "pid_started_at", "version", "definition_hash"),
        *("status", "started_at", "last_heartbeat_at", "poll_interval_ms", "jobs_processed", "clock_skew_ms"),
    )
)
BEAT = Statement(
    update(workers)
    .where(_w.id == given(_w.id, "me"))
    .values(
        all_given(
            workers, "status", "last_heartbeat_at", "current_occurrence_id", "jobs_processed", "clock_skew_ms"
        )
    )
)
STOPPED = Statement(
    update(workers)
    .where(_w.id == given(_w.id, "me"))
    .values(
        all_given(workers, "last_heartbeat_at", "stopped_at", "jobs_processed")
        | {"status": WorkerStatus.STOPPED, "current_occurrence_id": None}
    )
)
LOST = Statement(
    update(workers)
    .where(_w.id == given(_w.id, "holder"), any_of(_w.status, [WorkerStatus.RUNNING, WorkerStatus.STOPPING]))
    .values(
        status=WorkerStatus.LOST,
        current_occurrence_id=None,
        last_heartbeat_at=given(_w.last_heartbeat_at, "last_sign"),
    )
)
ADD_GAP = Statement(inserted(gaps, "worker_id", "from_at", "to_at", "cause"))
ONE = Statement(select(*_w).where(_w.id == given(_w.id)))
LIVING = Statement(
    select(
        _w.id, _w.status, _w.hostname, _w.boot_id, _w.pid, _w.pid_started_at, _w.last_heartbeat_at,
        _w.poll_interval_ms, _w.worker_type,
    ).where(any_of(_w.status, [WorkerStatus.RUNNING, WorkerStatus.STOPPING]))
)  # fmt: skip
LOCKS = Statement(
    select(
        _s.id.label("schedule_id"), _s.locked_by, _s.lock_expires_at, _s.definition,
        (_s.lock_expires_at < Moment()).label("run_out"),
        _w.status, _w.hostname, _w.boot_id, _w.pid, _w.pid_started_at, _w.last_heartbeat_at,
    )
    .join_from(schedules, workers, workers.c.id == _s.locked_by, isouter=True)
    .where(is_taken(_s.locked_at), _s.locked_by != given(_s.locked_by, "me"))
)  # fmt: skip
CHILDREN = Statement(
    select(runs.c.pid, runs.c.pid_started_at).where(
        runs.c.occurrence_id == given(runs.c.occurrence_id),
        runs.c.status == Status.RUNNING,
        runs.c.pid.is_not(None),
    )
)
