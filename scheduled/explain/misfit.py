"""Why an expression is not due at a moment: which of its fields does not fit. Pure."""

from calendar import day_name, month_name
from datetime import datetime, tzinfo

from scheduled.expressions import Expression
from scheduled.grammar import Cron, Field, Interval, read


def misfit(expression: Expression, moment: datetime) -> str:
    """What does not fit, as a sentence. `moment`, aware, is no instant of the expression."""
    wall = moment.astimezone(expression.zone)
    shown = f"{wall:%Y-%m-%d %H:%M:%S} ({expression.timezone})"
    meaning = read(expression.text)
    if isinstance(meaning, Interval):
        return f"{shown} is no multiple of {expression.text!r}"
    unfit = _unfit(meaning, wall)
    if unfit:
        return f"at {shown} " + " and ".join(unfit)
    if wall.second or wall.microsecond:
        return f"at {shown} the minute had begun already: cron is due at whole minutes"
    return (
        f"the clocks of {expression.timezone} showed {wall:%H:%M} twice on {wall:%Y-%m-%d}: "
        "a fixed time is due in the first pass only"
    )


def skipped_wall_time(wall: datetime, zone: tzinfo) -> str | None:
    """Why no clock of `zone` ever showed the wall time; None if one did."""
    there = wall.replace(tzinfo=zone)
    before, after = there.replace(fold=0).utcoffset(), there.replace(fold=1).utcoffset()
    if before is None or after is None or before >= after:
        return None
    return f"{wall:%H:%M} did not exist on {wall:%Y-%m-%d} in {zone}: the clocks were put forward over it"


def _unfit(cron: Cron, wall: datetime) -> list[str]:
    weekday = wall.isoweekday() % 7
    found = [
        f"the {name} is {value}, and the expression says {field.text}"
        for name, value, field in (("minute", wall.minute, cron.minute), ("hour", wall.hour, cron.hour))
        if value not in field.values
    ]
    day = wall.day in cron.day_of_month.values
    on_weekday = weekday in cron.day_of_week.values
    says_day = f"the day is {wall.day}, and the expression says {cron.day_of_month.text}"
    says_weekday = f"it is a {day_name[wall.weekday()]}, and the expression says {_days(cron.day_of_week)}"
    if cron.days_anded:
        found += [sentence for sentence, fits in ((says_day, day), (says_weekday, on_weekday)) if not fits]
    elif not (day or on_weekday):
        found.append(f"{says_day} or {_days(cron.day_of_week)}")
    if wall.month not in cron.month.values:
        months = ", ".join(month_name[month] for month in cron.month.values)
        found.append(f"the month is {month_name[wall.month]}, and the expression says {months}")
    return found


def _days(field: Field) -> str:
    return ", ".join(day_name[(day - 1) % 7] for day in field.values)
