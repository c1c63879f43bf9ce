"""Why an expression is not due at a moment, field by field."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled.explain.misfit import misfit, skipped_wall_time
from scheduled.expressions import parse

TUESDAY = datetime(2026, 3, 3, 2, 15, tzinfo=UTC)
RIGA = ZoneInfo("Europe/Riga")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("30 2 * * *", "the minute is 15, and the expression says 30"),
        ("15 3 * * *", "the hour is 2, and the expression says 3"),
        ("15 2 1 * *", "the day is 3, and the expression says 1"),
        ("15 2 * * mon,sun", "it is a Tuesday, and the expression says Sunday, Monday"),
        ("15 2 1 * mon", "the day is 3, and the expression says 1 or Monday"),
        ("15 2 */2 * mon", "it is a Tuesday, and the expression says Monday"),
        ("15 2 * jan *", "the month is March, and the expression says January"),
        ("every 7 minutes", "is no multiple of 'every 7 minutes'"),
    ],
)
def test_it_names_the_field(text: str, told: str) -> None:
    assert told in misfit(parse(text), TUESDAY)


def test_it_names_every_field_that_does_not_fit() -> None:
    assert misfit(parse("30 3 * * *"), TUESDAY).count("the expression says") == 2


def test_it_says_that_cron_is_due_at_whole_minutes() -> None:
    assert "whole minutes" in misfit(parse("15 2 * * *"), TUESDAY.replace(second=30))


def test_it_says_that_an_hour_came_twice() -> None:
    second_pass = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert "showed 03:30 twice" in misfit(parse("30 3 * * *", "Europe/Riga"), second_pass)


@given(
    st.sampled_from(["30 2 * * *", "*/7 3 1 * mon", "0 0 * jan *", "every 2 weeks"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
)
def test_it_always_has_a_reason(text: str, moment: datetime) -> None:
    expression = parse(text, "America/New_York")
    if expression.at_or_after(moment) != moment:
        assert misfit(expression, moment)


def test_a_time_that_no_clock_showed_is_told() -> None:
    assert "02:30 did not exist" not in (skipped_wall_time(datetime(2026, 3, 29, 2, 30), RIGA) or "")
    told = skipped_wall_time(datetime(2026, 3, 29, 3, 30), RIGA)
    assert told == "03:30 did not exist on 2026-03-29 in Europe/Riga: the clocks were put forward over it"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_what_a_clock_showed_was_not_skipped(moment: datetime) -> None:
    assert skipped_wall_time(moment.astimezone(RIGA).replace(tzinfo=None), RIGA) is None


def test_a_repeated_time_was_not_skipped() -> None:
    assert skipped_wall_time(datetime(2026, 10, 25, 3, 30) + timedelta(0), RIGA) is None
