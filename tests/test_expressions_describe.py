"""Expressions in words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduled.errors import ExpressionError
from scheduled.expressions import parse

WORDS = [
    ("0 2 * * *", "At 02:00"),
    ("30 14 * * *", "At 14:30"),
    ("*/15 * * * *", "Every 15 minutes"),
    ("30 2 * * 1", "At 02:30, only on Monday"),
    ("0 0 * * 7", "At 00:00, only on Sunday"),
    ("30 2 * * MON-fri", "At 02:30, Monday through Friday"),
    ("* * * * *", "Every minute"),
    ("*/15 2 * * *", "Every 15 minutes, between 02:00 and 02:59"),
    ("0 */2 * * *", "Every 2 hours"),
    ("5/15 * * * *", "Every 15 minutes, starting at 5 minutes past the hour"),
    ("0 9-17/2 * * *", "Every 2 hours, between 09:00 and 17:59"),
    ("@hourly", "Every hour"),
    ("@daily", "At 00:00"),
    ("@weekly", "At 00:00, only on Sunday"),
    ("@monthly", "At 00:00, on day 1 of the month"),
    ("@yearly", "At 00:00, on day 1 of the month, only in January"),
    ("every 15 seconds", "Every 15 seconds"),
    ("every minute", "Every minute"),
    ("every 1 hours", "Every hour"),
    ("every 3 days", "Every 3 days, at 00:00"),
    ("every 2 weeks", "Every 2 weeks, on Monday at 00:00"),
    # What cron-descriptor alone gets wrong.
    ("17 23-23/24 * * *", "At 23:17"),
    ("5-5 * * * *", "At 5 minutes past the hour"),
    ("*/90 * * * *", "Every hour"),
    ("0-59 0-23 1-31 1-12 0-7", "Every minute"),
    ("0 */9 * * *", "At 00:00, 09:00 and 18:00"),
    ("20/25 * * * *", "At 20 and 45 minutes past the hour"),
    ("0 0,*/12 * * *", "At 00:00 and 12:00"),
    ("*/30 */12 * * *", "At 0 and 30 minutes past the hour, every 12 hours"),
    ("* 9,17 * * *", "Minutes 0 through 59 past the hour, at 09:00 and 17:00"),
    ("0 1-3,5 * * *", "At 01:00, 02:00, 03:00 and 05:00"),
    ("0 0 * */6 *", "At 00:00, only in January and July"),
    ("0 0 * * 1/2", "At 00:00, only on Sunday, Monday, Wednesday, and Friday"),
    ("0 0 13 * 5", "At 00:00, on day 13 of the month, or on Friday"),
    ("0 0 1-7 * 1-2", "At 00:00, between day 1 and 7 of the month, or on Monday and Tuesday"),
    ("0 0 */15 * 1,2", "At 00:00, on day 1, 16, and 31 of the month, if it is a Monday or Tuesday"),
    ("0 0 1-7 * */7", "At 00:00, between day 1 and 7 of the month, if it is a Sunday"),
    ("0 0 9,* * 1", "At 00:00"),
    ("0 0 *,9 * 1", "At 00:00, only on Monday"),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_it_says(text: str, words: str) -> None:
    assert parse(text).describe() == words


def items(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(sorted)
    step = st.integers(1, high + 5)
    item = st.one_of(
        st.just("*"),
        st.builds("{}".format, number),
        st.builds("*/{}".format, step),
        st.builds("{}/{}".format, number, step),
        st.builds(lambda ends: "{}-{}".format(*ends), pair),
        st.builds(lambda ends, step: "{}-{}/{}".format(*ends, step), pair, step),
    )
    return st.lists(item, min_size=1, max_size=3).map(",".join)


@settings(max_examples=200, deadline=None)
@given(st.tuples(items(0, 59), items(0, 23), items(1, 31), items(1, 12), items(0, 7)).map(" ".join))
def test_it_describes_whatever_it_accepts(text: str) -> None:
    try:
        expression = parse(text)
    except ExpressionError as error:
        assert "never fires" in str(error)  # noqa: PT017
        return
    words = expression.describe()
    assert words.startswith(("At ", "Every ", "Minutes "))
    assert "*" not in words
    assert "/" not in words
