"""What `health` asks. Light: it names the few columns that it needs, and imports no model."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, bindparam, column, func, or_, select, table, true

from scheduled.columns import UtcDateTime
from scheduled.store.held import Held
from scheduled.store.leases import Moment, is_taken
from scheduled.store.statements import Statement

NEWEST = 10_000
"""The success rate looks at so many attempts at most: enough to tell, and quick however long the history."""


def _table(
    name: str,
    *plain: str,
    instants: tuple[str, ...] = (),
    flags: tuple[str, ...] = (),
    documents: tuple[str, ...] = (),
) -> Any:
    columns: list[Any] = [column(one) for one in plain]
    columns += [column(one, UtcDateTime()) for one in instants]
    columns += [column(one, JSON()) for one in documents]
    return table(name, *columns, *(column(one, Boolean()) for one in flags))


_s: Any = _table(
    "job_schedule",
    *("id", "locked_by", "consecutive_failures", "definition_hash"),
    documents=("definition",),
    instants=("next_run_at", "lock_expires_at", "locked_at", "last_run_at"),
    flags=("enabled", "orphaned"),
)
_w: Any = _table(
    "worker_instance",
    *("id", "worker_type", "hostname", "pid", "status", "definition_hash", "poll_interval_ms", "boot_id"),
    *("pid_started_at", "clock_skew_ms"),
    instants=("last_heartbeat_at", "started_at"),
)
_o: Any = _table("occurrence", "id", "schedule_id", "unique_key", instants=("due_at",))
_r: Any = _table("job_run", "id", "status", instants=("finished_at",))
_e: Any = _table(
    "schedule_event", "id", "schedule_id", "event", "actor", instants=("at",), documents=("data",)
)


def _instant(name: str) -> Any:
    return bindparam(name, type_=UtcDateTime())


_presence = (
    _w.c.hostname, _w.c.boot_id, _w.c.pid, _w.c.pid_started_at, _w.c.last_heartbeat_at, _w.c.poll_interval_ms
)  # fmt: skip
DAEMONS = Statement(
    select(*_presence, _w.c.definition_hash, _w.c.clock_skew_ms)
    .where(_w.c.worker_type == "schedule_daemon", or_(_w.c.status == "RUNNING", _w.c.status == "STOPPING"))
    .order_by(_w.c.last_heartbeat_at.desc())
)
LAST_DAEMON = Statement(
    select(_w.c.hostname, _w.c.pid, _w.c.status, _w.c.last_heartbeat_at)
    .where(_w.c.worker_type == "schedule_daemon")
    .order_by(_w.c.last_heartbeat_at.desc())
    .limit(1)
)
NEWEST_START = Statement(
    select(_w.c.started_at, _w.c.hostname, _w.c.pid, _w.c.definition_hash)
    .where(_w.c.worker_type == "schedule_daemon")
    .order_by(_w.c.started_at.desc())
    .limit(1)
)
DEAD_LOCKS = Statement(
    select(_s.c.id, _s.c.locked_by, _s.c.lock_expires_at).where(
        is_taken(_s.c.locked_at), _s.c.lock_expires_at < Moment()
    )
)
HELD_LOCKS = Statement(
    select(_s.c.id, *_presence)
    .join_from(_s, _w, _w.c.id == _s.c.locked_by)
    .where(is_taken(_s.c.locked_at), _s.c.lock_expires_at >= Moment())
)
OVERDUE = Statement(
    select(_s.c.id, _s.c.next_run_at)
    .where(_s.c.enabled == true(), _s.c.next_run_at < _instant("before"), _s.c.locked_at.is_(None))
    .order_by(_s.c.next_run_at)
)
FAILING = Statement(
    select(_s.c.id, _s.c.consecutive_failures, _s.c.enabled, _s.c.orphaned).where(
        _s.c.consecutive_failures >= 3
    )
)
"""Also those that are switched off, and in no order: else SQLite would read all schedules."""
AHEAD = Statement(
    select(_s.c.id, _s.c.next_run_at, _s.c.definition).where(
        _s.c.enabled == true(),
        _s.c.next_run_at > _instant("the_now"),
        # Only a ledger that has come beyond now can have taken the frontier beyond its time.
        _s.c.id.in_(
            select(_o.c.schedule_id).where(_o.c.due_at > _instant("the_now"), _o.c.unique_key.is_not(None))
        ),
    )
)
REJECTED = Statement(
    select(_e.c.id, _e.c.at, _e.c.actor, _e.c.data)
    # It is no schedule's: by that, an index finds it.
    .where(_e.c.schedule_id == "", _e.c.event == "reload_failed", _e.c.at > _instant("since"))
    .order_by(_e.c.id.desc())
    .limit(1)
)
_newest = select(_r.c.status, _r.c.finished_at).order_by(_r.c.id.desc()).limit(NEWEST).subquery()
OUTCOMES = Statement(
    select(_newest.c.status, func.count().label("runs"))
    .where(_newest.c.finished_at > _instant("since"))
    .group_by(_newest.c.status)
)


def outcomes(held: Held, since: datetime) -> dict[str, int]:
    """How many attempts ended in which status since then."""
    return {row.status: row.runs for row in held.rows(OUTCOMES, since=since)}
