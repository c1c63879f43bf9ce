"""Runs the migrations on the connection, and in the transaction, that scheduled.store.schema hands over."""

from alembic import context

from scheduled.tables import metadata


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """The application's tables live beside ours, and alembic must not see them."""
    return kind != "table" or name in metadata.tables


# Batches let SQLite alter a table by replacing it. With foreign keys on, which no transaction can turn off,
# that fails for a table with rows that others refer to: there, use recreate="never", or add and drop columns.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table="scheduled_version",
    include_name=is_ours,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
