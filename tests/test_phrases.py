"""Lengths of time in words."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled.phrases import lasting


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 ms"), (0.812, "812 ms"), (0.9996, "1 s"), (3.24, "3.2 s"), (52, "52 s"), (59.97, "1 min"),
        (125, "2 min 5 s"), (3600, "1 h"), (3780, "1 h 3 min"), (3605, "1 h"),
        (86_400 * 3 + 4 * 3600, "3 d 4 h"),
    ],
)  # fmt: skip
def test_it_says_how_long(seconds: float, told: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == told


@given(st.timedeltas(timedelta(0), timedelta(days=1000)))
def test_it_always_says_something_short(span: timedelta) -> None:
    assert 0 < len(lasting(span)) < 16
