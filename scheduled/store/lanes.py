"""What the timeline asks: what lay within a window of time, schedule by schedule, and never too many rows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, extract, func, or_, select, union_all

from scheduled.missed_runs import Interval
from scheduled.store.database import Database
from scheduled.store.dicts import dicts
from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import given, occurrences, runs, spelled, within
from scheduled.words import GOING_ON, REQUESTS, Status, Trigger

_o, _r = occurrences.c, runs.c
BAR = ("id", "schedule_id", "trigger", "status", "reason", "due_at", "due_until", "due_count", "started_at",
       "finished_at")  # fmt: skip
MEASURED = 20
"""The median is of at most so many occurrences of a schedule: the newest."""
REACHING = 20
"""So many rows before a window are looked at for whether they reach into it."""
MOST_RUNS = 20_000
"""What ran in a window of more runs than this, long after it was due, is not looked for."""
_bar = [_o[name] for name in BAR]

LATELY = Statement(
    select(_o.status, _o.started_at, _o.finished_at)
    .where(within(_o.schedule_id))
    .order_by(_o.schedule_id.desc(), _o.due_at.desc())
    .limit(MEASURED)
)
_since = given(_o.due_at, "since")
_before = (
    select(*_bar)
    .where(within(_o.schedule_id), _o.due_at < _since)
    .order_by(_o.schedule_id.desc(), _o.due_at.desc())
    .limit(REACHING)
    .subquery()
)
REACHING_IN = Statement(
    select(*_before.c).where(
        or_(_before.c.finished_at.is_(None), _before.c.finished_at >= _since, _before.c.due_until >= _since)
    )
)
FIRST_AFTER = Statement(
    select(_r.id, _r.queued_at).where(_r.id >= given(_r.id, "at_least")).order_by(_r.id).limit(1)
)
# Each by itself: SQLite finds one end of an index at once, but reads all of it for both.
ENDS = Statement(
    select(
        select(func.min(_r.id)).scalar_subquery().label("first"),
        select(func.max(_r.id)).scalar_subquery().label("last"),
    )
)
UNFINISHED = Statement(
    union_all(
        *(
            select(
                select(*_bar)
                .where(_o.status == spelled(status))
                .order_by(_o.id.desc())
                .limit(1000)
                .subquery()
            )
            for status in GOING_ON
        )
    )
)


def lately(held: Held, schedule_id: str) -> list[int]:
    """How many milliseconds the schedule's newest occurrences took; those that completed."""
    rows = held.rows(LATELY, the_schedule_id=schedule_id)
    completed = [row for row in rows if row.status == Status.COMPLETED and row.started_at and row.finished_at]
    return [round((row.finished_at - row.started_at).total_seconds() * 1000) for row in completed]


def counts(database: Database, ids: Sequence[str], window: Interval) -> dict[str, int]:
    """How many rows of the ledger are due within the window, by schedule."""
    query = select(_o.schedule_id, func.count().label("due")).where(*_due_within(ids, window))
    query = query.group_by(_o.schedule_id)
    with database.reading() as connection:
        return {row.schedule_id: row.due for row in connection.execute(query)}


def bars(database: Database, ids: Sequence[str], window: Interval) -> list[dict[str, Any]]:
    """The occurrences that are due within the window, in the order of their instants."""
    return dicts(database, select(*_bar).where(*_due_within(ids, window)).order_by(_o.due_at, _o.id))


def bundles(
    database: Database, ids: Sequence[str], window: Interval, into: int
) -> dict[str, list[dict[str, Any]]]:
    """The same where they are too many, counted by status in equal parts of the window: `into` of them."""
    width = max(1, round((window.end - window.start).total_seconds() / into))
    part = (_seconds(database.dialect.name) - int(window.start.timestamp())) // width
    each = (
        select(
            _o.schedule_id, _o.status, _o.reason, _o.due_at, _o.due_until, _o.due_count, part.label("part")
        )
        .where(*_due_within(ids, window))
        .subquery()
    )
    of = each.c
    query = (
        select(
            *(of.schedule_id, of.part, of.status, of.reason, func.count().label("count")),
            func.sum(of.due_count).label("instants"),
            func.min(of.due_at).label("since"),
            func.max(of.due_until).label("until"),
        )
        .group_by(of.schedule_id, of.part, of.status, of.reason)
        .order_by(of.schedule_id, of.part, of.status)
    )
    found: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    for row in dicts(database, query):
        known = {"since": row["since"], "until": row["until"], "count": 0, "instants": 0, "statuses": {}}
        known["spans"] = {}
        bundle = found[row["schedule_id"]].setdefault(int(row["part"]), known)
        bundle["since"] = min(bundle["since"], row["since"])
        bundle["until"] = max(bundle["until"], row["until"])
        bundle["count"] += row["count"]
        bundle["instants"] += int(row["instants"])
        _count_in(bundle, row)
    return {schedule_id: list(parts.values()) for schedule_id, parts in found.items()}


