"""Strips and plots: every occurrence is drawn once, in its place, and told in words."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled.web.drawing import SEGMENTS, SHAPES, SLOT, TALL, Point, plot, strip
from scheduled.words import Status
from tests.conftest import NOON


@dataclass(frozen=True)
class Was:
    """An occurrence as a strip sees it."""

    status: str
    minutes_ago: int = 0
    reason: str | None = None
    due_count: int = 1

    @property
    def due_at(self) -> datetime:
        return NOON - timedelta(minutes=self.minutes_ago)


statuses = st.sampled_from(list(Status))
histories = st.lists(st.builds(Was, statuses, st.integers(0, 9999), st.sampled_from([None, "overlap"])))


def places(path: str) -> list[float]:
    return [float(x) for x in re.findall(rf"M([\d.]+) {TALL}", path)]


@given(histories, st.integers(1, 80))
def test_each_occurrence_of_a_strip_has_a_place_of_its_own(history: list[Was], slots: int) -> None:
    drawn = strip(history, slots)
    found = sorted(x for mark in drawn.marks for x in places(mark.path))
    shown = min(len(history), slots)
    assert found == [(slots - shown + place) * SLOT + 1.5 for place in range(shown)]
    assert all(0 < x < drawn.width for x in found)


@given(histories)
def test_a_strip_says_how_many_there_are_of_each(history: list[Was]) -> None:
    summary = strip(history, 60).summary
    for status in {one.status for one in history[:60]}:
        count = sum(one.status == status for one in history[:60])
        assert f"{count} {status.replace('_', ' ').lower()}" in summary


@given(histories)
def test_a_strip_stays_small_however_much_changes(history: list[Was]) -> None:
    assert len(strip(history, 60).marks) <= max(SEGMENTS, len(Status))


def test_the_newest_is_at_the_right_end() -> None:
    drawn = strip([Was("FAILED"), Was("COMPLETED", 5)], 60)
    assert {mark.kind: places(mark.path) for mark in drawn.marks} == {"completed": [233.5], "failed": [237.5]}


def test_a_stretch_is_told_with_all_its_instants() -> None:
    drawn = strip([Was("SKIPPED", reason="daemon_down", due_count=1440)], 60)
    assert drawn.marks[0].told.startswith("1,440 skipped (daemon down): 2026-03-02 12:00 UTC")


def test_a_strip_of_nothing_says_so() -> None:
    assert strip([], 60).summary == "nothing yet"


def test_outcomes_differ_in_shape_and_not_in_colour_alone() -> None:
    alike = {Status.FAILED, Status.TIMED_OUT}
    shapes = [shape for status, shape in SHAPES.items() if status not in alike]
    assert len(set(shapes)) == len(shapes)
    assert set(SHAPES) == set(Status)


values = st.floats(0, 1e9, allow_nan=False)


@given(st.lists(values, max_size=120))
def test_bars_stand_side_by_side_within_the_plot(values: list[float]) -> None:
    drawn = plot([Point(value, "completed", "") for value in values])
    edges = [(bar.x, bar.x + bar.width) for bar in drawn.bars]
    assert len(edges) == len(values)
    assert all(left >= -0.001 and right <= drawn.width + 0.001 for left, right in edges)
    assert all(first[1] <= second[0] + 0.001 for first, second in pairwise(edges))
    assert all(bar.y >= 0 and bar.y + bar.height <= drawn.height + 0.001 for bar in drawn.bars)


@given(st.lists(values, min_size=2, max_size=60))
def test_a_greater_value_is_never_drawn_lower(values: list[float]) -> None:
    drawn = plot([Point(value, "completed", "") for value in sorted(values)])
    heights = [bar.height for bar in drawn.bars]
    assert heights == sorted(heights)


def test_what_lies_far_beyond_the_others_is_cut_off() -> None:
    drawn = plot([Point(value, "completed", "") for value in [*range(10, 30), 5000]])
    assert [bar.clipped for bar in drawn.bars] == [False] * 20 + [True]
    assert drawn.middle == pytest.approx(20)
