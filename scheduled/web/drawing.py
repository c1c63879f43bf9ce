"""Small drawings, as the numbers and paths that an SVG is made of: strips of outcomes, and plots. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from statistics import median
from typing import Protocol

from scheduled.words import Status

SLOT, BAR = 4, 3
TALL = 22
SEGMENTS = 10
"""A strip of more changes than this tells of each outcome once, instead of each stretch of it."""
SHAPES: dict[str, str] = {
    Status.COMPLETED: "V6",
    Status.FAILED: "v-4m0-4V0",
    Status.TIMED_OUT: "v-4m0-4V0",
    Status.INTERRUPTED: "v-7m0-4V4",
    Status.CANCELLED: "m0-6v-8",
    Status.SKIPPED: "v-4",
    Status.RUNNING: "V2",
    Status.QUEUED: "v-8",
}
"""How the bar of each outcome goes up from the ground: told apart by more than their colours."""


class Happened(Protocol):
    """What a strip needs to know of an occurrence."""

    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def due_count(self) -> int: ...


@dataclass(frozen=True)
class Mark:
    """A part of a drawing: its class, its path, and what it says when pointed at."""

    kind: str
    path: str
    told: str


@dataclass(frozen=True)
class Strip:
    """Bars side by side, the newest at the right end; and the same in words."""

    width: int
    height: int
    marks: tuple[Mark, ...]
    summary: str


def strip(newest_first: Sequence[Happened], slots: int) -> Strip:
    """The outcomes of at most so many occurrences."""
    shown = list(reversed(newest_first[:slots]))
    placed = [(slots - len(shown) + place, one) for place, one in enumerate(shown)]
    segments = [
        list(group) for _, group in groupby(placed, key=lambda pair: (pair[1].status, pair[1].reason))
    ]
    if len(segments) > SEGMENTS:
        by_status = sorted(placed, key=lambda pair: pair[1].status)
        segments = [list(group) for _, group in groupby(by_status, key=lambda pair: pair[1].status)]
    return Strip(slots * SLOT, TALL, tuple(_segment(each) for each in segments), _summary(shown))


def _segment(pairs: Sequence[tuple[int, Happened]]) -> Mark:
    of = [one for _, one in pairs]
    shape = SHAPES.get(of[0].status, "V6")
    path = "".join(f"M{place * SLOT + BAR / 2:g} {TALL}{shape}" for place, _ in pairs)
    why = {one.reason for one in of}
    reason = f" ({_plain(of[0].reason)})" if len(why) == 1 and of[0].reason else ""
    first, last = min(one.due_at for one in of), max(one.due_at for one in of)
    when = _minute(first) if first == last else f"{_minute(first)} to {_minute(last)}"
    return Mark(of[0].status.lower(), path, f"{_count(of)} {_plain(of[0].status)}{reason}: {when} UTC")


def _summary(shown: Sequence[Happened]) -> str:
    if not shown:
        return "nothing yet"
    by_status = {status: [one for one in shown if one.status == status] for status in SHAPES}
    told = [f"{_count(of)} {_plain(status)}" for status, of in by_status.items() if of]
    return f"{len(shown)} newest: {', '.join(told)}"


def _count(of: Iterable[Happened]) -> str:
    return f"{sum(one.due_count for one in of):,}"


def _plain(word: str | None) -> str:
    return (word or "").replace("_", " ").lower()


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


@dataclass(frozen=True)
class Point:
    """One value of a plot, which is not negative; its class, and what it says when pointed at."""

    value: float
    kind: str
    told: str


@dataclass(frozen=True)
class Bar:
    """A value as it is drawn. `clipped`: it is higher than the plot."""

    x: float
    y: float
    width: float
    height: float
    clipped: bool
    point: Point


@dataclass(frozen=True)
class Plot:
    """Values as bars, the oldest first, under a ceiling that few of them pass."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    ceiling: float
    middle: float | None
    """The median of the values, and how far from the top its line is drawn."""
    middle_y: float


def plot(points: Sequence[Point], width: int = 600, height: int = 110) -> Plot:
    """The points as bars. What lies far beyond the others is cut off, so that those can be told apart."""
    values = sorted(point.value for point in points)
    ceiling = _ceiling(values)
    step = width / max(len(points), 20)
    thick = max(step - 2, step * 0.6)

    def bar(place: int, point: Point) -> Bar:
        tall = max(min(point.value / ceiling, 1.0) * height, 1.0)
        left = width - (len(points) - place) * step
        return Bar(left, height - tall, thick, tall, point.value > ceiling, point)

    bars = tuple(bar(place, point) for place, point in enumerate(points))
    middle = median(values) if values else None
    return Plot(width, height, bars, ceiling, middle, height - min((middle or 0) / ceiling, 1.0) * height)


def _ceiling(values: Sequence[float]) -> float:
    if not values or not values[-1]:
        return 1.0
    usual = values[int(len(values) * 0.9)] if len(values) > 9 else values[-1]
    return values[-1] if values[-1] <= 4 * usual or not usual else 1.5 * usual
