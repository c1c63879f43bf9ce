"""When: cron, @aliases and "every N units" in a time zone, as instants. Pure; the only croniter.

The question is always a window, (since, until]; nothing asks whether now matches. All answers are in UTC.
The rules are those of Debian cron 3.0pl1 (man 8 cron, man 5 crontab). croniter finds the days and nothing
else, on a calendar without a zone: what it does about clock changes differs from cron (see walltime.py).
"""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Protocol, cast
from zoneinfo import ZoneInfo, available_timezones

from croniter import croniter

from scheduled.descriptions import describe_cron, describe_interval
from scheduled.errors import ExpressionError, did_you_mean
from scheduled.grammar import Cron, Field, Interval, normalised, read, shown
from scheduled.walltime import EPOCH, WallTimes

_SECOND = timedelta(seconds=1)
_FIRST = int((datetime(2, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
_LAST = int((datetime(9998, 12, 31, tzinfo=UTC) - EPOCH).total_seconds())
_DAY_ZERO = EPOCH.toordinal()
_FIRST_MONDAY = 4  # 1970-01-05


class Timing(Protocol):
    """The instants of an expression as Unix seconds."""

    def between(self, since: int, until: int) -> Iterator[int]:
        """The instants in (since, until], ascending, each once."""
        ...

    def count(self, since: int, until: int) -> int:
        """How many instants lie in (since, until]."""
        ...


@dataclass(frozen=True)
class Expression:
    """When something is due. Made by parse(); equal when text and time zone are.

    Every datetime given must be aware (else ValueError) and counts to the microsecond; every datetime
    returned is in UTC and lies on a whole second. The calendar ends with the year 9998.
    """

    text: str
    timezone: str
    zone: ZoneInfo = field(compare=False, repr=False)
    _meaning: Cron | Interval = field(compare=False, repr=False)
    _timing: Timing = field(compare=False, repr=False)

    def between(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The instants in (since, until], ascending, each once."""
        return map(_instant, self._timing.between(_floor(since), _floor(until)))

    def next(self, after: datetime) -> datetime | None:
        """The first instant later than `after`; None at the end of the calendar."""
        return self._first_after(_floor(after))

    def at_or_after(self, moment: datetime) -> datetime | None:
        """The first instant at `moment` or later; None at the end of the calendar."""
        return self._first_after(_before(moment))

    def count(self, since: datetime, until: datetime) -> int:
        """How many instants lie in (since, until]; quick for windows of many years."""
        return self._timing.count(_floor(since), _floor(until))

    def latest(self, n: int, since: datetime, until: datetime) -> list[datetime]:
        """The newest `n` instants in (since, until], ascending; quick for windows of many years."""
        oldest, end = _floor(since), _floor(until)
        width = 60
        while end - width > oldest and self._timing.count(end - width, end) < n:
            width *= 2
        found = list(self._timing.between(max(oldest, end - width), end))
        return [_instant(second) for second in found[max(0, len(found) - n) :]] if n > 0 else []

    def describe(self) -> str:
        """In words: 'At 02:30, only on Monday'."""
        if isinstance(self._meaning, Interval):
            return describe_interval(self._meaning)
        return describe_cron(self._meaning)

    def _first_after(self, second: int) -> datetime | None:
        found = next(self._timing.between(second, _LAST), None)
        return None if found is None else _instant(found)


def parse(text: str, timezone: str = "UTC") -> Expression:
    """The expression that `text` means in `timezone`, a name such as Europe/Riga.

    Raises ExpressionError, which tells people what is wrong: the text, the zone, or that it never fires.
    """
    return _parse(normalised(text), _checked(timezone))


def _checked(timezone: str) -> str:
    if not isinstance(timezone, str):
        raise ExpressionError(f"a time zone is a name such as 'Europe/Riga', not {type(timezone).__name__}")
    return timezone


@lru_cache(maxsize=4096)
def _parse(text: str, timezone: str) -> Expression:
    zone = _zone(timezone)
    meaning = read(text)
    if isinstance(meaning, Cron) and not _CronDays.of(meaning).exist():
        raise ExpressionError(f"{shown(text)} never fires: no month that it names has such a day")
    return Expression(text, timezone, zone, meaning, _timing(meaning, zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a relative path; a folder or too long
        known = available_timezones()
        cities = [zone for zone in known if zone.casefold().endswith(f"/{name.casefold()}")]
        hint = did_you_mean(name[:100], cities or known)
        raise ExpressionError(f"unknown time zone {shown(name)} ({hint})") from None


def _timing(meaning: Cron | Interval, zone: ZoneInfo) -> Timing:
    if isinstance(meaning, Cron):
        minutes = tuple(
            hour * 60 + minute for hour in meaning.hour.values for minute in meaning.minute.values
        )
        return WallTimes(zone, _CronDays.of(meaning), minutes, meaning.wild)
    if meaning.unit == "day":
        return WallTimes(zone, _EveryDays(meaning.number, anchor=0), minutes=(0,), wild=False)
    if meaning.unit == "week":
        return WallTimes(zone, _EveryDays(meaning.number * 7, anchor=_FIRST_MONDAY), minutes=(0,), wild=False)
    return _Elapsed(meaning.seconds)


@dataclass(frozen=True)
class _Elapsed:
    """Exact multiples of `step` seconds since the Unix epoch, whatever the clocks do."""

    step: int

    def between(self, since: int, until: int) -> Iterator[int]:
        return iter(range((since // self.step + 1) * self.step, until + 1, self.step))

    def count(self, since: int, until: int) -> int:
        return max(0, until // self.step - since // self.step)


@dataclass(frozen=True)
class _EveryDays:
    """Every `step` days from the day `anchor` on, and before it."""

    step: int
    anchor: int

    def between(self, first: int, stop: int) -> Iterator[int]:
        return iter(range(first + (self.anchor - first) % self.step, stop, self.step))


@dataclass(frozen=True)
class _CronDays:
    """The days that the last three fields name."""

    fields: str
    either: bool  # whether one of the two day fields is enough
    months: tuple[int, ...]

    @classmethod
    def of(cls, cron: Cron) -> "_CronDays":
        day, weekday = _listed(cron.day_of_month, 31), _listed(cron.day_of_week, 7)
        either = not cron.days_anded
        if either and "*" in (day, weekday):
            day = weekday = "*"  # every day is enough; croniter would go by the other field alone
        return cls(f"{day} {_listed(cron.month, 12)} {weekday}", either, cron.month.values)

    def exist(self) -> bool:
        """Whether there is ever such a day; 29 February on a given weekday can be 40 years away."""
        return next(_dates(self.fields, self.either, datetime(2000, 1, 1), years=50), None) is not None

    def between(self, first: int, stop: int) -> Iterator[int]:
        for number in range(_month_of(first), _month_of(stop - 1) + 1):
            year, month = number // 12, number % 12 + 1
            if month in self.months:
                begin = date(year, month, 1).toordinal() - _DAY_ZERO
                days = _days_in_month(self.fields, self.either, month, monthrange(year, month))
                for day in days[bisect_left(days, first - begin) : bisect_left(days, stop - begin)]:
                    yield begin + day


def _listed(values: Field, whole: int) -> str:
    return "*" if len(values.values) == whole else ",".join(map(str, values.values))


def _month_of(day: int) -> int:
    """The month that the day is in, counted from the year 0 on."""
    when = date.fromordinal(day + _DAY_ZERO)
    return when.year * 12 + when.month - 1


@lru_cache(maxsize=8192)
def _days_in_month(fields: str, either: bool, month: int, shape: tuple[int, int]) -> tuple[int, ...]:
    """The days that match, from 0 on, in such a month with such a first weekday and length, in any year."""
    year = next(year for year in range(2000, 2028) if monthrange(year, month) == shape)
    begin = datetime(year, month, 1)
    end = begin + timedelta(days=shape[1])
    dates = takewhile(lambda found: found < end, _dates(fields, either, begin, years=1))
    return tuple(found.day - 1 for found in dates)


def _dates(fields: str, either: bool, begin: datetime, years: int) -> Iterator[datetime]:
    """The matching dates from `begin` on, up to the first pause of so many years: asked of croniter."""
    dates = croniter(
        f"0 0 {fields}", begin - timedelta(days=1), day_or=either, max_years_between_matches=years
    )
    return cast(Iterator[datetime], dates.all_next(datetime))


def _floor(moment: datetime) -> int:
    """The last whole second at `moment` or earlier."""
    return _within_calendar(_since_epoch(moment) // _SECOND)


def _before(moment: datetime) -> int:
    """The last whole second earlier than `moment`."""
    return _within_calendar(-(-_since_epoch(moment) // _SECOND) - 1)


def _since_epoch(moment: datetime) -> timedelta:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment!r} has no time zone: give an aware datetime")
    return moment - EPOCH


def _within_calendar(second: int) -> int:
    return min(max(second, _FIRST), _LAST)


def _instant(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)
