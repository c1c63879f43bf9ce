"""Which occurrences to run, which to record and why, and when to wake next. Pure: the heart of the product.

The daemon, `simulate`, `why` and the users' own tests all call the same `plan`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduled.definitions import Schedule
from scheduled.expressions import Expression
from scheduled.missed_runs import (
    TICK,
    Busy,
    Entry,
    Interval,
    Settlement,
    deadline_passed,
    gaps,
    judge,
    past_deadline,
    settle,
)
from scheduled.words import REQUESTS, Reason, Trigger

CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class Waiting:
    """An occurrence that waits as QUEUED."""

    occurrence_id: int
    schedule_id: str
    trigger: Trigger
    due_at: datetime
    requested_at: datetime | None = None
    rerun: bool = False
    """It ran already and was interrupted: neither a deadline nor a limit ends it now."""


@dataclass(frozen=True)
class Mark:
    """Where a schedule stands: its frontier, its lock, and what waits for it."""

    schedule_id: str
    frontier: datetime | None
    """None while it is disabled or orphaned."""
    locked: bool = False
    """Somebody who lives holds its lock."""
    waiting: tuple[Waiting, ...] = ()
    in_ledger: tuple[Interval, ...] = ()
    """Instants from the frontier on that stand in the ledger already, because the clock stepped back."""


@dataclass(frozen=True)
class Record:
    """A window that is settled, its frontier moved from `planned_from` to `next_run_at`."""

    schedule_id: str
    planned_from: datetime
    next_run_at: datetime | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Start:
    """An occurrence to run: one that waits already (`occurrence_id`), or the `entry` of `record`."""

    schedule_id: str
    due_at: datetime
    trigger: Trigger
    occurrence_id: int | None = None
    entry: Entry | None = None
    record: Record | None = None


@dataclass(frozen=True)
class Expiry:
    """A waiting occurrence that will never run, and why."""

    occurrence_id: int
    schedule_id: str
    reason: Reason
    detail: str
    instants: int = 1
    """How many due instants it answered for: none, if it was a request."""


@dataclass(frozen=True)
class Faulty:
    """A schedule whose planning raised; the others go on."""

    schedule_id: str
    message: str


@dataclass(frozen=True)
class Plan:
    records: tuple[Record, ...] = ()
    """Windows in which nothing runs: written at once."""
    expiries: tuple[Expiry, ...] = ()
    starts: tuple[Start, ...] = ()
    """In the order in which they should run: requests, then due instants oldest first, then catch-ups.

    What is due at the same instant runs in the order in which it is defined.
    """
    wake_at: datetime | None = None
    """The next due instant after now."""
    faulty: tuple[Faulty, ...] = ()


def plan(
    schedules: Mapping[str, Schedule],
    marks: Sequence[Mark],
    alive: Sequence[Interval],
    busy: Mapping[str, Sequence[Busy]],
    now: datetime,
    *,
    grace: float = 60.0,
    least_grace: float = 0.0,
) -> Plan:
    """Decide what to do at `now`.

    `schedules` are those that the caller may run, by id; marks of others are passed over. `alive`: when
    daemons lived. `busy`: when the latest occurrence by CRON or CATCH_UP of each schedule ran. `grace`: how
    long, in seconds, no daemon may be alive before an instant counts as missed, where a schedule does not
    say; `least_grace` holds for all.
    """
    records: list[Record] = []
    expiries: list[Expiry] = []
    starts: list[Start] = []
    faulty: list[Faulty] = []
    upcoming: list[datetime] = []
    for mark in marks:
        schedule = schedules.get(mark.schedule_id)
        if schedule is None:
            continue
        if mark.frontier is not None and mark.frontier > now:
            upcoming.append(mark.frontier)
        if mark.locked:
            continue
        try:
            seconds = max(
                grace if schedule.missed_grace is None else _seconds(schedule.missed_grace), least_grace
            )
            step = _plan_one(
                schedule, mark, alive, busy.get(mark.schedule_id, ()), now, timedelta(seconds=seconds)
            )
        except Exception as error:
            faulty.append(Faulty(mark.schedule_id, f"{type(error).__name__}: {error}"))
            continue
        records.extend(step.records)
        expiries.extend(step.expiries)
        starts.extend(step.starts)
        if step.wake_at is not None:
            upcoming.append(step.wake_at)
    places = {schedule_id: place for place, schedule_id in enumerate(schedules)} if len(starts) > 1 else {}
    starts.sort(key=lambda start: (*_turn(start), places.get(start.schedule_id, 0)))
    return Plan(tuple(records), tuple(expiries), tuple(starts), min(upcoming, default=None), tuple(faulty))


def due_if_set_back(expression: Expression, frontier: datetime | None, now: datetime) -> datetime | None:
    """When a schedule would be due, had the clock not once run ahead: its frontier lies beyond that.

    By less than a minute none does: daemons plan on while somebody looks, and by clocks of their own.
    """
    due = expression.next(now + CLOCKS_DIFFER)
    if frontier is None or due is None or frontier <= due:
        return None
    return expression.next(now)


def _plan_one(
    schedule: Schedule,
    mark: Mark,
    alive: Sequence[Interval],
    busy: Sequence[Busy],
    now: datetime,
    grace: timedelta,
) -> Plan:
    """One schedule's share of the plan: one start at most, for the rest is planned afresh after it ran."""
    requests = [w for w in mark.waiting if w.trigger in REQUESTS]
    reruns = [w for w in mark.waiting if w.trigger not in REQUESTS and w.rerun]
    owed = [w for w in mark.waiting if w.trigger not in REQUESTS and not w.rerun]
    owed.sort(key=lambda w: w.due_at)
    late = [w for w in owed if past_deadline(schedule, w.due_at, now)]
    owed = [w for w in owed if w not in late]
    expiries = [_expiry(w, Reason.START_DEADLINE, deadline_passed(schedule)) for w in late]
    settlement = Settlement((), None, len(owed))
    record: Record | None = None
    if mark.frontier is not None and mark.frontier <= now:
        window = Interval(mark.frontier, now + TICK)
        down = gaps(alive, Interval(mark.frontier, now))
        pieces = judge(schedule.expression, window, busy, down, grace, mark.in_ledger)
        settlement = settle(schedule, pieces, len(owed), now)
        record = Record(schedule.id, mark.frontier, schedule.expression.next(now), settlement.entries)
    if requests and settlement.run is not None:
        # A request leaves the frontier where it is: what is due meanwhile is late, and the newest will run.
        return Plan(expiries=tuple(expiries), starts=(min(map(_start, requests), key=_turn),))
    dropped = len(owed) - settlement.waiting_allowed
    limit = f"more than {schedule.catch_up_limit} were waiting"
    expiries += [_expiry(w, Reason.CATCH_UP_LIMIT, limit) for w in owed[:dropped]]
    starts = [_start(w) for w in (*requests, *reruns, *owed[dropped:])]
    if record is not None and (entry := _first_to_run(settlement)):
        starts.append(Start(schedule.id, entry.due_at, entry.trigger, None, entry, record))
    starts.sort(key=_turn)
    first = tuple(starts[:1])
    claims_window = bool(first) and first[0].record is not None
    records = () if record is None or claims_window else (record,)
    wake_at = None if record is None else record.next_run_at
    return Plan(records, tuple(expiries), first, wake_at)


def _start(waiting: Waiting) -> Start:
    return Start(waiting.schedule_id, waiting.due_at, waiting.trigger, waiting.occurrence_id)


def _expiry(waiting: Waiting, reason: Reason, detail: str) -> Expiry:
    return Expiry(waiting.occurrence_id, waiting.schedule_id, reason, detail)


def _first_to_run(settlement: Settlement) -> Entry | None:
    queued = [entry for entry in settlement.entries if entry.reason is None]
    return min(queued, key=lambda entry: (entry.trigger is Trigger.CATCH_UP, entry.due_at), default=None)


def _turn(start: Start) -> tuple[int, datetime, int]:
    """Requests in order of their ids, which is that of asking; then CRON, then CATCH_UP, the oldest first."""
    if start.trigger in REQUESTS:
        return (0, datetime.min.replace(tzinfo=start.due_at.tzinfo), start.occurrence_id or 0)
    return (1 if start.trigger is Trigger.CRON else 2, start.due_at, start.occurrence_id or 0)


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value
