"""Writes of job runs: one row an attempt, and beside it what the attempt printed, raised and returned."""

from typing import Any

from sqlalchemy import delete, select, update

from scheduled.store.database import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import all_given, given, inserted, outputs, runs
from scheduled.words import Status

_r = runs.c

ADD_RUN = Statement(
    inserted(
        runs,
        *("occurrence_id", "schedule_id", "job_name", "attempt", "trigger", "status", "queued_at"),
        tenant="",
        **dict.fromkeys(("started_at", "finished_at", "worker_id", "reason", "error_message")),
    )
)
START_RUN = Statement(
    update(runs)
    .where(_r.id == given(_r.id))
    .values(all_given(runs, "started_at", "worker_id") | {"status": Status.RUNNING})
)
FINISH_RUN = Statement(
    update(runs)
    .where(_r.id == given(_r.id))
    .values(all_given(runs, "status", "finished_at", "duration_ms", "reason", "error_type", "error_message"))
)
RECORD_CHILD = Statement(
    update(runs).where(_r.id == given(_r.id)).values(all_given(runs, "pid", "pid_started_at"))
)
ADD_OUTPUT = Statement(inserted(outputs, "job_run_id", "output", "truncated", "traceback", "result"))
ATTEMPTS = Statement(
    select(_r.id, _r.job_name, _r.attempt, _r.status, _r.reason, _r.started_at, _r.finished_at)
    .where(_r.occurrence_id == given(_r.occurrence_id))
    .order_by(_r.id)
)
NUMBERED = Statement(
    select(_r.id).where(
        _r.occurrence_id == given(_r.occurrence_id),
        _r.job_name == given(_r.job_name),
        _r.tenant == "",
        _r.attempt == given(_r.attempt),
    )
)
FORGET_BEGUN = Statement(
    delete(runs).where(_r.occurrence_id == given(_r.occurrence_id), _r.status == Status.RUNNING)
)
RESULTS = Statement(
    select(_r.job_name, outputs.c.result)
    .join_from(runs, outputs, outputs.c.job_run_id == _r.id)
    .where(_r.occurrence_id == given(_r.occurrence_id), _r.status == Status.COMPLETED)
)


def add_run(held: Held, **values: Any) -> int:
    """Write one attempt; its id. What is not given is null."""
    return int(held.insert(ADD_RUN, **values))
