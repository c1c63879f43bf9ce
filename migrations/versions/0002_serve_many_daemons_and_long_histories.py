"""Many daemons and long histories: how far clocks are off, and indexes for questions over all schedules."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("worker_instance", sa.Column("clock_skew_ms", sa.BigInteger(), nullable=True))
    op.create_index("ix_occurrence_due_at", "occurrence", ["due_at"])
    op.create_index("ix_job_schedule_consecutive_failures", "job_schedule", ["consecutive_failures"])


def downgrade() -> None:
    op.drop_index("ix_job_schedule_consecutive_failures", table_name="job_schedule")
    op.drop_index("ix_occurrence_due_at", table_name="occurrence")
    op.drop_column("worker_instance", "clock_skew_ms")
