"""Schedules as people and programs are shown them: the keys are stable."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from scheduled.clock import Clock
from scheduled.errors import ExpressionError, UnknownNameError, did_you_mean
from scheduled.explain.why import why
from scheduled.expressions import parse
from scheduled.instants import upcoming
from scheduled.store import reads
from scheduled.store.database import Database

UPCOMING = 10
RECENT = 10
PLAIN = ("enabled", "orphaned", "last_run_at", "last_status", "next_run_at", "run_count", "failure_count",
         "skipped_count", "consecutive_failures")  # fmt: skip
POLICIES = ("missed", "overlap", "catch_up_limit", "start_deadline", "missed_grace", "rerun_interrupted",
            "params")  # fmt: skip


def described(row: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule in short, of its row."""
    definition = row["definition"]
    expression, timezone = definition.get("cron", ""), definition.get("timezone", "UTC")
    return {
        "id": row["id"],
        "name": definition.get("name", row["id"]),
        "description": definition.get("description", ""),
        "expression": expression,
        "in_words": in_words(expression, timezone),
        "timezone": timezone,
        **{key: row[key] for key in PLAIN},
        "running": row["locked_by"] is not None,
        "jobs": definition.get("jobs", []),
    }


def show(
    database: Database, schedule_id: str, *, grace_seconds: float = 60.0, clock: Clock | None = None
) -> dict[str, Any]:
    """All about one schedule: its definition, its state, what is coming, and what has been.

    Raises UnknownNameError, with a suggestion, where there is none of that id.
    """
    clock = clock or Clock()
    row = reads.schedule_row(database, schedule_id)
    if row is None:
        raise UnknownNameError(no_such_schedule(database, schedule_id))
    definition = row["definition"]
    explained = why(database, schedule_id, grace_seconds=grace_seconds, clock=clock)
    wanted = reads.Wanted(schedule_id, limit=RECENT)
    return {
        **described(row),
        "definition_hash": row["definition_hash"],
        "mode": definition.get("mode"),
        "group": definition.get("group"),
        **{key: definition.get(key) for key in POLICIES},
        "ledger_from": row["ledger_from"],
        "locked_by": row["locked_by"],
        "lock_expires_at": row["lock_expires_at"],
        "now": [asdict(cause) for cause in explained.coming],
        "upcoming": _upcoming(definition, clock.now()),
        "recent": reads.occurrence_history(database, wanted),
        "events": reads.schedule_events(database, schedule_id, RECENT),
    }


@lru_cache(maxsize=4096)
def in_words(expression: str, timezone: str) -> str:
    """The expression in words; nothing if it is not understood."""
    try:
        return parse(expression, timezone).describe()
    except ExpressionError:  # stored by a version that could read it
        return ""


def _upcoming(definition: Mapping[str, Any], now: datetime) -> list[datetime]:
    try:
        return upcoming(definition.get("cron", ""), definition.get("timezone", "UTC"), now, UPCOMING)
    except ExpressionError:
        return []


def no_such_schedule(database: Database, schedule_id: str) -> str:
    """What somebody is told who named a schedule that does not exist."""
    known = reads.known_schedules(database)
    hint = did_you_mean(schedule_id, known) if known else "`scheduled run` stores them when it starts"
    return f"there is no schedule {schedule_id!r}: {hint}"
