"""Writes of job runs: one row an attempt, and beside it what the attempt printed, raised and returned."""

from typing import Any

from sqlalchemy import delete, select, update

from scheduled.store.held import Held
from scheduled.store.statements import Statement, Write
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
_finished = (
    update(runs)
    .where(_r.id == given(_r.id))
    .values(all_given(runs, "status", "finished_at", "duration_ms", "reason", "error_type", "error_message"))
)
_come_so_far = all_given(runs, "progress_done", "progress_total")
FINISH_RUN = Statement(_finished)
FINISH_WITH_PROGRESS = Statement(_finished.values(_come_so_far))
COME_SO_FAR = Statement(
    update(runs).where(_r.id == given(_r.id), _r.status == Status.RUNNING).values(_come_so_far)
)
RECORD_CHILD = Statement(
    update(runs).where(_r.id == given(_r.id)).values(all_given(runs, "pid", "pid_started_at"))
)
_output = ("output", "truncated", "traceback", "result")
ADD_OUTPUT = Statement(inserted(outputs, "job_run_id", *_output))
CHANGE_OUTPUT = Statement(
    update(outputs)
    .where(outputs.c.job_run_id == given(outputs.c.job_run_id))
    .values(all_given(outputs, *_output))
)
FORGET_OUTPUT = Statement(delete(outputs).where(outputs.c.job_run_id == given(outputs.c.job_run_id)))
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


def forgotten_output(job_run_id: int) -> Write:
    """What may have been written of an attempt while it ran is gone, for what follows in its place."""
    return Write(FORGET_OUTPUT, {"the_job_run_id": job_run_id}, in_turn=True)


def run_of(**values: Any) -> Write:
    """One attempt. What is not given is null."""
    return Write(ADD_RUN, values)


def add_run(held: Held, **values: Any) -> int:
    """Write one attempt; its id. What is not given is null."""
    return int(held.insert(ADD_RUN, **values))


def write_output(
    held: Held,
    job_run_id: int,
    *,
    output: str | None,
    truncated: bool,
    traceback: str | None = None,
    result: str | None = None,
) -> None:
    """Write what an attempt left behind, over what may have been written of it while it ran."""
    values = {"output": output, "truncated": truncated, "traceback": traceback, "result": result}
    if held.run(CHANGE_OUTPUT, the_job_run_id=job_run_id, **values) != 1:
        held.insert(ADD_OUTPUT, job_run_id=job_run_id, **values)
