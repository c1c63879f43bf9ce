"""The tables as SQLModel classes, for programs which read them so. Nothing of ours imports this.

Columns and indexes stand in `scheduled.tables`, and so does why. `tests/test_models.py` makes sure that each
class says what its table says.
"""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from scheduled import tables

_schedules, _occurrences = tables.schedules.c, tables.occurrences.c
_runs, _outputs = tables.runs.c, tables.outputs.c
_events, _workers, _gaps = tables.events.c, tables.workers.c, tables.gaps.c


class Table(SQLModel, registry=registry(metadata=tables.metadata)):
    """The root of our tables, apart from the application's own models and metadata."""


class JobSchedule(Table, table=True):
    """A schedule that was once defined, its switch, its frontier and its lock."""

    __tablename__ = "job_schedule"
    __table__ = tables.schedules

    id: str = Field(sa_column=_schedules.id)
    source: str = Field(default="code", sa_column=_schedules.source)
    definition: dict[str, Any] = Field(sa_column=_schedules.definition)
    definition_hash: str = Field(sa_column=_schedules.definition_hash)
    enabled: bool = Field(sa_column=_schedules.enabled)
    orphaned: bool = Field(default=False, sa_column=_schedules.orphaned)
    ledger_from: datetime = Field(sa_column=_schedules.ledger_from)
    next_run_at: datetime | None = Field(default=None, sa_column=_schedules.next_run_at)
    last_run_at: datetime | None = Field(default=None, sa_column=_schedules.last_run_at)
    last_status: str | None = Field(default=None, sa_column=_schedules.last_status)
    run_count: int = Field(default=0, sa_column=_schedules.run_count)
    failure_count: int = Field(default=0, sa_column=_schedules.failure_count)
    skipped_count: int = Field(default=0, sa_column=_schedules.skipped_count)
    consecutive_failures: int = Field(default=0, sa_column=_schedules.consecutive_failures)
    locked_at: datetime | None = Field(default=None, sa_column=_schedules.locked_at)
    locked_by: str | None = Field(default=None, sa_column=_schedules.locked_by)
    lock_expires_at: datetime | None = Field(default=None, sa_column=_schedules.lock_expires_at)
    created_at: datetime = Field(sa_column=_schedules.created_at)
    updated_at: datetime = Field(sa_column=_schedules.updated_at)


class Occurrence(Table, table=True):
    """One due instant of one schedule, a stretch of skipped ones, or one request; and what became of it."""

    __tablename__ = "occurrence"
    __table__ = tables.occurrences

    id: int | None = Field(default=None, sa_column=_occurrences.id)
    schedule_id: str = Field(sa_column=_occurrences.schedule_id)
    due_at: datetime = Field(sa_column=_occurrences.due_at)
    due_until: datetime = Field(sa_column=_occurrences.due_until)
    due_count: int = Field(default=1, sa_column=_occurrences.due_count)
    unique_key: str | None = Field(default=None, sa_column=_occurrences.unique_key)
    trigger: str = Field(sa_column=_occurrences.trigger)
    status: str = Field(sa_column=_occurrences.status)
    reason: str | None = Field(default=None, sa_column=_occurrences.reason)
    detail: str | None = Field(default=None, sa_column=_occurrences.detail)
    requested_by: str | None = Field(default=None, sa_column=_occurrences.requested_by)
    requested_at: datetime | None = Field(default=None, sa_column=_occurrences.requested_at)
    jobs: list[str] | None = Field(default=None, sa_column=_occurrences.jobs)
    params: dict[str, Any] | None = Field(default=None, sa_column=_occurrences.params)
    cancel_requested_at: datetime | None = Field(default=None, sa_column=_occurrences.cancel_requested_at)
    cancel_requested_by: str | None = Field(default=None, sa_column=_occurrences.cancel_requested_by)
    rerun_of: int | None = Field(default=None, sa_column=_occurrences.rerun_of)
    worker_id: str | None = Field(default=None, sa_column=_occurrences.worker_id)
    started_at: datetime | None = Field(default=None, sa_column=_occurrences.started_at)
    finished_at: datetime | None = Field(default=None, sa_column=_occurrences.finished_at)
    jobs_total: int = Field(default=0, sa_column=_occurrences.jobs_total)
    jobs_completed: int = Field(default=0, sa_column=_occurrences.jobs_completed)
    jobs_failed: int = Field(default=0, sa_column=_occurrences.jobs_failed)
    jobs_skipped: int = Field(default=0, sa_column=_occurrences.jobs_skipped)


