"""Whether a worker instance is still there, for all that its row and this host tell."""

import socket
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from scheduled.errors import ConflictError
from scheduled.phrases import lasting
from scheduled.running.identity import alive, boot_id

if TYPE_CHECKING:
    from scheduled.store.database import Database

GONE = "its process is gone"
SILENT = timedelta(seconds=300)
"""Whoever has said nothing for longer counts as dead (or for two polls, where those are farther apart)."""


def require_stillness(database: "Database", now: datetime) -> None:
    """Refuses a database that some process of ours lives on.

    Raises:
        ConflictError: which ones, and what to do.
    """
    from scheduled.store.workers import LIVING  # what it imports is heavy, and `health` needs none of it

    with database.hold() as held:
        there = [f"{row.hostname}/{row.pid}" for row in held.rows(LIVING) if why_absent(row, now) is None]
    if there:
        raise ConflictError(
            f"a daemon is alive on {database.name} ({', '.join(there)}): stop it first, "
            "and let nothing start it again"
        )


def why_absent(worker: Any, now: datetime) -> str | None:
    """Why the instance counts as gone, as part of a sentence; None if it is there for all we know.

    `worker` has `hostname`, `boot_id`, `pid`, `pid_started_at`, `last_heartbeat_at` and `poll_interval_ms`.
    """
    here = (worker.hostname, worker.boot_id) == (socket.gethostname(), boot_id())
    if here and not alive(worker.pid, worker.pid_started_at):
        return GONE
    silent = now - worker.last_heartbeat_at
    if silent > max(SILENT, 2 * timedelta(milliseconds=worker.poll_interval_ms)):
        return f"it has been silent for {lasting(silent)}"
    return None
