"""What the ledger must hold, by plain reasoning: nothing here knows our planner, policies or expressions.

When was a schedule due? Its minutes are walked one by one, as cron's own loop does; its intervals are counted
off. What did it owe? All of that while it was known and on. What may a reason claim? Only what happened.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from tests.test_expressions_against_cronsim import Field, cron_loop

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
UNITS = {"second": 1, "minute": 60, "hour": 3600}


@dataclass(frozen=True)
class Rhythm:
    """An expression in its zone, and by the slowest of ways when it is due."""

    text: str
    zone: str = "UTC"

    def instants(self, since: datetime, until: datetime) -> list[datetime]:
        """The due instants from `since` up to, not including, `until`."""
        day, found = since.replace(hour=0, minute=0, second=0, microsecond=0), []
        while day < until:
            found += [instant for instant in _of_day(self, day) if since <= instant < until]
            day += DAY
        return found


@lru_cache(maxsize=4096)
def _of_day(rhythm: Rhythm, day: datetime) -> tuple[datetime, ...]:
    if interval := re.fullmatch(r"every (\d+) (second|minute|hour|day)s", rhythm.text):
        return tuple(_counted(int(interval[1]), interval[2], rhythm.zone, day))
    cron = tuple(_field(text, *limits) for text, limits in zip(rhythm.text.split(), RANGES, strict=True))
    return tuple(cron_loop(cron, ZoneInfo(rhythm.zone), day - TICK, day + DAY - TICK))


def _counted(count: int, unit: str, zone: str, day: datetime) -> Iterator[datetime]:
    if unit == "day":
        for local in (day.date() - DAY, day.date(), day.date() + DAY):
            midnight = datetime(local.year, local.month, local.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
            if day <= midnight < day + DAY and (local - datetime(1970, 1, 1).date()).days % count == 0:
                yield midnight
        return
    step = count * UNITS[unit]
    second = -(-int(day.timestamp()) // step) * step
    while second < (day + DAY).timestamp():
        yield datetime.fromtimestamp(second, UTC)
        second += step


def _field(text: str, low: int, high: int) -> Field:
    values: set[int] = set()
    for part in text.split(","):
        spread, _, step = part.partition("/")
        first, _, last = spread.partition("-")
        ends = (low, high) if spread == "*" else (int(first), int(last or first))
        values |= set(range(ends[0], ends[1] + 1, int(step or 1)))
    return Field(text, frozenset(values))


@dataclass(frozen=True)
class Row:
    """A row of the ledger, as the database has it."""

    id: int
    due_at: datetime
    due_until: datetime
    count: int
    status: str
    reason: str | None
    started_at: datetime | None


@dataclass
class Debt:
    """What one schedule owes its ledger."""

    rhythm: Rhythm
    enabled: bool
    since: datetime
    """From here on it owes what it is due now: when it became known, was switched on or retimed."""
    known: bool = True
    owed: set[datetime] = field(default_factory=set)
    at_the_edge: set[datetime] = field(default_factory=set)
    """Due at an instant at which the clock stood, but which it had not yet passed: it may be answered for."""
    rhythms: list[Rhythm] = field(default_factory=list)
    answers: dict[int, tuple[Row, frozenset[datetime]]] = field(default_factory=dict)
    """The rows seen so far, each with the instants that it answers for."""

    @property
    def runs(self) -> bool:
        return self.enabled and self.known

    def passed(self, since: datetime, now: datetime) -> None:
        """The clock went on from there to here."""
        if self.runs:
            self.owed.update(self.rhythm.instants(max(since, self.since), now))
            self.at_the_edge.update(self.rhythm.instants(now, now + TICK))

    def forgets(self, now: datetime) -> None:
        """The clock is set back to now: what nobody has answered for since is still to come."""
        answered = {due for _row, dues in self.answers.values() for due in dues}
        self.owed = {due for due in self.owed if due < now or due in answered}
        self.passed(now, now)

    def begin(self, now: datetime) -> None:
        """It is planned afresh from now on: what was only skipped, and will come again, is not owed yet."""
        started = {due for row, dues in self.answers.values() if row.started_at for due in dues}
        waiting = {due for row, dues in self.answers.values() if row.status == "QUEUED" for due in dues}
        self.owed = {due for due in self.owed if due < now or due in started or due in waiting}
        self.since = now
        self.passed(now, now)

    def look(self, rows: list[Row]) -> None:
        """See which rows there are now, and which instants each new one answers for."""
        seen = self.answers
        self.answers = {}
        for row in rows:
            known = seen.get(row.id)
            same = known is not None and (known[0].due_until, known[0].count) == (row.due_until, row.count)
            self.answers[row.id] = (row, known[1] if known is not None and same else self._instants_of(row))

    def _instants_of(self, row: Row) -> frozenset[datetime]:
        """By the rhythm of now or the one before: no row is written later."""
        for rhythm in (self.rhythm, *reversed(self.rhythms)):
            dues = rhythm.instants(row.due_at, row.due_until + TICK)
            if (len(dues), dues[:1], dues[-1:]) == (row.count, [row.due_at], [row.due_until]):
                return frozenset(dues)
        raise AssertionError(f"{row} holds no such instants of {self.rhythm} or {self.rhythms}")

    def breaches(self, frontier: datetime | None) -> Iterator[str]:
        """Each way in which the rows are not what is owed, up to the frontier (None: all of it)."""
        answered: dict[datetime, int] = {}
        for row, dues in self.answers.values():
            for due in dues & answered.keys():
                yield f"{due} is in the occurrences {answered[due]} and {row.id}"
            answered |= dict.fromkeys(dues, row.id)
        for due in sorted(answered.keys() - self.owed - self.at_the_edge):
            yield f"{due} was not due, but occurrence {answered[due]} answers for it"
        for due in sorted(self.owed - answered.keys()):
            if frontier is None or due < frontier:
                yield f"{due} was due, and no row answers for it"

    def unanswered(self, now: datetime) -> list[datetime]:
        """What was due before now, and has no answer or none that is final."""
        final = {
            due
            for row, dues in self.answers.values()
            if row.status not in ("QUEUED", "RUNNING")
            for due in dues
        }
        return sorted(due for due in self.owed - final if due < now)


@dataclass
class Truth:
    """When daemons really lived, and when occurrences really ran: what a row's reason may be held against."""

    lives: list[tuple[datetime, datetime]]
    processes: list[tuple[datetime, datetime]]
    """The same, where one that stands still counts too."""
    runs: list[tuple[str, datetime, datetime]]

    def was_running(self, schedule_id: str, moment: datetime) -> bool:
        return any(run == schedule_id and start <= moment < end for run, start, end in self.runs)


def longest_silence(lives: list[tuple[datetime, datetime]], since: datetime, until: datetime) -> timedelta:
    """The longest time between the two in which nobody lived."""
    longest, reached = timedelta(0), since
    for start, end in sorted(lives):
        if reached >= until:
            break
        if start > reached:
            longest = max(longest, min(start, until) - reached)
        reached = max(reached, end)
    return max(longest, until - reached)
