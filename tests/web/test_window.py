"""A timeline's window, and the addresses of those beside it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduled.web.window import LEAST, MOST, SPANS, Window, window

NOW = datetime(2026, 3, 2, 12, 7, 30, tzinfo=UTC)


def again(address: dict[str, str]) -> Window:
    return window(NOW, **address)


def test_it_follows_the_present_which_stands_at_three_quarters() -> None:
    seen = window(NOW)
    assert seen.follows
    assert seen.span == timedelta(days=1)
    assert 73 < seen.x(NOW) <= 75


@given(st.sampled_from(sorted(SPANS)), st.sampled_from([-1.0, -0.5, 1.0]))
def test_what_is_beside_it_touches_it(span: str, by: float) -> None:
    seen = window(NOW, at="2026-03-01T10:00:00Z", span=span)
    moved = again(seen.moved(by))
    assert moved.since - seen.since == seen.span * by
    assert moved.named == span


@given(st.sampled_from([0.01, 0.5, 2, 1000]))
def test_it_zooms_within_limits_and_stays_where_it_is(factor: float) -> None:
    seen = window(NOW, since="2026-03-01T00:00Z", until="2026-03-02T00:00Z")
    zoomed = again(seen.zoomed(factor))
    assert LEAST <= zoomed.span <= MOST
    assert abs(zoomed.middle - seen.middle) <= timedelta(seconds=1)


def test_it_reads_times_without_an_offset_by_the_clocks_of_the_zone() -> None:
    seen = window(NOW, since="2026-03-01T00:00", until="2026-03-02T00:00", zone="Europe/Riga")
    assert seen.since == datetime(2026, 2, 28, 22, tzinfo=UTC)


def test_it_reads_an_offset_whose_plus_became_a_blank() -> None:
    seen = window(NOW, since="2026-03-01T00:00 02:00", until="2026-03-02T00:00+02:00")
    assert seen.span == timedelta(days=1)


def test_a_closer_look_holds_the_whole_stretch() -> None:
    seen = window(NOW)
    closer = again(seen.around(NOW - timedelta(hours=2), NOW - timedelta(hours=1)))
    assert closer.holds(NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    assert closer.span == timedelta(minutes=90)
