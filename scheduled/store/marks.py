"""What the planner is told: where schedules stand, what waits, when daemons lived, and when schedules ran."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select, true

from scheduled.missed_runs import TICK, Busy, Interval
from scheduled.planner import Expiry, Mark, Waiting
from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import (
    any_of,
    gaps,
    given,
    lock_is_free,
    occurrences,
    only,
    runs,
    schedules,
    spelled,
    within,
    workers,
)
from scheduled.stretches import without
from scheduled.words import REQUESTS, Reason, Status, Trigger, WorkerType

_s, _o, _r, _w = schedules.c, occurrences.c, runs.c, workers.c
_state = (_s.id, _s.next_run_at, _s.definition_hash, _s.locked_by)
_ahead = exists().where(_o.schedule_id == _s.id, _o.due_at >= _s.next_run_at, _o.unique_key.is_not(None))

EARLIEST = Statement(
    select(*_state)
    .where(_s.enabled == true(), _s.next_run_at.is_not(None))
    .order_by(_s.next_run_at)
    .limit(only(1))
)
DUE = Statement(
    select(*_state, _s.updated_at, _ahead.label("ahead"))
    .where(_s.enabled == true(), _s.next_run_at <= given(_s.next_run_at, "the_now"))
    .order_by(_s.next_run_at)
)
FREE = Statement(
    select(_s.id).where(
        _s.enabled == true(), _s.next_run_at <= given(_s.next_run_at, "the_now"), lock_is_free()
    )
)
_next = (
    select(*_state)
    .where(_s.enabled == true(), _s.next_run_at > given(_s.next_run_at, "the_now"))
    .order_by(_s.next_run_at)
)
NEXT = Statement(_next.limit(only(1)))
NEXT_FEW = Statement(_next.limit(only(20)))
WAITING = Statement(
    select(
        _o.id, _o.schedule_id, _o.trigger, _o.due_at, _o.requested_at, _o.reason,
        _s.locked_by, _s.definition_hash, _s.enabled, _s.orphaned,
    )
    .join_from(occurrences, schedules, _o.schedule_id == _s.id)
    .where(_o.status == spelled(Status.QUEUED))
    .order_by(_o.id)
)  # fmt: skip
NEWEST_WAITING = Statement(select(func.max(_o.id).label("id")).where(_o.status == spelled(Status.QUEUED)))
LATEST_RUN = Statement(
    select(_o.id, _o.started_at, _o.finished_at, _w.last_heartbeat_at)
    .join_from(occurrences, workers, _w.id == _o.worker_id, isouter=True)
    .where(
        _o.id
        == select(_r.occurrence_id)
        .where(
            within(_r.schedule_id),
            any_of(_r.trigger, [Trigger.CRON, Trigger.CATCH_UP]),
        )
        .order_by(_r.schedule_id.desc(), _r.id.desc())
        .limit(only(1))
        .scalar_subquery()
    )
)
LEDGER_AHEAD = Statement(
    select(_o.due_at, _o.due_until).where(
        _o.schedule_id == given(_o.schedule_id),
        _o.due_at >= given(_o.due_at, "frontier"),
        _o.unique_key.is_not(None),
    )
)
LIVES = Statement(
    select(_w.id, _w.started_at, _w.last_heartbeat_at, _w.stopped_at).where(
        _w.worker_type == WorkerType.SCHEDULE_DAEMON,
        _w.last_heartbeat_at >= given(_w.last_heartbeat_at, "since"),
    )
)
LAST_LIFE_BEFORE = Statement(
    select(_w.last_heartbeat_at)
    .where(
        _w.worker_type == WorkerType.SCHEDULE_DAEMON,
        _w.last_heartbeat_at < given(_w.last_heartbeat_at, "since"),
    )
    .order_by(_w.last_heartbeat_at.desc())
    .limit(only(1))
)
GAPS = Statement(
    select(gaps.c.worker_id, gaps.c.from_at, gaps.c.to_at).where(gaps.c.to_at >= given(gaps.c.to_at, "since"))
)
RUN_PATH = (NEWEST_WAITING, EARLIEST, WAITING, DUE, NEXT, FREE)
"""What is asked, as a rule, when a schedule is due."""


@dataclass(frozen=True)
class Situation:
    """Where everything stands at one moment."""

    marks: Sequence[Mark]
    busy: dict[str, tuple[Busy, ...]]
    definition_hashes: dict[str, str] = field(default_factory=dict)
    """What the database holds as each marked schedule's definition."""
    stranded: Sequence[Expiry] = ()
    """What waits in vain: to run again after an interruption, but the schedule was switched off since."""

    @property
    def oldest(self) -> datetime | None:
        """The oldest frontier among the marks."""
        return min((mark.frontier for mark in self.marks if mark.frontier is not None), default=None)


