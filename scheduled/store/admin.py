"""What the pages of the admin ask of the database: each question one query, for however many rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import bindparam, literal_column, or_, select, union_all

from scheduled.store.database import Database
from scheduled.store.dicts import dicts
from scheduled.store.durations import MEASURED, median_ms
from scheduled.store.explaining import EVENTS
from scheduled.store.reads import LEDGER, SCHEDULE
from scheduled.store.searching import ever_switched
from scheduled.store.statements import Statement
from scheduled.store.tables import events, given, occurrences, runs, schedules
from scheduled.words import Status

_s, _o, _e, _r = schedules.c, occurrences.c, events.c, runs.c

SIZES = (1, 10, 100)
PAGE = SIZES[-1]
"""So many schedules are shown at once, at most."""
NEWEST = 60
"""And of each of them so many occurrences."""
ATTEMPTED = 2000
"""How its jobs did lately, so many of its newest attempts tell: found by the index, however many it has."""
HISTORY = (*LEDGER, "rerun_of")

_flags = (
    _s.id,
    _s.enabled,
    _s.orphaned,
    _s.consecutive_failures,
    _s.locked_by,
    or_(_s.enabled, ever_switched).label("ever_on"),
)
_words = [_s.definition[key].as_string().label(key) for key in ("name", "description", "cron")]
INDEX = Statement(select(*_flags).order_by(_s.id))
INDEX_OF_WORDS = Statement(select(*_flags, *_words).order_by(_s.id))
"""To look into all definitions takes a server ten times as long."""
_of = select(*(_o[name] for name in HISTORY)).where(_o.schedule_id == given(_o.schedule_id))
_newest_first = (_o.due_at.desc(), _o.id.desc())
_limit = bindparam("limit", type_=_o.id.type)
NEWEST_FIRST = Statement(_of.order_by(*_newest_first).limit(_limit))
BEFORE = Statement(
    _of.where(
        _o.due_at <= given(_o.due_at, "due_before"),
        or_(_o.due_at < given(_o.due_at, "due_before"), _o.id < given(_o.id, "id_before")),
    )
    .order_by(*_newest_first)
    .limit(_limit)
)
ATTEMPTS = Statement(
    select(_r.id, _r.job_name, _r.status, _r.reason, _r.duration_ms)
    .where(_r.schedule_id == given(_r.schedule_id))
    .order_by(_r.id.desc())
    .limit(literal_column(str(ATTEMPTED)))
)


def index(database: Database, *, words: bool = False) -> list[Any]:
    """The state of each schedule, by id: enough to count them; and its `words`, to search among them."""
    with database.hold() as held:
        return held.rows(INDEX_OF_WORDS if words else INDEX)


def switches(database: Database, schedule_id: str) -> list[Any]:
    """The events that decided whether and when the schedule is due, oldest first."""
    with database.hold() as held:
        return held.rows(EVENTS, the_schedule_id=schedule_id)


def ledger_page(
    database: Database, schedule_id: str, limit: int, before: tuple[datetime, int] | None = None
) -> list[Any]:
    """The newest occurrences of a schedule, by their due instants; those before that instant and id."""
    with database.hold() as held:
        if before is None:
            return held.rows(NEWEST_FIRST, the_schedule_id=schedule_id, limit=limit)
        due, one = before
        values = {"the_schedule_id": schedule_id, "due_before": due, "id_before": one}
        return held.rows(BEFORE, **values, limit=limit)


@dataclass(frozen=True)
class Lately:
    """How a job did lately in one schedule: its newest attempt, if any, and what its newest runs took."""

    last: Any = None
    """It has `id`, `status` and `reason`."""
    median_ms: int | None = None


def lately(database: Database, schedule_id: str, job_names: Iterable[str]) -> dict[str, Lately]:
    """How each of the jobs did lately in that schedule, as its newest attempts tell."""
    with database.hold() as held:
        rows = held.rows(ATTEMPTS, the_schedule_id=schedule_id)
    of: dict[str, list[Any]] = {name: [] for name in job_names}
    for row in rows:
        if row.job_name in of:
            of[row.job_name].append(row)
    return {
        name: Lately(found[0], median_ms(_taken(found))) if found else Lately() for name, found in of.items()
    }


def _taken(attempts: Iterable[Any]) -> list[int]:
    completed = (one.duration_ms for one in attempts if one.status == Status.COMPLETED)
    return [taken for taken in completed if taken is not None][:MEASURED]


def some_schedules(database: Database, ids: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of those schedules, in that order."""
    query = select(*(_s[name] for name in SCHEDULE)).where(_s.id.in_(ids))
    rows = {row["id"]: row for row in dicts(database, query)}
    return [rows[one] for one in ids if one in rows]


def newest_occurrences(database: Database, ids: Sequence[str]) -> dict[str, list[Any]]:
    """Of each of the schedules (`PAGE` at most) its `NEWEST` newest occurrences, the newest first."""
    places = next(size for size in SIZES if len(ids) <= size)
    wanted = {f"id_{place}": one for place, one in enumerate([*ids, *[""] * (places - len(ids))])}
    found: dict[str, list[Any]] = {one: [] for one in ids}
    with database.hold() as held:
        for row in held.rows(newest_of(places), **wanted):
            found[row.schedule_id].append(row)
    return found


@cache
def newest_of(places: int) -> Statement:
    """The newest occurrences of so many schedules: each found by the index, however many it has."""
    columns = (_o.schedule_id, _o.id, _o.due_at, _o.due_count, _o.status, _o.reason)
    each = [
        select(*columns)
        .where(_o.schedule_id == given(_o.schedule_id, f"id_{place}"))
        .order_by(_o.due_at.desc(), _o.id.desc())
        .limit(literal_column(str(NEWEST)))
        .subquery(f"newest_{place}")
        for place in range(places)
    ]
    return Statement(union_all(*(select(one) for one in each)))
