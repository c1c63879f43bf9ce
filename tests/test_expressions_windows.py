"""between, next, at_or_after, count and latest answer alike, for whatever window."""

import time
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduled.expressions import Expression, parse

TEXTS = """* * * * *|*/5 * * * *|7 * * * *|30 2 * * *|*/15 2 * * *|0,30 1,2,3 * * *|30 0-23 * * *|0 */6 * * *
@daily|59 23 * * 1-5|0 0 1 * 1|0 12 */2 * 1|0 0 29 2 *|every 90 seconds|every 7 minutes|every 5 hours
every day|every 3 days|every 2 weeks""".replace("\n", "|").split("|")
# Within two days of each: a change of the clock there.
CHANGES = [
    ("UTC", "2024-02-29"),
    ("America/New_York", "2024-03-10"),
    ("America/New_York", "2024-11-03"),
    ("Europe/Riga", "2021-10-31"),
    ("Australia/Lord_Howe", "2024-04-07"),
    ("America/St_Johns", "2009-11-01"),
    ("Asia/Tehran", "2022-03-21"),
    ("Antarctica/Troll", "2024-03-31"),
    ("Antarctica/Casey", "2010-03-05"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Dhaka", "2009-12-31"),
    ("Africa/Monrovia", "1972-01-07"),
]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Expression, datetime, datetime, datetime]:
    zone, day = draw(st.sampled_from(CHANGES))
    ends = st.timedeltas(timedelta(days=-2), timedelta(days=3)) | st.integers(-48, 72).map(
        lambda hours: timedelta(hours=hours)
    )
    since, middle, until = sorted(at(f"{day}T00:00Z") + draw(ends) for _ in range(3))
    return parse(draw(st.sampled_from(TEXTS)), zone), since, middle, until


@settings(max_examples=300, deadline=None)
@given(windows(), st.integers(0, 5))
def test_it_answers_every_question_alike(
    window: tuple[Expression, datetime, datetime, datetime], n: int
) -> None:
    expression, since, middle, until = window
    found = list(expression.between(since, until))
    assert all(earlier < later for earlier, later in pairwise(found))
    assert all(since < instant <= until and instant.tzinfo is UTC for instant in found)
    assert expression.count(since, until) == len(found)
    assert expression.latest(n, since, until) == found[len(found) - min(n, len(found)) :]
    assert [*expression.between(since, middle), *expression.between(middle, until)] == found
    first = expression.next(since)
    assert first is not None
    assert [first] == found[:1] or (not found and first > until)
    for earlier, later in islice(pairwise(found), 20):
        assert (
            expression.next(earlier) == expression.at_or_after(earlier + timedelta(microseconds=1)) == later
        )
        assert (
            expression.at_or_after(later)
            == expression.at_or_after(later - timedelta(microseconds=1))
            == later
        )


def test_it_leaves_out_the_beginning_and_takes_in_the_end() -> None:
    daily = parse("@daily")
    assert list(daily.between(at("2024-01-01T00:00Z"), at("2024-01-02T00:00Z"))) == [at("2024-01-02T00:00Z")]
    assert daily.count(at("2024-01-01T00:00Z"), at("2024-01-02T00:00Z")) == 1


def test_it_counts_microseconds() -> None:
    daily, tick = parse("@daily"), timedelta(microseconds=1)
    midnight = at("2024-01-02T00:00Z")
    assert daily.next(midnight - tick) == midnight
    assert daily.next(midnight) == midnight + timedelta(days=1)
    assert daily.at_or_after(midnight) == midnight
    assert daily.at_or_after(midnight + tick) == midnight + timedelta(days=1)
    assert daily.count(midnight - tick, midnight - tick) == 0
    assert daily.count(midnight - 2 * tick, midnight) == 1


def test_it_finds_nothing_in_a_window_that_ends_before_it_begins() -> None:
    since, until = at("2024-01-10T00:00Z"), at("2024-01-01T00:00Z")
    for text in ("@daily", "every minute", "every 3 days"):
        assert list(parse(text).between(since, until)) == []
        assert parse(text).count(since, until) == 0
        assert parse(text).latest(3, since, until) == []


def test_it_gives_none_of_the_latest_when_asked_for_none() -> None:
    assert parse("@daily").latest(0, at("2024-01-01T00:00Z"), at("2024-02-01T00:00Z")) == []


def test_it_takes_any_zone_and_gives_utc() -> None:
    after = datetime(2024, 11, 3, 1, 10, fold=1, tzinfo=ZoneInfo("America/New_York"))
    found = parse("45 1 * * *", "America/New_York").next(after)
    assert found == at("2024-11-04T06:45Z")
    assert found.tzinfo is UTC
    assert parse("@hourly").next(datetime(2024, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=5.5)))) == at(
        "2023-12-31T20:00Z"
    )


@pytest.mark.parametrize("text", ["@daily", "every minute"])
def test_it_refuses_a_naive_datetime(text: str) -> None:
    expression, naive, aware = parse(text), datetime(2024, 1, 1), at("2024-01-01T00:00Z")
    for ask in (
        lambda: expression.next(naive),
        lambda: expression.at_or_after(naive),
        lambda: expression.between(naive, aware),
        lambda: expression.count(aware, naive),
        lambda: expression.latest(1, naive, aware),
    ):
        with pytest.raises(ValueError, match="aware"):
            ask()


def test_it_waits_forty_years_for_a_leap_day_on_a_sunday() -> None:
    assert parse("0 0 29 2 */7").next(at("2080-01-01T00:00Z")) == at("2088-02-29T00:00Z")
    assert parse("0 0 29 2 */7").next(at("2088-03-01T00:00Z")) == at("2128-02-29T00:00Z")


@pytest.mark.parametrize("text", ["@yearly", "* * * * *", "every hour", "every 3 days"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Apia"])
def test_it_comes_to_the_end_of_the_calendar(text: str, zone: str) -> None:
    expression = parse(text, zone)
    last = datetime.max.replace(tzinfo=UTC)
    assert expression.next(last) is None
    assert expression.at_or_after(last) is None
    assert expression.next(at("9998-12-31T12:00Z")) is None
    assert expression.next(datetime.min.replace(tzinfo=UTC)) is not None
    assert expression.latest(2, datetime.min.replace(tzinfo=UTC), last)[1].year >= 9997


def test_it_is_quick() -> None:
    expression = parse("* * * * *", "America/New_York")
    began = time.perf_counter()
    assert expression.count(at("1970-01-01T00:00Z"), at("2070-01-01T00:00Z")) == 36525 * 1440
    assert len(expression.latest(100, at("1970-01-01T00:00Z"), at("2024-01-01T00:00Z"))) == 100
    assert sum(1 for _ in expression.between(at("2024-01-01T00:00Z"), at("2025-01-01T00:00Z"))) == 366 * 1440
    assert time.perf_counter() - began < 5  # 0.5 s on the machine of 2026
