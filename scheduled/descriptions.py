"""Expressions in words, for people. Pure.

cron-descriptor finds the words; what it would get wrong is first put in terms that it gets right: a step
that does not divide its cycle, a range with equal ends, day fields that must both match.
"""

import re

from scheduled.grammar import Cron, Field, Interval

_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def describe_interval(interval: Interval) -> str:
    """'Every 15 seconds'; 'Every 2 weeks, on Monday at 00:00'."""
    number, unit = interval
    words = f"Every {unit}" if number == 1 else f"Every {number} {unit}s"
    return words + {"day": ", at 00:00", "week": ", on Monday at 00:00"}.get(unit, "")


def describe_cron(cron: Cron) -> str:
    """'At 02:30, only on Monday', by the 24-hour clock."""
    from cron_descriptor import Options, get_description  # slow to import, seldom needed

    day, weekday = _listed(cron.day_of_month, 31), _listed(cron.day_of_week, 7)
    proviso = ""
    if "*" not in (day, weekday) and cron.days_anded:
        weekday = "*"
        proviso = ", if it is a " + " or ".join(_WEEKDAYS[number] for number in cron.day_of_week.values)
    elif "*" not in (day, weekday):
        weekday = _spelt_out(cron.day_of_week)  # after a range of weekdays it would not say "or"
    elif not cron.days_anded:
        day = weekday = "*"  # one of the two is every day, and either is enough
    fields = (*_clock(cron), day, _listed(cron.month, 12), weekday)
    options = Options(use_24hour_time_format=True, locale_code="en_US")
    return str(get_description(" ".join(fields), options)) + proviso


def _clock(cron: Cron) -> tuple[str, str]:
    minute, hour = _stepped(cron.minute, 60), _stepped(cron.hour, 24)
    if "," in hour and "-" in hour:
        hour = _spelt_out(cron.hour)  # "01:00 through 03:59 and 05:00" would hide the minute
    if "/" in hour or "," in hour:
        # "Every 30 minutes, every 2 hours" would say nothing.
        minute = "0-59" if minute == "*" else _listed(cron.minute, 60)
    return minute, hour


def _stepped(field: Field, cycle: int) -> str:
    """The field with its step, if that stays the same from one cycle to the next or within a range."""
    form = re.fullmatch(r"(?P<start>[^,]+)/(?P<step>\d+)", field.text)
    if form and len(field.values) > 1:
        start, step = form["start"], int(form["step"])
        if "-" in start or (cycle % step == 0 and field.values[0] < step):
            return field.text
    return _listed(field, cycle)


def _listed(field: Field, whole: int) -> str:
    """The field without steps: as written if it has none, else value by value."""
    if len(field.values) == whole:
        return "*"
    return _spelt_out(field) if "/" in field.text or "*" in field.text else field.text


def _spelt_out(field: Field) -> str:
    return ",".join(map(str, field.values))
