"""Whole rows as dictionaries, for tests and small questions."""

from typing import Any

from sqlalchemy import Table, select

from scheduled.store.database import Database
from scheduled.store.dicts import dicts
from scheduled.store.tables import events as event_table
from scheduled.store.tables import occurrences as occurrence_table
from scheduled.store.tables import runs as run_table
from scheduled.store.tables import schedules as schedule_table

LEDGER = ("id", "schedule_id", "due_at", "due_until", "due_count", "trigger", "status", "reason", "detail",
          "started_at", "finished_at")  # fmt: skip


def occurrences(database: Database, schedule_id: str | None = None) -> list[dict[str, Any]]:
    """The ledger, in the order of due instants."""
    columns = occurrence_table.c
    query = select(*(columns[name] for name in LEDGER)).order_by(columns.due_at, columns.id)
    return dicts(database, query if schedule_id is None else query.where(columns.schedule_id == schedule_id))


def runs(database: Database, occurrence_id: int | None = None) -> list[dict[str, Any]]:
    """The attempts, in the order in which they were made."""
    query = select(*run_table.c).order_by(run_table.c.id)
    return dicts(
        database, query if occurrence_id is None else query.where(run_table.c.occurrence_id == occurrence_id)
    )


def schedule_ids(database: Database) -> set[str]:
    """The ids of all schedules that the database knows."""
    return {row["id"] for row in dicts(database, select(schedule_table.c.id))}


def schedule(database: Database, schedule_id: str) -> dict[str, Any]:
    """One schedule's row. Raises LookupError if there is none."""
    return _one(database, schedule_table, schedule_id)


def events(database: Database, schedule_id: str) -> list[dict[str, Any]]:
    """The audit of one schedule, oldest first."""
    return dicts(
        database,
        select(*event_table.c).where(event_table.c.schedule_id == schedule_id).order_by(event_table.c.id),
    )


def _one(database: Database, table: Table, key: str) -> dict[str, Any]:
    found = dicts(database, select(*table.c).where(table.c.id == key))
    if not found:
        raise LookupError(key)
    return found[0]
