"""A stretch of time as lanes, one for each schedule: what ran, what was skipped, and what is coming."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from scheduled.errors import ExpressionError, UsageError
from scheduled.expressions import parse
from scheduled.missed_runs import TICK, Interval
from scheduled.phrases import lasting
from scheduled.presence import why_absent
from scheduled.store import explaining, lanes
from scheduled.store.database import Database
from scheduled.store.durations import median_ms
from scheduled.store.held import Held
from scheduled.stretches import without
from scheduled.words import Status

LONGEST = timedelta(days=366)
MOST = 60
"""A lane has at most so many single occurrences, and so many coming ones; more of them are bundled."""


def timeline(
    database: Database,
    schedules: Sequence[Mapping[str, Any]],
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    most: int = MOST,
) -> dict[str, Any]:
    """What lay, lies and will lie in [since, until) (aware), for these schedules. The keys are stable.

    `schedules`: rows as `searching.find_schedules` has them; each becomes a lane, in their order. `most`: a
    lane with more occurrences than this has `bundles` of them instead, counted by status; and only so many of
    the coming instants are told, beside how many there are.

    Raises:
        UsageError: the window is empty, or longer than a year.
    """
    if not timedelta(0) < until - since <= LONGEST:
        told = f"it lasts {lasting(until - since)}" if until > since else "it ends before it begins"
        raise UsageError(f"a timeline is of a year at most, and not of nothing: {told}")
    with database.hold() as held:
        ids = [row["id"] for row in schedules]
        found = _Found(database, held, ids, Interval(since, until), now, most)
        return {
            "since": since,
            "until": until,
            "now": now,
            "downtime": downtime(held, since, min(until, now), now),
            "lanes": [found.lane(row) for row in schedules],
        }


def downtime(held: Held, since: datetime, until: datetime, now: datetime) -> list[dict[str, datetime]]:
    """When no daemon lived within [since, until), from the first one's start on; oldest first."""
    lives = list(explaining.lives(held, since))
    # Who lives does so until now, and not only until it last said so.
    lives += [
        Interval(life.last_heartbeat_at, now + TICK)
        for life in held.rows(explaining.LIVING)
        if why_absent(life, now) is None
    ]
    if not lives:
        return []
    start = max(since, min(life.start for life in lives))
    gaps = without(Interval(start, until), lives) if start < until else []
    return [{"since": gap.start, "until": gap.end} for gap in gaps]


def coming(
    row: Mapping[str, Any], since: datetime, until: datetime, now: datetime, most: int
) -> tuple[list[datetime], int]:
    """The instants in [since, until) at which it will be due: the first `most`, and how many there are."""
    definition = row["definition"]
    begin = max(now, since - TICK, (row["next_run_at"] or now) - TICK)
    if row["orphaned"] or not row["enabled"] or begin >= until:
        return [], 0
    try:
        expression = parse(definition.get("cron", ""), definition.get("timezone", "UTC"))
    except ExpressionError:  # stored by a version that could read it
        return [], 0
    first = list(islice(expression.between(begin, until - TICK), most))
    return first, len(first) if len(first) < most else expression.count(begin, until - TICK)


class _Found:
    """What the database has for all lanes of one timeline, asked for at once."""

    def __init__(
        self,
        database: Database,
        held: Held,
        ids: Sequence[str],
        window: Interval,
        now: datetime,
        most: int,
    ) -> None:
        self._held, self._window, self._now, self._most = held, window, now, most
        counts = lanes.counts(database, ids, window) if ids else {}
        dense = [one for one in ids if counts.get(one, 0) > most]
        sparse = [one for one in ids if 0 < counts.get(one, 0) <= most]
        self._bars = _by_schedule(
            lanes.reaching_in(database, held, ids, window, now, most) if ids else [],
            lanes.bars(database, sparse, window) if sparse else [],
        )
        self._bundles = lanes.bundles(database, dense, window, most) if dense else {}

    def lane(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """All that one schedule's lane shows."""
        definition = row["definition"]
        bars = self._bars.get(row["id"], [])
        first, count = coming(row, self._window.start, self._window.end, self._now, self._most)
        return {
            "schedule_id": row["id"],
            "name": definition.get("name", row["id"]),
            "enabled": row["enabled"],
            "orphaned": row["orphaned"],
            "median_ms": median_ms(lanes.lately(self._held, row["id"])),
            "occurrences": [bar for bar in bars if bar["status"] != Status.SKIPPED],
            "skipped": [bar for bar in bars if bar["status"] == Status.SKIPPED],
            "bundles": self._bundles.get(row["id"], []),
            "coming": first,
            "coming_count": count,
        }


def _by_schedule(*rows: Iterable[dict[str, Any]]) -> Mapping[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for some in rows:
        for row in some:
            bar = {key: value for key, value in row.items() if key != "schedule_id"}
            found[row["schedule_id"]].append(bar)
    return found
