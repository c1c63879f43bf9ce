"""Words in which tests of the planner speak: instants, spans, schedules, and plans as lines of text.

All of it happens on Monday 2 March 2026, UTC. A row reads "13:00-15:00 x3 daemon_down" or "16:00 CRON".
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduled.definitions import Schedule
from scheduled.missed_runs import Busy, Entry, Interval
from scheduled.planner import Mark, Plan, Start, Waiting, plan
from scheduled.words import Trigger

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def at(clock: str) -> datetime:
    """That day's instant: at("12:30") or at("12:30:15")."""
    return datetime.fromisoformat(f"2026-03-02T{clock}+00:00")


def span(text: str) -> Interval:
    """An interval: span("12:00-13:30")."""
    start, end = text.split("-")
    return Interval(at(start), at(end))


def spans(text: str) -> list[Interval]:
    """Intervals: spans("00:00-12:00 13:00-14:00")."""
    return [span(part) for part in text.split()]


def ran(text: str, occurrence_id: int = 411) -> Busy:
    """An occurrence that ran: ran("12:00-13:30")."""
    when = span(text)
    return Busy(occurrence_id, when.start, when.end)


def hourly(cron: str = "0 * * * *", **options: Any) -> Schedule:
    return Schedule("it", "It", cron=cron, **options)


def waits(occurrence_id: int, due: str, trigger: Trigger = Trigger.CATCH_UP, of: str = "it") -> Waiting:
    return Waiting(occurrence_id, of, trigger, at(due))


def planned(
    schedule: Schedule,
    since: str | None,
    now: str,
    *,
    alive: str = "00:00-23:59",
    busy: Sequence[Busy] = (),
    waiting: Iterable[Waiting] = (),
    in_ledger: str = "",
    locked: bool = False,
    **graces: float,
) -> Plan:
    """The plan for one schedule whose frontier is `since`."""
    frontier = None if since is None else at(since)
    mark = Mark(schedule.id, frontier, locked, tuple(waiting), tuple(spans(in_ledger)))
    return plan({schedule.id: schedule}, [mark], spans(alive), {schedule.id: busy}, at(now), **graces)


def entries(made: Plan) -> tuple[Entry, ...]:
    """What the ledger is owed by the plan, be it recorded at once or with a start."""
    records = [*made.records, *(start.record for start in made.starts if start.record)]
    return tuple(entry for record in records for entry in record.entries)


def row(entry: Entry) -> str:
    times = clock(entry.due_at)
    if entry.due_until != entry.due_at:
        times += f"-{clock(entry.due_until)} x{entry.count}"
    return f"{times} {entry.reason or entry.trigger}"


def rows(made: Plan) -> list[str]:
    return [row(entry) for entry in entries(made)]


def runs(made: Plan) -> list[str]:
    """What the plan starts, in order: "16:00 CRON", or "#7 MANUAL" for one that waited."""
    return [_run(start) for start in made.starts]


def expired(made: Plan) -> list[str]:
    return [f"#{expiry.occurrence_id} {expiry.reason}" for expiry in made.expiries]


def details(made: Plan) -> list[str | None]:
    return [entry.detail for entry in entries(made)]


def clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}".removesuffix(":00")


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def _run(start: Start) -> str:
    what = clock(start.due_at) if start.occurrence_id is None else f"#{start.occurrence_id}"
    return f"{what} {start.trigger}"
