"""The admin: who may use it, requests that must not be done twice, and how far a running job is."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "0003"
down_revision = "0002"

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Instant = (
    sa.DateTime(timezone=True)
    .with_variant(sa.DateTime(), "sqlite")
    .with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
)
IN_FULL_UNICODE: dict[str, Any] = {
    f"{dialect}_{option}": value
    for dialect in ("mysql", "mariadb")
    for option, value in (("engine", "InnoDB"), ("charset", "utf8mb4"), ("collate", "utf8mb4_bin"))
}


def upgrade() -> None:
    op.add_column("job_run", sa.Column("progress_done", sa.Double(), nullable=True))
    op.add_column("job_run", sa.Column("progress_total", sa.Double(), nullable=True))

    op.create_table(
        "admin_user",
        sa.Column("id", Id, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("password_changed_at", Instant, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_login_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_admin_user"),
        sa.UniqueConstraint("name", name="uq_admin_user_name"),
        **IN_FULL_UNICODE,
    )

    op.create_table(
        "admin_session",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_seen_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.Column("address", sa.String(64), nullable=True),
        sa.Column("agent", sa.String(255), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_admin_session"),
        sa.UniqueConstraint("token_hash", name="uq_admin_session_token_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["admin_user.id"], name="fk_admin_session_user_id"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_admin_session_user_id", "admin_session", ["user_id"])
    op.create_index("ix_admin_session_expires_at", "admin_session", ["expires_at"])

    op.create_table(
        "admin_token",
        sa.Column("id", Id, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=True),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_admin_token"),
        sa.UniqueConstraint("token_hash", name="uq_admin_token_token_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["admin_user.id"], name="fk_admin_token_user_id"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_admin_token_user_id", "admin_token", ["user_id"])

    op.create_table(
        "idempotency_key",
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("occurrence_id", Id, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_idempotency_key"),
        **IN_FULL_UNICODE,
    )
    op.create_index("ix_idempotency_key_at", "idempotency_key", ["at"])


def downgrade() -> None:
    for table in ("idempotency_key", "admin_token", "admin_session", "admin_user"):
        op.drop_table(table)
    op.drop_column("job_run", "progress_total")
    op.drop_column("job_run", "progress_done")
