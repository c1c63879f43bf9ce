"""The tables: columns and indexes, nothing else. A public contract, because users query them with SQL.

Here is where each column and index stands, for the migrations and for all statements of ours.
`scheduled.models` and `scheduled.access_models` are the same tables as SQLModel classes, for programs which
read them so. Nothing of ours imports those: a daemon makes no objects of rows, and without an ORM it is
smaller by 7 MiB and starts a tenth of a second sooner.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from scheduled.columns import LongText, UtcDateTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData(naming_convention=NAMING)

schedules = Table(
    "job_schedule",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("source", String(8), nullable=False, default="code"),
    Column("definition", JSON, nullable=False),
    Column("definition_hash", String(64), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("orphaned", Boolean, nullable=False, default=False),
    Column("ledger_from", UtcDateTime, nullable=False),
    Column("next_run_at", UtcDateTime),
    Column("last_run_at", UtcDateTime),
    Column("last_status", String(16)),
    Column("run_count", BigInteger, nullable=False, default=0),
    Column("failure_count", BigInteger, nullable=False, default=0),
    Column("skipped_count", BigInteger, nullable=False, default=0),
    Column("consecutive_failures", Integer, nullable=False, default=0),
    Column("locked_at", UtcDateTime),
    Column("locked_by", String(36)),
    Column("lock_expires_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_job_schedule_consecutive_failures", "consecutive_failures"),
    Index("ix_job_schedule_enabled_next_run_at", "enabled", "next_run_at"),
    Index("ix_job_schedule_locked_at", "locked_at"),
)
"""A schedule that was once defined, its switch, its frontier and its lock."""

occurrences = Table(
    "occurrence",
    metadata,
    Column("id", Id, primary_key=True),
    Column("schedule_id", String(64), ForeignKey("job_schedule.id"), nullable=False),
    Column("due_at", UtcDateTime, nullable=False),
    Column("due_until", UtcDateTime, nullable=False),
    Column("due_count", BigInteger, nullable=False, default=1),
    Column("unique_key", String(128)),
    Column("trigger", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("reason", String(64)),
    Column("detail", Text),
    Column("requested_by", String(255)),
    Column("requested_at", UtcDateTime),
    Column("jobs", JSON(none_as_null=True)),
    Column("params", JSON(none_as_null=True)),
    Column("cancel_requested_at", UtcDateTime),
    Column("cancel_requested_by", String(255)),
    Column("rerun_of", Id),
    Column("worker_id", String(36)),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("jobs_total", Integer, nullable=False, default=0),
    Column("jobs_completed", Integer, nullable=False, default=0),
    Column("jobs_failed", Integer, nullable=False, default=0),
    Column("jobs_skipped", Integer, nullable=False, default=0),
    UniqueConstraint("unique_key"),
    Index("ix_occurrence_due_at", "due_at"),
    Index("ix_occurrence_schedule_id_due_at", "schedule_id", "due_at"),
    Index("ix_occurrence_status", "status"),
)
"""One due instant of one schedule, a stretch of skipped ones, or one request; and what became of it."""

runs = Table(
    "job_run",
    metadata,
    Column("id", Id, primary_key=True),
    Column("occurrence_id", Id, ForeignKey("occurrence.id"), nullable=False),
    Column("schedule_id", String(64), nullable=False),
    Column("job_name", String(64), nullable=False),
    Column("tenant", String(64), nullable=False, default=""),
    Column("attempt", Integer, nullable=False, default=1),
    Column("trigger", String(8), nullable=False),
    Column("status", String(16), nullable=False),
    Column("queued_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("duration_ms", BigInteger),
    Column("worker_id", String(36)),
    Column("pid", Integer),
    Column("pid_started_at", Double),
    Column("reason", String(64)),
    Column("error_type", String(255)),
    Column("error_message", Text),
    Column("progress_done", Double),
    Column("progress_total", Double),
    UniqueConstraint("occurrence_id", "job_name", "tenant", "attempt"),
    Index("ix_job_run_job_name_id", "job_name", "id"),
    Index("ix_job_run_schedule_id_id", "schedule_id", "id"),
    Index("ix_job_run_status_id", "status", "id"),
)
"""One attempt to run one job within an occurrence."""

outputs = Table(
    "job_output",
    metadata,
    Column("job_run_id", Id, ForeignKey("job_run.id"), primary_key=True),
    Column("output", LongText),
    Column("truncated", Boolean, nullable=False, default=False),
    Column("traceback", LongText),
    Column("result", LongText),
)
"""What an attempt printed, raised and returned; only when there is something."""

events = Table(
    "schedule_event",
    metadata,
    Column("id", Id, primary_key=True),
    Column("schedule_id", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("event", String(32), nullable=False),
    Column("actor", String(255), nullable=False),
    Column("reason", Text),
    Column("data", JSON(none_as_null=True)),
    Index("ix_schedule_event_schedule_id_id", "schedule_id", "id"),
)
"""The append-only audit of everything that changes what should run."""

workers = Table(
    "worker_instance",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("worker_type", String(32), nullable=False),
    Column("hostname", String(255), nullable=False),
    Column("boot_id", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("pid_started_at", Double, nullable=False),
    Column("version", String(32), nullable=False),
    Column("definition_hash", String(64)),
    Column("status", String(16), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("last_heartbeat_at", UtcDateTime, nullable=False),
    Column("stopped_at", UtcDateTime),
    Column("poll_interval_ms", BigInteger, nullable=False),
    Column("current_occurrence_id", Id),
    Column("jobs_processed", BigInteger, nullable=False, default=0),
    Column("clock_skew_ms", BigInteger),
    Index("ix_worker_instance_last_heartbeat_at", "last_heartbeat_at"),
)
"""One process of ours that registered itself; its heartbeat says that it lives."""

gaps = Table(
    "worker_gap",
    metadata,
    Column("id", Id, primary_key=True),
    Column("worker_id", String(36), ForeignKey("worker_instance.id"), nullable=False),
    Column("from_at", UtcDateTime, nullable=False),
    Column("to_at", UtcDateTime, nullable=False),
    Column("cause", String(32), nullable=False),
    Index("ix_worker_gap_worker_id_to_at", "worker_id", "to_at"),
)
"""A stretch in which a living process could do nothing: its host slept, or its clock stepped forward."""

users = Table(
    "admin_user",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False),  # in lower case, so that nobody takes two people for one
    Column("role", String(16), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("password_changed_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_login_at", UtcDateTime),
    UniqueConstraint("name"),
)
"""Somebody who may log in."""

sessions = Table(
    "admin_session",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("admin_user.id"), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("address", String(64)),
    Column("agent", String(255)),
    UniqueConstraint("token_hash"),
    Index("ix_admin_session_expires_at", "expires_at"),
    Index("ix_admin_session_user_id", "user_id"),
)
"""One browser that somebody is logged in with; of its cookie only the hash is kept."""

tokens = Table(
    "admin_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("admin_user.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("token_hash", String(64), nullable=False),
    Column("hint", String(16), nullable=False),  # its first letters, by which its owner knows it again
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("token_hash"),
    Index("ix_admin_token_user_id", "user_id"),
)
"""One API token; it was shown once, and only its hash is kept."""

keys = Table(
    "idempotency_key",
    metadata,
    Column("key_hash", String(64), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("occurrence_id", Id, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_idempotency_key_at", "at"),
)
"""A request of the API that must not be done twice, and what it came to."""
