"""Reads the text of an expression, strictly: five cron fields, an @alias, or "every N units". Pure.

The forms are those of crontab(5) of Debian cron 3.0pl1, plus `n/step` (from n to the maximum) and
intervals. Whatever another tool might guess at is refused, with the field, the value and what is allowed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scheduled.errors import ExpressionError, did_you_mean

ALIASES: Mapping[str, str] = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
UNITS: Mapping[str, int] = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}

_LONGEST_TEXT = 1000
_LONGEST_INTERVAL = 36_525 * UNITS["day"]  # 100 years
_GREATEST_STEP = 9999
_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6}
_MONTHS |= {"jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}
_ITEM = re.compile(r"(?:\*|(?P<first>[0-9]+|[a-z]+)(?:-(?P<last>[0-9]+|[a-z]+))?)(?:/(?P<step>[0-9]+))?")
_FOREIGN = (
    (r".*\?.*", "cron has no '?': write *"),
    (r".*#.*", "cron cannot say 'the nth weekday' (#)"),
    (r"l[0-9-]*|.*[0-9]l|[a-z]{3}l", "cron cannot say 'the last' (L): list the days, such as 28-31"),
    (r"lw|w|[0-9]+w|w[0-9]+", "cron cannot say 'the nearest weekday' (W)"),
    (r"h(\(.*\))?(/.*)?", "H is for Jenkins: write a number"),
    (r"r(\(.*\))?(/.*)?|.*~.*", "random times are not supported: write a number"),
)


class Field(NamedTuple):
    """One field: its items in plain numbers, the values that match, and whether it begins with `*`."""

    text: str
    values: tuple[int, ...]
    starred: bool


class Cron(NamedTuple):
    """Five fields. In `day_of_week` Sunday is 0 among the values (the text may say 7)."""

    minute: Field
    hour: Field
    day_of_month: Field
    month: Field
    day_of_week: Field

    @property
    def wild(self) -> bool:
        """Whether a clock change leaves it alone (else it is a fixed time): man 8 cron, cron.c."""
        return self.minute.starred or self.hour.starred

    @property
    def days_anded(self) -> bool:
        """Whether both day fields must match (else either): crontab(5), `*/2` begins with `*` too."""
        return self.day_of_month.starred or self.day_of_week.starred


class Interval(NamedTuple):
    """Every `number` units; the unit is a key of UNITS."""

    number: int
    unit: str

    @property
    def seconds(self) -> int:
        return self.number * UNITS[self.unit]


@dataclass(frozen=True)
class _Rule:
    """What one field may hold."""

    name: str
    low: int
    high: int
    allowed: str
    names: Mapping[str, int] = field(default_factory=dict)


_RULES = (
    _Rule("minute", 0, 59, "0-59"),
    _Rule("hour", 0, 23, "0-23"),
    _Rule("day of month", 1, 31, "1-31"),
    _Rule("month", 1, 12, "1-12 or jan-dec", _MONTHS),
    _Rule("day of week", 0, 7, "0-7 (0 and 7 are Sunday) or sun-sat", _DAYS),
)
_FIVE = ", ".join(rule.name for rule in _RULES)


def shown(text: str, longest: int = 60) -> str:
    """`text` as an error may quote it: in quotes, escaped, cut."""
    return ascii(text[:longest]) + ("…" if len(text) > longest else "")


def normalised(text: str) -> str:
    """`text` with single spaces; ExpressionError if it is not short, plain text on one line."""
    if not isinstance(text, str):
        raise ExpressionError(f"an expression is text, not {type(text).__name__}")
    if len(text) > _LONGEST_TEXT:
        raise ExpressionError(f"{shown(text)} is too long ({len(text)} characters; at most {_LONGEST_TEXT})")
    if odd := re.search(r"[^\t -~]", text):
        what = "a line break" if odd[0] in "\r\n" else f"the character U+{ord(odd[0]):04X}"
        raise ExpressionError(f"{shown(text)} contains {what}; write it on one line, in plain ASCII")
    if not text.strip():
        raise ExpressionError(
            f"the expression is empty; write five fields ({_FIVE}), @daily or 'every 5 minutes'"
        )
    return " ".join(text.split())


def read(text: str) -> Cron | Interval:
    """The meaning of a normalised text. Raises ExpressionError."""
    if text.lower().split()[0] == "every":
        return _read_interval(text)
    if text.startswith("@"):
        text = _read_alias(text)
    words = text.split()
    if len(words) != len(_RULES):
        count = "1 field" if len(words) == 1 else f"{len(words)} fields"
        raise ExpressionError(f"{shown(text)} has {count}; cron has five: {_FIVE} ({_count_hint(words)})")
    try:
        return Cron(*map(_read_field, _RULES, words))
    except ExpressionError as error:
        raise ExpressionError(f"{error} (in {shown(text)})") from None


def _read_alias(text: str) -> str:
    if text in ALIASES:
        return ALIASES[text]
    hint = did_you_mean(text, ALIASES)
    if text.lower().startswith("@every"):
        hint = "write 'every 5 minutes'"
    elif text.lower() == "@reboot":
        hint = "nothing can run 'at start-up'; known: " + ", ".join(ALIASES)
    raise ExpressionError(f"unknown alias {shown(text)} ({hint})")


def _count_hint(words: list[str]) -> str:
    if "=" in words[0]:
        return "the time zone is given beside the expression, not in it"
    if any(word.startswith(",") or word.endswith(",") for word in words):
        return "a list has no spaces: write 10,22"
    if len(words) > len(_RULES):
        return "no seconds and no years: for seconds write 'every 30 seconds'"
    return "or write 'every 5 minutes'"


def _read_interval(text: str) -> Interval:
    words = text.lower().split()[1:]
    if len(words) not in (1, 2):
        raise ExpressionError(f"{shown(text)}: write 'every N units', such as 'every 15 minutes'")
    number, unit = words if len(words) == 2 else ("1", words[0])
    if not re.fullmatch("0*[1-9][0-9]*", number):
        raise ExpressionError(f"{shown(text)}: {shown(number)} is not allowed; write a whole number from 1")
    interval = Interval(int(number), unit.removesuffix("s"))
    if interval.unit not in UNITS:
        hint = " (for months: '0 0 1 */3 *')" if interval.unit in ("month", "year") else ""
        allowed = ", ".join(f"{known}s" for known in UNITS)
        raise ExpressionError(f"{shown(text)}: unknown unit {shown(unit)}{hint}; allowed: {allowed}")
    if interval.seconds > _LONGEST_INTERVAL:
        raise ExpressionError(f"{shown(text)}: {shown(number)} is too large; at most 100 years")
    return interval


def _read_field(rule: _Rule, text: str) -> Field:
    items, values = [], set[int]()
    for item in text.split(","):
        plain, matching = _read_item(rule, item)
        items.append(plain)
        values.update(matching)
    if rule.names is _DAYS:
        values = {value % 7 for value in values}
    return Field(",".join(items), tuple(sorted(values)), text.startswith("*"))


def _read_item(rule: _Rule, item: str) -> tuple[str, range]:
    """One item of a list as plain numbers, and the values it stands for."""
    match = _ITEM.fullmatch(item.lower())
    if not match:
        raise _refused(rule, item)
    step = int(match["step"] or 1)
    if not 1 <= step <= _GREATEST_STEP:
        raise ExpressionError(
            f"{rule.name}: the step in {shown(item)} is not allowed; allowed: 1-{_GREATEST_STEP}"
        )
    suffix = f"/{step}" if match["step"] else ""
    if not match["first"]:
        return "*" + suffix, range(rule.low, rule.high + 1, step)
    first = _read_value(rule, match["first"], item)
    if not match["last"]:
        return f"{first}{suffix}", range(first, (rule.high if suffix else first) + 1, step)
    last = _read_value(rule, match["last"], item)
    if last < first:
        raise ExpressionError(
            f"{rule.name}: the range {shown(item)} is reversed; write {_unwound(rule, first, last)}"
        )
    # A range with equal ends is its one value, with or without a step ('23-23/24' is in real use).
    return (f"{first}-{last}{suffix}" if last > first else str(first)), range(first, last + 1, step)


def _read_value(rule: _Rule, word: str, item: str) -> int:
    value = int(word) if word.isdigit() else rule.names.get(word, -1)
    if not rule.low <= value <= rule.high:
        raise _refused(rule, item)
    return value


def _refused(rule: _Rule, item: str) -> ExpressionError:
    if not item:
        return ExpressionError(f"{rule.name}: an item of the list is empty; allowed: {rule.allowed}")
    hint = next((f"; {hint}" for form, hint in _FOREIGN if re.fullmatch(form, item.lower())), "")
    return ExpressionError(f"{rule.name}: {shown(item)} is not allowed{hint}; allowed: {rule.allowed}")


def _unwound(rule: _Rule, first: int, last: int) -> str:
    """The reversed range as cron wants it: 22-2 is 22-23,0-2."""
    ends = [(first, rule.high), (rule.low, last)]
    if rule.names is _DAYS and last == 0:
        ends = [(first, rule.high)]  # Sunday at the end is 7
    return ",".join(f"{low}-{high}" if low < high else str(low) for low, high in ends)
