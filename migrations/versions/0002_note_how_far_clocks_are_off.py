"""Note how far a daemon's clock is off the database's."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("worker_instance", sa.Column("clock_skew_ms", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("worker_instance", "clock_skew_ms")
