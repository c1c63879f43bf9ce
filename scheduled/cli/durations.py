"""Durations as people write them: 500ms, 10s, 2m, 1h, 7d, 1h30m."""

import re

import click

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|m|h|d|w)", re.ASCII)
WHOLE = re.compile(rf"(?:{PART.pattern}\s*)+", re.ASCII)
LONGEST = 36_500 * UNITS["d"]


def duration(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> int | None:
    """An option's callback: the duration as whole milliseconds; at least one, at most a hundred years."""
    if value is None:
        return None
    text = value.strip().lower()
    if not WHOLE.fullmatch(text):
        raise click.BadParameter(f"{value!r} is no duration: write 500ms, 10s, 2m, 1h or 7d")
    found = round(sum(float(number) * UNITS[unit] for number, unit in PART.findall(text)))
    if not 1 <= found <= LONGEST:
        raise click.BadParameter(f"{value!r} is not between 1ms and 36500d")
    return found
