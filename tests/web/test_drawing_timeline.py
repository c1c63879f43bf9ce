"""The geometry of a timeline holds whatever happened."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from scheduled.web.drawing_timeline import LEAST, TALL, Scale, Span, bars, shares, ticks, told
from scheduled.words import Status

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DAY = Scale(MIDNIGHT, MIDNIGHT + timedelta(days=1))
STATUSES = st.sampled_from([str(status) for status in Status])
COUNTS = st.dictionaries(STATUSES, st.integers(1, 5000), min_size=1)


def span(minute: float, lasts: float = 0.0, status: str = "COMPLETED", **more: object) -> Span:
    begins = MIDNIGHT + timedelta(minutes=minute)
    return Span(begins, begins + timedelta(minutes=lasts), {status: 1}, **more)  # type: ignore[arg-type]


@st.composite
def some_spans(draw: st.DrawFn) -> list[Span]:
    """Some of them begin before the window, or end after it."""
    found = draw(
        st.lists(st.tuples(st.floats(-600, 1600), st.floats(0, 900) | st.just(0.0), COUNTS), max_size=80)
    )
    begins = [MIDNIGHT + timedelta(minutes=minute) for minute, _, _ in found]
    return [
        Span(begin, begin + timedelta(minutes=lasts), counts)
        for begin, (_, lasts, counts) in zip(begins, found, strict=True)
    ]


@given(some_spans())
def test_bars_lie_within_their_lane_and_can_be_seen(spans: list[Span]) -> None:
    for bar in bars(spans, DAY):
        assert bar.x >= 0
        assert bar.end <= 100.001
        assert bar.width >= LEAST - 0.011


@given(some_spans())
def test_no_bar_covers_another(spans: list[Span]) -> None:
    assert all(right.x >= left.end - 0.001 for left, right in pairwise(bars(spans, DAY)))


@given(some_spans())
def test_merged_bars_keep_their_counts(spans: list[Span]) -> None:
    inside = [one for one in spans if DAY.holds(one.begins_at, one.ends_at)]
    counted = sum((Counter(one.counts) for one in inside), Counter())
    assert sum((Counter(bar.span.counts) for bar in bars(spans, DAY)), Counter()) == counted


@given(COUNTS)
def test_the_shares_of_a_bar_fill_it_and_each_can_be_seen(counts: dict[str, int]) -> None:
    found = shares(counts)
    assert {share.status for share in found} == set(counts)
    assert all(share.height >= 1.9 and share.y >= 0 for share in found)
    assert abs(sum(share.height for share in found) - TALL) < 1


def test_a_bar_is_as_long_as_what_it_shows() -> None:
    (bar,) = bars([span(720, lasts=144, occurrence_id=7)], DAY)
    assert (bar.x, bar.width, bar.span.occurrence_id) == (50.0, 10.0, 7)


def test_what_is_far_apart_stays_apart() -> None:
    assert len(bars([span(minute) for minute in range(0, 1440, 15)], DAY)) == 96


def test_what_would_cover_each_other_is_one_and_is_no_single_occurrence() -> None:
    (bar,) = bars([span(720, occurrence_id=1), span(721, status="FAILED", occurrence_id=2)], DAY)
    assert dict(bar.span.counts) == {"COMPLETED": 1, "FAILED": 1}
    assert bar.span.occurrence_id is None
    assert bar.worst == "FAILED"


def test_a_crowd_is_drawn_as_stretches_so_narrow_that_one_sees_where_it_failed() -> None:
    crowd = [span(minute, status="FAILED" if minute == 700 else "COMPLETED") for minute in range(1440)]
    drawn = bars(crowd, DAY)
    assert 30 <= len(drawn) <= 45
    (failed,) = [bar for bar in drawn if bar.worst == "FAILED"]
    assert failed.x <= 48.61 <= failed.end


def test_signs_stand_apart() -> None:
    drawn = bars([span(700 + minute, status="FAILED") for minute in (0, 10, 30)], DAY)
    assert [bar.signed for bar in drawn] == [True, False, True]


def test_ticks_are_round_by_the_clocks_of_the_zone() -> None:
    found = ticks(DAY, ZoneInfo("Asia/Kolkata"))
    assert [tick.told for tick in found][:3] == ["06:00", "08:00", "10:00"]
    assert [tick.told for tick in found if tick.major] == ["Tue 3 Mar"]


def test_no_tick_stands_at_a_time_that_does_not_exist() -> None:
    spring = datetime(2026, 3, 29, tzinfo=UTC)
    found = ticks(Scale(spring, spring + timedelta(hours=6)), ZoneInfo("Europe/Riga"))
    assert "03:00" not in [tick.told for tick in found]
    assert "04:00" in [tick.told for tick in found]


@given(st.integers(60, 40 * 86400), st.sampled_from(["UTC", "America/St_Johns", "Australia/Lord_Howe"]))
def test_ticks_are_few_and_in_order(seconds: int, zone: str) -> None:
    found = ticks(Scale(MIDNIGHT, MIDNIGHT + timedelta(seconds=seconds)), ZoneInfo(zone))
    assert len(found) <= 15
    assert all(left.x <= right.x for left, right in pairwise(found))


def test_a_bar_says_what_it_is() -> None:
    zone = ZoneInfo("Europe/Riga")
    assert told(span(60, lasts=1.5, status="FAILED", occurrence_id=3), zone) == (
        "failed: Mon 2 Mar 03:00:00, 1 min 30 s"
    )
    skipped = span(60, lasts=30, status="SKIPPED", reasons=frozenset({"daemon_down"}))
    assert told(skipped, zone) == "skipped (daemon down): Mon 2 Mar 03:00:00 to 03:30:00"