class JobRun(Table, table=True):
    """One attempt to run one job within an occurrence."""

    __tablename__ = "job_run"
    __table__ = tables.runs

    id: int | None = Field(default=None, sa_column=_runs.id)
    occurrence_id: int = Field(sa_column=_runs.occurrence_id)
    schedule_id: str = Field(sa_column=_runs.schedule_id)
    job_name: str = Field(sa_column=_runs.job_name)
    tenant: str = Field(default="", sa_column=_runs.tenant)
    attempt: int = Field(default=1, sa_column=_runs.attempt)
    trigger: str = Field(sa_column=_runs.trigger)
    status: str = Field(sa_column=_runs.status)
    queued_at: datetime = Field(sa_column=_runs.queued_at)
    started_at: datetime | None = Field(default=None, sa_column=_runs.started_at)
    finished_at: datetime | None = Field(default=None, sa_column=_runs.finished_at)
    duration_ms: int | None = Field(default=None, sa_column=_runs.duration_ms)
    worker_id: str | None = Field(default=None, sa_column=_runs.worker_id)
    pid: int | None = Field(default=None, sa_column=_runs.pid)
    pid_started_at: float | None = Field(default=None, sa_column=_runs.pid_started_at)
    reason: str | None = Field(default=None, sa_column=_runs.reason)
    error_type: str | None = Field(default=None, sa_column=_runs.error_type)
    error_message: str | None = Field(default=None, sa_column=_runs.error_message)
    progress_done: float | None = Field(default=None, sa_column=_runs.progress_done)
    progress_total: float | None = Field(default=None, sa_column=_runs.progress_total)


class JobOutput(Table, table=True):
    """What an attempt printed, raised and returned; only when there is something."""

    __tablename__ = "job_output"
    __table__ = tables.outputs

    job_run_id: int = Field(sa_column=_outputs.job_run_id)
    output: str | None = Field(default=None, sa_column=_outputs.output)
    truncated: bool = Field(default=False, sa_column=_outputs.truncated)
    traceback: str | None = Field(default=None, sa_column=_outputs.traceback)
    result: str | None = Field(default=None, sa_column=_outputs.result)


class ScheduleEvent(Table, table=True):
    """The append-only audit of everything that changes what should run."""

    __tablename__ = "schedule_event"
    __table__ = tables.events

    id: int | None = Field(default=None, sa_column=_events.id)
    schedule_id: str = Field(sa_column=_events.schedule_id)
    at: datetime = Field(sa_column=_events.at)
    event: str = Field(sa_column=_events.event)
    actor: str = Field(sa_column=_events.actor)
    reason: str | None = Field(default=None, sa_column=_events.reason)
    data: dict[str, Any] | None = Field(default=None, sa_column=_events.data)


class WorkerInstance(Table, table=True):
    """One process of ours that registered itself; its heartbeat says that it lives."""

    __tablename__ = "worker_instance"
    __table__ = tables.workers

    id: str = Field(sa_column=_workers.id)
    worker_type: str = Field(sa_column=_workers.worker_type)
    hostname: str = Field(sa_column=_workers.hostname)
    boot_id: str = Field(sa_column=_workers.boot_id)
    pid: int = Field(sa_column=_workers.pid)
    pid_started_at: float = Field(sa_column=_workers.pid_started_at)
    version: str = Field(sa_column=_workers.version)
    definition_hash: str | None = Field(default=None, sa_column=_workers.definition_hash)
    status: str = Field(sa_column=_workers.status)
    started_at: datetime = Field(sa_column=_workers.started_at)
    last_heartbeat_at: datetime = Field(sa_column=_workers.last_heartbeat_at)
    stopped_at: datetime | None = Field(default=None, sa_column=_workers.stopped_at)
    poll_interval_ms: int = Field(sa_column=_workers.poll_interval_ms)
    current_occurrence_id: int | None = Field(default=None, sa_column=_workers.current_occurrence_id)
    jobs_processed: int = Field(default=0, sa_column=_workers.jobs_processed)
    clock_skew_ms: int | None = Field(default=None, sa_column=_workers.clock_skew_ms)


class WorkerGap(Table, table=True):
    """A stretch in which a living process could do nothing: its host slept, or its clock stepped forward."""

    __tablename__ = "worker_gap"
    __table__ = tables.gaps

    id: int | None = Field(default=None, sa_column=_gaps.id)
    worker_id: str = Field(sa_column=_gaps.worker_id)
    from_at: datetime = Field(sa_column=_gaps.from_at)
    to_at: datetime = Field(sa_column=_gaps.to_at)
    cause: str = Field(sa_column=_gaps.cause)
