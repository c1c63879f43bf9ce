"""Create the tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0001"
down_revision = None

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = (
    sa.DateTime(timezone=True)
    .with_variant(sa.DateTime(), "sqlite")
    .with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
)
LongText = sa.Text().with_variant(mysql.LONGTEXT(), "mysql", "mariadb")
# MySQL takes `Nightly` and `nightly` for the same name unless it is told to look at each letter.
IN_FULL_UNICODE: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def upgrade() -> None:
    op.create_table(
        "job_schedule",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("source", sa.String(8), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("definition_hash", sa.String(64), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("orphaned", sa.Boolean(), nullable=False),
        sa.Column("ledger_from", Instant, nullable=False),
        sa.Column("next_run_at", Instant, nullable=True),
        sa.Column("last_run_at", Instant, nullable=True),
        sa.Column("last_status", sa.String(16), nullable=True),
        sa.Column("run_count", sa.BigInteger(), nullable=False),
        sa.Column("failure_count", sa.BigInteger(), nullable=False),
        sa.Column("skipped_count", sa.BigInteger(), nullable=False),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False),
        sa.Column("locked_at", Instant, nullable=True),
        sa.Column("locked_by", sa.String(36), nullable=True),
        sa.Column("lock_expires_at", Instant, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("updated_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job_schedule"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_job_schedule_enabled_next_run_at", "job_schedule", ["enabled", "next_run_at"])
    op.create_index("ix_job_schedule_locked_at", "job_schedule", ["locked_at"])

    op.create_table(
        "occurrence",
        sa.Column("id", Id, nullable=False),
        sa.Column("schedule_id", sa.String(64), nullable=False),
        sa.Column("due_at", Instant, nullable=False),
        sa.Column("due_until", Instant, nullable=False),
        sa.Column("due_count", sa.BigInteger(), nullable=False),
        sa.Column("unique_key", sa.String(128), nullable=True),
        sa.Column("trigger", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("requested_by", sa.String(255), nullable=True),
        sa.Column("requested_at", Instant, nullable=True),
        sa.Column("jobs", sa.JSON(), nullable=True),
        sa.Column("params", sa.JSON(), nullable=True),
        sa.Column("cancel_requested_at", Instant, nullable=True),
        sa.Column("cancel_requested_by", sa.String(255), nullable=True),
        sa.Column("rerun_of", Id, nullable=True),
        sa.Column("worker_id", sa.String(36), nullable=True),
        sa.Column("started_at", Instant, nullable=True),
        sa.Column("finished_at", Instant, nullable=True),
        sa.Column("jobs_total", sa.Integer(), nullable=False),
        sa.Column("jobs_completed", sa.Integer(), nullable=False),
        sa.Column("jobs_failed", sa.Integer(), nullable=False),
        sa.Column("jobs_skipped", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_occurrence"),
        sa.ForeignKeyConstraint(["schedule_id"], ["job_schedule.id"], name="fk_occurrence_schedule_id"),
        sa.UniqueConstraint("unique_key", name="uq_occurrence_unique_key"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_occurrence_schedule_id_due_at", "occurrence", ["schedule_id", "due_at"])
    op.create_index("ix_occurrence_status", "occurrence", ["status"])

    op.create_table(
        "job_run",
        sa.Column("id", Id, nullable=False),
        sa.Column("occurrence_id", Id, nullable=False),
        sa.Column("schedule_id", sa.String(64), nullable=False),
        sa.Column("job_name", sa.String(64), nullable=False),
        sa.Column("tenant", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(8), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("queued_at", Instant, nullable=False),
        sa.Column("started_at", Instant, nullable=True),
        sa.Column("finished_at", Instant, nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("worker_id", sa.String(36), nullable=True),
        sa.Column("pid", sa.Integer(), nullable=True),
        sa.Column("pid_started_at", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(64), nullable=True),
        sa.Column("error_type", sa.String(255), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_job_run"),
        sa.ForeignKeyConstraint(["occurrence_id"], ["occurrence.id"], name="fk_job_run_occurrence_id"),
        sa.UniqueConstraint(
            "occurrence_id",
            "job_name",
            "tenant",
            "attempt",
            name="uq_job_run_occurrence_id_job_name_tenant_attempt",
        ),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_job_run_schedule_id_id", "job_run", ["schedule_id", "id"])
    op.create_index("ix_job_run_job_name_id", "job_run", ["job_name", "id"])
    op.create_index("ix_job_run_status_id", "job_run", ["status", "id"])

    op.create_table(
        "job_output",
        sa.Column("job_run_id", Id, autoincrement=False, nullable=False),
        sa.Column("output", LongText, nullable=True),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("traceback", LongText, nullable=True),
        sa.Column("result", LongText, nullable=True),
        sa.PrimaryKeyConstraint("job_run_id", name="pk_job_output"),
        sa.ForeignKeyConstraint(["job_run_id"], ["job_run.id"], name="fk_job_output_job_run_id"),
        **IN_FULL_UNICODE,
    )

    op.create_table(
        "schedule_event",
        sa.Column("id", Id, nullable=False),
        sa.Column("schedule_id", sa.String(64), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_schedule_event"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_schedule_event_schedule_id_id", "schedule_event", ["schedule_id", "id"])

    op.create_table(
        "worker_instance",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("worker_type", sa.String(32), nullable=False),
        sa.Column("hostname", sa.String(255), nullable=False),
        sa.Column("boot_id", sa.String(64), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("pid_started_at", sa.Double(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("definition_hash", sa.String(64), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("last_heartbeat_at", Instant, nullable=False),
        sa.Column("stopped_at", Instant, nullable=True),
        sa.Column("poll_interval_ms", sa.BigInteger(), nullable=False),
        sa.Column("current_occurrence_id", Id, nullable=True),
        sa.Column("jobs_processed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker_instance"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_worker_instance_last_heartbeat_at", "worker_instance", ["last_heartbeat_at"])

    op.create_table(
        "worker_gap",
        sa.Column("id", Id, nullable=False),
        sa.Column("worker_id", sa.String(36), nullable=False),
        sa.Column("from_at", Instant, nullable=False),
        sa.Column("to_at", Instant, nullable=False),
        sa.Column("cause", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_worker_gap"),
        sa.ForeignKeyConstraint(["worker_id"], ["worker_instance.id"], name="fk_worker_gap_worker_id"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_worker_gap_worker_id_to_at", "worker_gap", ["worker_id", "to_at"])


def downgrade() -> None:
    for table in (
        "worker_gap",
        "worker_instance",
        "schedule_event",
        "job_output",
        "job_run",
        "occurrence",
        "job_schedule",
    ):
        op.drop_table(table)