def _count_in(bundle: dict[str, Any], row: dict[str, Any]) -> None:
    """How many there are of the status, from when to when, and why."""
    status = row["status"]
    bundle["statuses"][status] = bundle["statuses"].get(status, 0) + row["count"]
    span = bundle["spans"].setdefault(status, {"since": row["since"], "until": row["until"], "reasons": []})
    span["since"], span["until"] = min(span["since"], row["since"]), max(span["until"], row["until"])
    span["reasons"] += [row["reason"]] if row["reason"] else []


def reaching_in(
    database: Database, held: Held, ids: Sequence[str], window: Interval, now: datetime, most: int
) -> list[dict[str, Any]]:
    """The occurrences that were due before the window, and yet lie in it: they lasted, or ran later."""
    rows = [row for one in ids for row in held.rows(REACHING_IN, the_schedule_id=one, since=window.start)]
    if window.end > now:
        rows += [row for row in held.rows(UNFINISHED) if row.schedule_id in set(ids)]
    found = {row.id: row._asdict() for row in rows if row.due_at < window.start}
    found |= {row["id"]: row for row in _ran_late(database, held, ids, window, most)}
    reaching = [row for row in found.values() if _end(row, now) >= window.start]
    return sorted(reaching, key=lambda row: (row["due_at"], row["id"]))


def _ran_late(
    database: Database, held: Held, ids: Sequence[str], window: Interval, most: int
) -> list[dict[str, Any]]:
    """What was due before the window and ran within it, because somebody asked for it or it was missed."""
    first, last = first_run_from(held, window.start), first_run_from(held, window.end)
    if last - first > MOST_RUNS:
        return []
    late = [str(trigger) for trigger in (Trigger.CATCH_UP, *REQUESTS)]
    ran = select(_r.occurrence_id).where(_r.id >= first, _r.id < last, _r.trigger.in_(late)).distinct()
    ran_late = ran.subquery()
    query = select(*_bar).join(ran_late, ran_late.c.occurrence_id == _o.id)
    early = query.where(_o.schedule_id.in_(ids), _o.due_at < window.start)
    return dicts(database, early.order_by(_o.id.desc()).limit(most))


def first_run_from(held: Held, moment: datetime) -> int:
    """The least id of the runs that were queued from that moment on; one more than all if none was.

    Ids rise as time passes: so it takes a few looks, however many rows there are.
    """
    ends = held.row(ENDS)
    if ends.last is None:
        return 1
    low, high = ends.first, ends.last + 1
    while low < high:
        middle = (low + high) // 2
        row = held.row(FIRST_AFTER, at_least=middle)
        if row is None or row.queued_at >= moment:
            high = middle
        else:
            low = row.id + 1
    return int(low)


def _due_within(ids: Sequence[str], window: Interval) -> tuple[ColumnElement[bool], ...]:
    return _o.schedule_id.in_(ids), _o.due_at >= window.start, _o.due_at < window.end


def _end(row: dict[str, Any], now: datetime) -> datetime:
    last: datetime = row["finished_at"] or (now if row["status"] in GOING_ON else row["due_until"])
    until: datetime = row["due_until"]
    return max(last, until)


def _seconds(dialect: str) -> ColumnElement[int]:
    """The instant as whole seconds since 1970."""
    if dialect == "sqlite":
        return cast(func.strftime("%s", _o.due_at), BigInteger)
    if dialect == "postgresql":
        return cast(func.floor(extract("epoch", _o.due_at)), BigInteger)
    return func.floor(func.unix_timestamp(_o.due_at), type_=BigInteger)