def situation(held: Held, now: datetime, mine: Mapping[str, str] | None = None) -> Situation:
    """The schedules that are due or for which something waits, and those that are due next.

    `mine`: the hashes of the definitions that the caller may run, by schedule; by default, any.
    """
    earliest = held.row(EARLIEST)
    due = held.rows(DUE, the_now=now) if earliest is not None and earliest.next_run_at <= now else []
    rows = {row.id: row for row in due}
    hashes = {row.id: row.definition_hash for row in due}
    waiting: dict[str, list[Waiting]] = {}
    stranded: list[Expiry] = []
    locked = {row.id: _is_locked(row) for row in due}
    for row in held.rows(WAITING):
        request = Trigger(row.trigger) in REQUESTS
        if row.orphaned or not (row.enabled or request):
            reason = Reason.ORPHANED if row.orphaned else Reason.DISABLED
            detail = f"interrupted, and the schedule was {reason} before it could run again"
            stranded.append(Expiry(row.id, row.schedule_id, reason, detail, instants=0))
            continue
        rerun = row.reason == Reason.RERUN
        found = Waiting(row.id, row.schedule_id, Trigger(row.trigger), row.due_at, row.requested_at, rerun)
        waiting.setdefault(row.schedule_id, []).append(found)
        locked[row.schedule_id] = _is_locked(row)
        hashes[row.schedule_id] = row.definition_hash
    marks = [
        Mark(
            schedule_id,
            rows[schedule_id].next_run_at if schedule_id in rows else None,
            locked[schedule_id],
            tuple(waiting.get(schedule_id, ())),
            _ahead_of(held, rows.get(schedule_id)),
        )
        for schedule_id in hashes
    ]
    # Whatever ran after the frontier touched the schedule's row when it ended.
    busy = {
        row.id: latest_run(held, row.id, now)
        for row in due
        if row.updated_at >= row.next_run_at or _is_locked(row)
    }
    for row in _due_next(held, now, mine, None if due else earliest):
        marks.append(Mark(row.id, row.next_run_at, locked=True))
        hashes[row.id] = row.definition_hash
    return Situation(marks, busy, hashes, stranded)


def _due_next(held: Held, now: datetime, mine: Mapping[str, str] | None, known: Any) -> list[Any]:
    """The schedule that is due next. It may be another version's, and not ours to run: then a few more.

    `known`: that schedule, where it is known that nothing is due before it.
    """
    found = held.rows(NEXT, the_now=now) if known is None else [known]
    if found and mine is not None and mine.get(found[0].id) != found[0].definition_hash:
        return held.rows(NEXT_FEW, the_now=now)
    return found


def free_and_due(held: Held, now: datetime) -> frozenset[str]:
    """The ids of the schedules that are due and that nobody holds."""
    return frozenset(row.id for row in held.rows(FREE, the_now=now))


def newest_that_waits(held: Held) -> int:
    """The greatest id among the occurrences that wait; 0 if none does."""
    return held.row(NEWEST_WAITING).id or 0


def latest_run(held: Held, schedule_id: str, now: datetime) -> tuple[Busy, ...]:
    """When the schedule's latest occurrence by CRON or CATCH_UP ran: as a rule there is one, or none.

    Only the latest can matter to the window, because each of them moved the frontier past its own start. One
    that still runs counts until its holder's last sign of life.
    """
    found = held.rows(LATEST_RUN, the_schedule_id=schedule_id)
    return tuple(
        Busy(row.id, row.started_at, row.finished_at or min(now, row.last_heartbeat_at or now))
        for row in found
        if row.started_at
    )


def alive(held: Held, since: datetime, excluding: str | None = None) -> list[Interval]:
    """When daemons lived, from `since` on; but for the one that asks, which knows better."""
    asleep: dict[str, list[Interval]] = {}
    for gap in held.rows(GAPS, since=since):
        asleep.setdefault(gap.worker_id, []).append(Interval(gap.from_at, gap.to_at))
    # The last life before: it is no part of the window, but it tells since when nobody was alive.
    found = [Interval(row[0], row[0]) for row in held.rows(LAST_LIFE_BEFORE, since=since)]
    for life in held.rows(LIVES, since=since):
        if life.id != excluding:
            end = max(life.last_heartbeat_at, life.stopped_at or life.last_heartbeat_at)
            found.extend(without(Interval(life.started_at, end), asleep.get(life.id, ())))
    return found


def _ahead_of(held: Held, row: Any) -> tuple[Interval, ...]:
    return ledger_ahead(held, row.id, row.next_run_at) if row is not None and row.ahead else ()


def _is_locked(row: Any) -> bool:
    return row.locked_by is not None


def ledger_ahead(held: Held, schedule_id: str, frontier: datetime) -> tuple[Interval, ...]:
    """The instants from the frontier on that stand in the ledger already, because the clock stepped back."""
    found = held.rows(LEDGER_AHEAD, the_schedule_id=schedule_id, frontier=frontier)
    return tuple(Interval(known.due_at, known.due_until + TICK) for known in found)
