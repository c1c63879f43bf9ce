"""Steps that do not divide their range (`*/7` in the minutes), in a sentence for people. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from scheduled.grammar import Cron, Field

_STEPPED = re.compile(r"(?P<first>\*|[0-9]+)(?:-(?P<last>[0-9]+))?/(?P<step>[0-9]+)")
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("", "January", "February", "March", "April", "May", "June", "July", "August", "September",
           "October", "November", "December")  # fmt: skip


class _Kind(NamedTuple):
    """What one field counts, from `low` on, and after how many of them it begins anew."""

    name: str
    low: int
    cycle: int
    unit: str
    spoken: str
    once: str
    remedy: str


_EVEN = "'every {step} days', which is at midnight"
_MINUTE = _Kind(
    *("minute", 0, 60, "minute", "at {}", "once an hour"), "'every {step} minutes', or a step that divides 60"
)
_HOUR = _Kind("hour", 0, 24, "hour", "at {}", "once a day", "'every {step} hours', or a step that divides 24")
_DAY = _Kind("day of month", 1, 31, "day", "on day {}", "once a month", _EVEN)
_MONTH = _Kind("month", 1, 12, "month", "in {}", "once a year", "a step that divides 12")
_WEEKDAY = _Kind("day of week", 0, 7, "day", "on {}", "once a week", _EVEN)


def uneven_steps(cron: Cron, *, days_in_a_row: bool) -> Iterator[str]:
    """A sentence for each step whose last value is not a step away from the one that comes next.

    Where nothing comes next (`*/7` in the minutes of a single hour) nobody notices, and nothing is said.
    `days_in_a_row`: whether it ever runs on two days that follow each other.
    """
    hours, months = cron.hour.values, cron.month.values
    through_midnight = days_in_a_row and {0, 23} <= {*hours}
    every_day = cron.days_anded and len(cron.day_of_month.values) == 31
    every_weekday = cron.days_anded and len(cron.day_of_week.values) == 7
    fields = (
        (_MINUTE, cron.minute, through_midnight or any(hour + 1 in hours for hour in hours)),
        (_HOUR, cron.hour, days_in_a_row),
        (_DAY, cron.day_of_month, every_weekday and any(month % 12 + 1 in months for month in months)),
        (_MONTH, cron.month, True),
        (_WEEKDAY, cron.day_of_week, every_day),
    )
    for kind, field, goes_on in fields:
        yield from _of(kind, field, goes_on)


def _of(kind: _Kind, field: Field, goes_on: bool) -> Iterator[str]:
    form = _STEPPED.fullmatch(field.text)
    if form is None:
        return
    step, values = int(form["step"]), _values(kind, form)
    back = kind.cycle - (values[-1] - values[0])
    told = f"{field.text!r} in the field {kind.name}"
    if back == step:
        return
    if len(values) == 1:
        only = _shown(kind, values[0])
        yield f"{told} means {only} and nothing else: {kind.once}, not every {step} {kind.unit}s"
    elif form["last"] and values.stop - values.start < kind.cycle:
        if values.stop - 1 != values[-1]:
            yield _falls_short(kind, field, values, told)
    elif goes_on:
        yield (
            f"{told} does not come round evenly: it runs {_shown(kind, values[-1])} and then "
            f"{_shown(kind, values[0])}, {back} {kind.unit}{'s' if back > 1 else ''} later"
            f"{' in a month of 31 days' if kind is _DAY else ''}. "
            f"For an even beat write {kind.remedy.format(step=step)}"
        )


def _values(kind: _Kind, form: re.Match[str]) -> range:
    """What the step comes to in one round; not Sunday twice, which is both 0 and 7."""
    first = kind.low if form["first"] == "*" else int(form["first"])
    end = 7 if kind is _WEEKDAY else kind.low + kind.cycle - 1
    values = range(first, int(form["last"] or end) + 1, int(form["step"]))
    return values[:-1] if values[-1] - first == kind.cycle else values


def _falls_short(kind: _Kind, field: Field, values: range, told: str) -> str:
    """A range that ends between two steps: its end is not in it, which one might think."""
    end, last = _shown(kind, values.stop - 1), _shown(kind, values[-1])
    better = field.text.replace(f"-{values.stop - 1}/", f"-{values[-1]}/")
    return f"{told} runs {last} for the last time, and not {end}. If that is meant, write {better!r}"


def _shown(kind: _Kind, value: int) -> str:
    """'at 56', 'on day 29', 'in November', 'on Friday'."""
    return kind.spoken.format({_MONTH: _MONTHS, _WEEKDAY: _WEEKDAYS}.get(kind, range(60))[value])
