"""What `why` and `show` ask of the database."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from scheduled.missed_runs import TICK, Interval
from scheduled.store.held import Held
from scheduled.store.marks import alive
from scheduled.store.statements import Statement
from scheduled.store.tables import (
    any_of,
    beside,
    events,
    gaps,
    given,
    occurrences,
    runs,
    schedules,
    spelled,
    workers,
)
from scheduled.words import Status, WorkerStatus, WorkerType

_s, _o, _r, _w, _e = schedules.c, occurrences.c, runs.c, workers.c, events.c
SWITCHES = ("added", "changed", "orphaned", "back", "enabled", "disabled")
"""The events that decide what is due."""
PAGE = 1000
FARTHEST = 20_000
"""So many runs before a late one are looked at, at most."""
_daemon = _w.worker_type == WorkerType.SCHEDULE_DAEMON
_living = any_of(_w.status, [WorkerStatus.RUNNING, WorkerStatus.STOPPING])
_presence = (_w.hostname, _w.pid, _w.last_heartbeat_at, _w.boot_id, _w.pid_started_at, _w.poll_interval_ms)
_life = (_w.id, _w.status, _w.started_at, _w.definition_hash, *_presence)

EVENTS = Statement(
    select(_e.event, _e.at, _e.actor, _e.reason, _e.data)
    .where(_e.schedule_id == given(_e.schedule_id), any_of(_e.event, SWITCHES))
    .order_by(_e.id)
)
UP_TO = Statement(
    select(*_o)
    .where(
        _o.schedule_id == given(_o.schedule_id),
        _o.unique_key.is_not(None),
        _o.due_at <= given(_o.due_at, "moment"),
    )
    .order_by(_o.due_at.desc())
    .limit(5)
)
LATER = Statement(
    select(*_o)
    .where(
        _o.schedule_id == given(_o.schedule_id),
        _o.unique_key.is_not(None),
        _o.due_at > given(_o.due_at, "moment"),
    )
    .order_by(_o.due_at)
    .limit(5)
)
WAITING = Statement(
    select(*_o)
    .where(beside(_o.schedule_id) == given(_o.schedule_id), _o.status == spelled(Status.QUEUED))
    .order_by(_o.id)
    .limit(20)
)
ASKED_FOR = Statement(
    select(_o.id, _o.status, _o.requested_by, _o.requested_at)
    .where(
        _o.schedule_id == given(_o.schedule_id),
        _o.due_at == given(_o.due_at, "moment"),
        _o.unique_key.is_(None),
    )
    .order_by(_o.id)
)
NEWEST_START = Statement(select(*_life).where(_daemon).order_by(_w.started_at.desc()).limit(1))
BUSY = Statement(
    select(_o.id, _o.schedule_id, _o.started_at, *_presence)
    .join_from(occurrences, workers, _w.id == _o.worker_id)
    .where(_o.status == spelled(Status.RUNNING))
    .order_by(_o.id)
)
ATTEMPTS = Statement(
    select(
        _r.id, _r.job_name, _r.attempt, _r.status, _r.reason, _r.error_type, _r.error_message, _r.started_at
    )
    .where(_r.occurrence_id == given(_r.occurrence_id))
    .order_by(_r.id)
)
BEFORE = Statement(
    select(_r.id, _r.schedule_id, _r.occurrence_id, _r.worker_id, _r.started_at, _r.finished_at)
    .where(_r.id < given(_r.id, "below"))
    .order_by(_r.id.desc())
    .limit(bindparam("page", type_=_r.id.type))
)
WORKER = Statement(select(*_life).where(_w.id == given(_w.id)))
LIVING = Statement(select(*_life).where(_daemon, _living).order_by(_w.started_at))
ENDED_BY = Statement(
    select(*_life)
    .where(_daemon, _w.last_heartbeat_at <= given(_w.last_heartbeat_at, "moment"))
    .order_by(_w.last_heartbeat_at.desc())
    .limit(1)
)
BEGAN_FROM = Statement(
    select(*_life)
    .where(_daemon, _w.started_at >= given(_w.started_at, "moment"))
    .order_by(_w.started_at)
    .limit(1)
)
GAP_AT = Statement(
    select(gaps.c.cause, gaps.c.from_at, gaps.c.to_at, _w.hostname, _w.pid)
    .join_from(gaps, workers, _w.id == gaps.c.worker_id)
    .where(gaps.c.from_at == given(gaps.c.from_at, "moment"))
    .order_by(gaps.c.id.desc())
    .limit(1)
)


def covering(held: Held, schedule_id: str, moment: datetime) -> Any | None:
    """The ledger's row that answers for the instant, if there is one."""
    rows = held.rows(UP_TO, the_schedule_id=schedule_id, moment=moment)
    return next((row for row in rows if row.due_until >= moment), None)


def lives(held: Held, since: datetime) -> Sequence[Interval]:
    """When daemons lived, from `since` on."""
    return alive(held, since, excluding="")


def runs_before(held: Held, first_run: int, since: datetime, until: datetime) -> Iterator[Any]:
    """The runs that began before that one and were still going at `since`, newest first; not endlessly."""
    below = first_run
    for _ in range(FARTHEST // PAGE):
        page = held.rows(BEFORE, below=below, page=PAGE)
        going = [row for row in page if row.started_at and (row.finished_at or until) > since - TICK]
        yield from going
        if len(page) < PAGE or not going:
            return
        below = page[-1].id
