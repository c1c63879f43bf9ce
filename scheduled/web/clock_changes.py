"""What the clocks of a zone do around instants: they change, or show a time of day twice. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from scheduled.phrases import lasting

STEP = timedelta(days=7)
LONGEST = timedelta(days=370)
"""Between instants that lie farther apart, changes are not told: there are always some."""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Coming:
    """An instant, what the clocks of its zone show then, and what is to be known of them, in sentences."""

    at: datetime
    wall: datetime
    offset: str
    notes: tuple[str, ...]


def with_clock_changes(instants: Sequence[datetime], zone: tzinfo, since: datetime) -> list[Coming]:
    """The instants, ascending, each with the changes since the one before it (at first: since `since`)."""
    before = [since, *instants]
    return [_coming(at, zone, last) for last, at in zip(before, instants, strict=False)]


def _coming(at: datetime, zone: tzinfo, last: datetime) -> Coming:
    wall = at.astimezone(zone)
    notes = [_told(change, zone) for change in changes(last, at, zone)] if at - last <= LONGEST else []
    if wall.replace(fold=0).utcoffset() != (later := wall.replace(fold=1)).utcoffset() and _shown(
        later, wall
    ):
        which = "second" if wall.fold else "first"
        notes.append(f"the clocks show {wall:%H:%M} twice that day: this is the {which} time")
    return Coming(at, wall, _offset(wall), tuple(notes))


def _shown(later: datetime, wall: datetime) -> bool:
    """Whether the time of day comes twice; else it was passed over, and never comes."""
    return (later.utcoffset() or timedelta(0)) < (wall.replace(fold=0).utcoffset() or timedelta(0))


def changes(since: datetime, until: datetime, zone: tzinfo) -> Iterator[datetime]:
    """The instants in (since, until] from which on the clocks of the zone have another offset, in UTC."""
    low = since.astimezone(UTC)
    while low < until:
        high = min(low + STEP, until.astimezone(UTC))
        if _at(low, zone) != _at(high, zone):
            yield _between(low, high, zone)
        low = high


def _between(low: datetime, high: datetime, zone: tzinfo) -> datetime:
    """The first whole second with the later of two offsets."""
    before = _at(low, zone)
    low = low.replace(microsecond=0)
    while high - low > SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _at(middle, zone) == before else (low, middle)
    return high


def _told(change: datetime, zone: tzinfo) -> str:
    before, after = (change - SECOND).astimezone(zone), change.astimezone(zone)
    step = (after.utcoffset() or timedelta(0)) - (before.utcoffset() or timedelta(0))
    onwards = "forward" if step > timedelta(0) else "back"
    showed = (change.astimezone(UTC) + (before.utcoffset() or timedelta(0))).strftime("%H:%M")
    day = f"{after:%a} {after.day} {after:%b}"
    return f"clocks go {onwards} {lasting(abs(step))} on {day}, from {showed} to {after:%H:%M}"


def _at(moment: datetime, zone: tzinfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


def _offset(wall: datetime) -> str:
    """'+02:00'."""
    return f"{wall:%z}"[:3] + ":" + f"{wall:%z}"[3:5]
