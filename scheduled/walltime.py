"""Wall-clock minutes as instants, across the clock changes of a time zone. Pure.

Instants are whole Unix seconds. A wall minute is the number of minutes from 1970-01-01 00:00 to what the
clock on the wall shows; a day, the number of days since 1970-01-01. Plain integers, so that nothing here can
fall for the arithmetic of two datetimes in one zone, which is blind to clock changes.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = 86_400
MINUTES_PER_DAY = 1440
CORRECTION = 3 * 3600  # Debian cron takes a change of three hours or more for a correction of the clock


class Stretch(NamedTuple):
    """Instants from `begin` up to (not including) `end`, during which the offset stays the same."""

    begin: int
    end: int
    offset: int  # wall minus UTC, in seconds
    owed: int  # fixed times run from this wall second on: where they had come to when the stretch began


class Change(NamedTuple):
    """At the instant `at` the clock on the wall goes from the wall second `before` to `after`."""

    at: int
    before: int
    after: int

    @property
    def is_correction(self) -> bool:
        """Whether it is so large that cron takes no account of it."""
        return abs(self.after - self.before) >= CORRECTION


class Span(NamedTuple):
    """Wall minutes from `start` up to (not including) `stop`, all at one offset.

    Minute `start` also answers for the minutes from `owed` on, which the clock skipped.
    """

    offset: int
    owed: int
    start: int
    stop: int


class Days(Protocol):
    """The days on which an expression runs."""

    def between(self, first: int, stop: int) -> Iterator[int]:
        """The days from `first` up to (not including) `stop`, ascending."""
        ...


@dataclass(frozen=True)
class WallTimes:
    """The given minutes of the given days, on the wall clock of `zone`."""

    zone: ZoneInfo
    days: Days
    minutes: tuple[int, ...]  # of the day, ascending
    wild: bool

    def between(self, since: int, until: int) -> Iterator[int]:
        """The instants in (since, until], ascending."""
        for offset, owed, start, stop in spans(self.zone, since, until, wild=self.wild):
            if owed < start:
                if self._count(owed, start + 1):
                    yield start * 60 - offset
                start += 1
            for midnight, low, high in self._slices(start, stop):
                base = midnight * 60 - offset
                for minute in self.minutes[low:high]:
                    yield base + minute * 60

    def count(self, since: int, until: int) -> int:
        """How many instants lie in (since, until]."""
        return sum(
            bool(self._count(owed, start + 1)) + self._count(start + 1, stop)
            for _, owed, start, stop in spans(self.zone, since, until, wild=self.wild)
        )

    def _count(self, start: int, stop: int) -> int:
        return sum(high - low for _, low, high in self._slices(start, stop))

    def _slices(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """For each day: its midnight, and which of `minutes` fall into start <= minute < stop."""
        for day in self.days.between(start // MINUTES_PER_DAY, -(-stop // MINUTES_PER_DAY)):
            midnight = day * MINUTES_PER_DAY
            yield (
                midnight,
                bisect_left(self.minutes, start - midnight),
                bisect_left(self.minutes, stop - midnight),
            )


def spans(zone: ZoneInfo, since: int, until: int, *, wild: bool) -> Iterator[Span]:
    """The wall minutes that run in (since, until], by the rule of Debian cron 3.0pl1 (man 8 cron, cron.c).

    Wild times follow the clock wherever it goes. Fixed times go on from where they had come to: after a
    repeated hour only when the clock passes new minutes, after a gap with the skipped ones at once.
    """
    for begin, end, offset, carried in _stretches_between(zone, since, until):
        start = owed = _minute_from(max(begin, since + 1) + offset)
        stop = _minute_from(min(end, until + 1) + offset)
        if not wild and _minute_from(carried) > start:
            start = owed = _minute_from(carried)
        elif not wild and start == _minute_from(begin + offset):
            owed = _minute_from(carried)
        if start < stop:
            yield Span(offset, owed, start, stop)


def changes(zone: ZoneInfo, since: int, until: int) -> Iterator[Change]:
    """When the clock of the zone is put forward or back in (since, until], ascending."""
    for earlier, later in pairwise(_stretches_between(zone, since, until)):
        if earlier.offset != later.offset and since < later.begin <= until:
            yield Change(later.begin, later.begin + earlier.offset, later.begin + later.offset)


def _minute_from(second: int) -> int:
    """The first minute that begins at `second` or later."""
    return -(-second // 60)


def _stretches_between(zone: ZoneInfo, since: int, until: int) -> Iterator[Stretch]:
    year = _year_of(since)
    if since < _quiet_new_year(zone, year):
        year -= 1
    for later in range(year, _year_of(until) + 1):
        yield from (stretch for stretch in _stretches(zone, later) if stretch.end > since)


@lru_cache(maxsize=4096)
def _stretches(zone: ZoneInfo, year: int) -> tuple[Stretch, ...]:
    """The stretches of one year, found by asking for each day's offset; no zone changes twice in a day."""
    begin, end = _quiet_new_year(zone, year), _quiet_new_year(zone, year + 1)
    offset = _offset(zone, begin)
    owed = begin + offset
    found = []
    for day in range(begin, end, DAY):
        after = _offset(zone, day + DAY)
        if after != offset:
            change = _change(zone, day, day + DAY)
            found.append(Stretch(begin, change, offset, owed))
            owed = change + (offset if abs(after - offset) < CORRECTION else after)
            begin, offset = change, after
    return (*found, Stretch(begin, end, offset, owed))


def _change(zone: ZoneInfo, low: int, high: int) -> int:
    """The instant at which the offset of `low` ends, at most `high`."""
    offset = _offset(zone, low)
    return low + bisect_left(range(low, high), True, key=lambda second: _offset(zone, second) != offset)


@lru_cache(maxsize=4096)
def _quiet_new_year(zone: ZoneInfo, year: int) -> int:
    """The year's first UTC midnight that no change precedes by a day or less: years are cut apart there."""
    midnight = int((datetime(year, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
    while _offset(zone, midnight - DAY) != _offset(zone, midnight):
        midnight += DAY
    return midnight


def _year_of(second: int) -> int:
    return datetime.fromtimestamp(second, UTC).year


def _offset(zone: ZoneInfo, second: int) -> int:
    delta = datetime.fromtimestamp(second, zone).utcoffset()
    return int(delta.total_seconds()) if delta else 0
