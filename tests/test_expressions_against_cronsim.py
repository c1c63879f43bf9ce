"""Two oracles: cronsim where it is sound, and Debian's own loop (cron.c) minute by minute where it is not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduled.errors import ExpressionError
from scheduled.expressions import Expression, parse

MINUTE = timedelta(minutes=1)
# cronsim is sound here from 1998 on: whole hours, never at midnight (as in the Soviet 1980s), under three.
SOUND = ["UTC", "America/New_York", "Europe/London", "Europe/Berlin", "Europe/Riga", "Asia/Tokyo"]
CHANGES = [
    ("America/New_York", "2024-03-10T07:00Z"),
    ("America/New_York", "2024-11-03T06:00Z"),
    ("Europe/Riga", "2021-03-28T01:00Z"),
    ("Europe/Riga", "2021-10-31T01:00Z"),
    ("Australia/Lord_Howe", "2024-10-05T15:30Z"),
    ("Australia/Lord_Howe", "2024-04-06T15:00Z"),
    ("Africa/Casablanca", "2024-03-10T02:00Z"),
    ("Africa/Casablanca", "2024-04-14T02:00Z"),
    ("Asia/Tehran", "2022-03-21T20:30Z"),
    ("Asia/Tehran", "2021-09-21T19:30Z"),
    ("Pacific/Apia", "2011-12-30T10:00Z"),
    ("Antarctica/Troll", "2024-03-31T01:00Z"),
    ("Antarctica/Troll", "2024-10-27T01:00Z"),
    ("Antarctica/Casey", "2009-10-17T18:00Z"),
    ("Antarctica/Casey", "2010-03-04T15:00Z"),
    ("America/St_Johns", "2009-03-08T03:31Z"),
    ("America/St_Johns", "2009-11-01T02:31Z"),
    ("Asia/Kuala_Lumpur", "1981-12-31T16:00Z"),
    ("Asia/Dhaka", "2009-12-31T17:00Z"),
    ("Africa/Sao_Tome", "2018-01-01T01:00Z"),
    ("Africa/Sao_Tome", "2019-01-01T01:00Z"),
]


class Field(NamedTuple):
    text: str
    values: frozenset[int]


def items(low: int, high: int, likely: int) -> st.SearchStrategy[Field]:
    """One item and what it means, said by the test itself; values at most `likely` are drawn more often."""
    number = st.integers(low, likely) | st.integers(low, high)
    pair = st.tuples(number, number).map(sorted).filter(lambda ends: ends[0] < ends[1])
    step = st.integers(1, high)
    return st.one_of(
        st.builds(lambda a: Field(f"{a}", frozenset([a])), number),
        st.builds(lambda ab: Field(f"{ab[0]}-{ab[1]}", frozenset(range(ab[0], ab[1] + 1))), pair),
        st.builds(lambda n: Field(f"*/{n}", frozenset(range(low, high + 1, n))), step),
        st.builds(lambda a, n: Field(f"{a}/{n}", frozenset(range(a, high + 1, n))), number, step),
        st.builds(
            lambda ab, n: Field(f"{ab[0]}-{ab[1]}/{n}", frozenset(range(ab[0], ab[1] + 1, n))), pair, step
        ),
    )


def fields(low: int, high: int, likely: int | None = None, *, star: bool = False) -> st.SearchStrategy[Field]:
    whole = Field("*", frozenset(range(low, high + 1)))
    some = st.lists(items(low, high, likely or high), min_size=1, max_size=3).map(
        lambda parts: Field(
            ",".join(part.text for part in parts), frozenset().union(*(p.values for p in parts))
        )
    )
    return st.just(whole) | st.just(whole) | some if star else st.just(whole) | some | some


CRONS = st.tuples(
    fields(0, 59),
    fields(0, 23, 3),
    fields(1, 31, star=True),
    fields(1, 12, star=True),
    fields(0, 7, star=True),
)


def expression(cron: tuple[Field, ...], zone: str) -> Expression:
    try:
        return parse(" ".join(field.text for field in cron), zone)
    except ExpressionError as error:
        assume("never fires" not in str(error))
        raise


@settings(max_examples=300, deadline=None)
@given(CRONS, st.sampled_from(SOUND), st.integers(0, 14_000))
def test_it_agrees_with_cronsim(cron: tuple[Field, ...], zone: str, day: int) -> None:
    ours = expression(cron, zone)
    after = datetime(1998, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)
    theirs = CronSim(ours.text, after.astimezone(ours.zone))
    for _ in range(5):
        expected = next(theirs).astimezone(UTC)
        assert ours.next(after) == expected
        after = expected


@settings(max_examples=150, deadline=None)
@given(CRONS)
def test_it_refuses_as_never_firing_what_cronsim_cannot_find(cron: tuple[Field, ...]) -> None:
    text = " ".join(field.text for field in cron)
    try:
        found = next(CronSim(text, datetime(2024, 1, 1)), None)
    except CronSimError:
        found = None
    try:
        ours = parse(text).next(datetime(2024, 1, 1, tzinfo=UTC))
    except ExpressionError:
        ours = None
    assert ours == (found and found.replace(tzinfo=UTC))


@settings(max_examples=250, deadline=None)
@given(
    CRONS,
    st.sampled_from(CHANGES),
    st.timedeltas(timedelta(hours=-5), timedelta(hours=4)),
    st.timedeltas(timedelta(minutes=1), timedelta(hours=30)),
)
def test_it_does_what_the_loop_of_cron_does(
    cron: tuple[Field, ...], change: tuple[str, str], before: timedelta, length: timedelta
) -> None:
    zone, instant = change
    ours = expression(cron, zone)
    since = datetime.fromisoformat(instant) + before
    assert list(ours.between(since, since + length)) == list(
        cron_loop(cron, ours.zone, since, since + length)
    )


def cron_loop(
    cron: tuple[Field, ...], zone: ZoneInfo, since: datetime, until: datetime
) -> Iterator[datetime]:
    """The main loop of Debian cron 3.0pl1, woken at every minute, in minutes of the wall clock.

    `virtual` is the minute up to which fixed times have run. A change of exactly three hours is a correction.
    """
    wild = cron[0].text.startswith("*") or cron[1].text.startswith("*")
    now = since.replace(second=0, microsecond=0) - timedelta(hours=8)
    virtual = wall(now, zone)
    while now < until:
        now += MINUTE
        running = wall(now, zone)
        moved = running - virtual
        if timedelta(0) < moved <= timedelta(hours=3):
            due = matches(cron, running) if wild else any(matches(cron, m) for m in minutes(virtual, running))
            virtual = running
        elif timedelta(hours=-3) + MINUTE < moved <= timedelta(0):
            due = wild and matches(cron, running)
        else:
            due = matches(cron, running)
            virtual = running
        if due and since < now <= until:
            yield now


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def minutes(after: datetime, last: datetime) -> Iterator[datetime]:
    while after < last:
        after += MINUTE
        yield after


def matches(cron: tuple[Field, ...], moment: datetime) -> bool:
    minute, hour, day, month, weekday = cron
    on_day = moment.day in day.values
    on_weekday = bool({moment.isoweekday() % 7, moment.isoweekday()} & weekday.values)
    anded = day.text.startswith("*") or weekday.text.startswith("*")
    return (
        moment.minute in minute.values
        and moment.hour in hour.values
        and moment.month in month.values
        and ((on_day and on_weekday) if anded else (on_day or on_weekday))
    )
