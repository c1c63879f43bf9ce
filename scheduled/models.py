"""The tables: columns and indexes, nothing else. A public contract, because users query them with SQL."""

from datetime import datetime
from typing import Any

from pydantic import ConfigDict
from sqlalchemy import JSON, BigInteger, Double, Index, Integer, MetaData, Text, UniqueConstraint
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from scheduled.columns import LongText, UtcDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


Id = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData(naming_convention=NAMING)


class Table(SQLModel, registry=registry(metadata=metadata)):
    """The root of our tables, apart from the application's own models and metadata."""

    # A daemon makes no instances: it need not hold what validates them.
    model_config = ConfigDict(defer_build=True)  # type: ignore[assignment]


class JobSchedule(Table, table=True):
    """A schedule that was once defined, its switch, its frontier and its lock."""

    __tablename__ = "job_schedule"
    __table_args__ = (
        Index("ix_job_schedule_enabled_next_run_at", "enabled", "next_run_at"),
        Index("ix_job_schedule_locked_at", "locked_at"),
        Index("ix_job_schedule_consecutive_failures", "consecutive_failures"),
    )

    id: str = Field(primary_key=True, max_length=64)
    source: str = Field(default="code", max_length=8)
    definition: dict[str, Any] = Field(sa_type=JSON)
    definition_hash: str = Field(max_length=64)
    enabled: bool
    orphaned: bool = False
    ledger_from: datetime = Field(sa_type=UtcDateTime)
    next_run_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_run_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_status: str | None = Field(default=None, max_length=16)
    run_count: int = Field(default=0, sa_type=BigInteger)
    failure_count: int = Field(default=0, sa_type=BigInteger)
    skipped_count: int = Field(default=0, sa_type=BigInteger)
    consecutive_failures: int = 0
    locked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    locked_by: str | None = Field(default=None, max_length=36)
    lock_expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Occurrence(Table, table=True):
    """One due instant of one schedule, a stretch of skipped ones, or one request; and what became of it."""

    __tablename__ = "occurrence"
    __table_args__ = (
        UniqueConstraint("unique_key"),
        Index("ix_occurrence_schedule_id_due_at", "schedule_id", "due_at"),
        Index("ix_occurrence_due_at", "due_at"),
        Index("ix_occurrence_status", "status"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    schedule_id: str = Field(foreign_key="job_schedule.id", max_length=64)
    due_at: datetime = Field(sa_type=UtcDateTime)
    due_until: datetime = Field(sa_type=UtcDateTime)
    due_count: int = Field(default=1, sa_type=BigInteger)
    unique_key: str | None = Field(default=None, max_length=128)
    trigger: str = Field(max_length=8)
    status: str = Field(max_length=16)
    reason: str | None = Field(default=None, max_length=64)
    detail: str | None = Field(default=None, sa_type=Text)
    requested_by: str | None = Field(default=None, max_length=255)
    requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    jobs: list[str] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    params: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    cancel_requested_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cancel_requested_by: str | None = Field(default=None, max_length=255)
    rerun_of: int | None = Field(default=None, sa_type=Id)
    worker_id: str | None = Field(default=None, max_length=36)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    jobs_total: int = 0
    jobs_completed: int = 0
    jobs_failed: int = 0
    jobs_skipped: int = 0


class JobRun(Table, table=True):
    """One attempt to run one job within an occurrence."""

    __tablename__ = "job_run"
    __table_args__ = (
        UniqueConstraint("occurrence_id", "job_name", "tenant", "attempt"),
        Index("ix_job_run_schedule_id_id", "schedule_id", "id"),
        Index("ix_job_run_job_name_id", "job_name", "id"),
        Index("ix_job_run_status_id", "status", "id"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    occurrence_id: int = Field(foreign_key="occurrence.id", sa_type=Id)
    schedule_id: str = Field(max_length=64)
    job_name: str = Field(max_length=64)
    tenant: str = Field(default="", max_length=64)
    attempt: int = 1
    trigger: str = Field(max_length=8)
    status: str = Field(max_length=16)
    queued_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    duration_ms: int | None = Field(default=None, sa_type=BigInteger)
    worker_id: str | None = Field(default=None, max_length=36)
    pid: int | None = None
    pid_started_at: float | None = Field(default=None, sa_type=Double)
    reason: str | None = Field(default=None, max_length=64)
    error_type: str | None = Field(default=None, max_length=255)
    error_message: str | None = Field(default=None, sa_type=Text)


class JobOutput(Table, table=True):
    """What an attempt printed, raised and returned; only when there is something."""

    __tablename__ = "job_output"

    job_run_id: int = Field(foreign_key="job_run.id", primary_key=True, sa_type=Id)
    output: str | None = Field(default=None, sa_type=LongText)
    truncated: bool = False
    traceback: str | None = Field(default=None, sa_type=LongText)
    result: str | None = Field(default=None, sa_type=LongText)


class ScheduleEvent(Table, table=True):
    """The append-only audit of everything that changes what should run."""

    __tablename__ = "schedule_event"
    __table_args__ = (Index("ix_schedule_event_schedule_id_id", "schedule_id", "id"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    schedule_id: str = Field(max_length=64)
    at: datetime = Field(sa_type=UtcDateTime)
    event: str = Field(max_length=32)
    actor: str = Field(max_length=255)
    reason: str | None = Field(default=None, sa_type=Text)
    data: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))


class WorkerInstance(Table, table=True):
    """One process of ours that registered itself; its heartbeat says that it lives."""

    __tablename__ = "worker_instance"
    __table_args__ = (Index("ix_worker_instance_last_heartbeat_at", "last_heartbeat_at"),)

    id: str = Field(primary_key=True, max_length=36)
    worker_type: str = Field(max_length=32)
    hostname: str = Field(max_length=255)
    boot_id: str = Field(max_length=64)
    pid: int
    pid_started_at: float = Field(sa_type=Double)
    version: str = Field(max_length=32)
    definition_hash: str | None = Field(default=None, max_length=64)
    status: str = Field(max_length=16)
    started_at: datetime = Field(sa_type=UtcDateTime)
    last_heartbeat_at: datetime = Field(sa_type=UtcDateTime)
    stopped_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    poll_interval_ms: int = Field(sa_type=BigInteger)
    current_occurrence_id: int | None = Field(default=None, sa_type=Id)
    jobs_processed: int = Field(default=0, sa_type=BigInteger)
    clock_skew_ms: int | None = Field(default=None, sa_type=BigInteger)


class WorkerGap(Table, table=True):
    """A stretch in which a living process could do nothing: its host slept, or its clock stepped forward."""

    __tablename__ = "worker_gap"
    __table_args__ = (Index("ix_worker_gap_worker_id_to_at", "worker_id", "to_at"),)

    id: int | None = Field(default=None, primary_key=True, sa_type=Id)
    worker_id: str = Field(foreign_key="worker_instance.id", max_length=36)
    from_at: datetime = Field(sa_type=UtcDateTime)
    to_at: datetime = Field(sa_type=UtcDateTime)
    cause: str = Field(max_length=32)
