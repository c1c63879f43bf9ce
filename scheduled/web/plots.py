"""What occurrences took and how late they began, as plots with a summary in words. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from scheduled.phrases import lasting
from scheduled.web.drawing import Plot, Point, plot


class Ran(Protocol):
    """What a plot needs to know of an occurrence."""

    @property
    def status(self) -> str: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def started_at(self) -> datetime | None: ...
    @property
    def finished_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Figure:
    """A plot of seconds, its title, and what it shows in words."""

    title: str
    plot: Plot
    summary: str
    top: str
    since: datetime
    until: datetime


def took(one: Ran) -> timedelta | None:
    """How long it ran, if it has ended."""
    return None if one.started_at is None or one.finished_at is None else one.finished_at - one.started_at


def late(one: Ran) -> timedelta | None:
    """How late it began, if it has."""
    return None if one.started_at is None else max(one.started_at - one.due_at, timedelta(0))


def durations(newest_first: Sequence[Ran]) -> Figure | None:
    """How long they ran; None if none has ended."""
    return _figure("Duration", newest_first, took, "longest")


def lateness(newest_first: Sequence[Ran]) -> Figure | None:
    """How late they began; None if none has."""
    return _figure("Lateness", newest_first, late, "latest")


def _figure(
    title: str, newest_first: Sequence[Ran], measure: Callable[[Ran], timedelta | None], worst: str
) -> Figure | None:
    measured = [(one, span) for one in reversed(newest_first) if (span := measure(one)) is not None]
    if not measured:
        return None
    points = [
        Point(span.total_seconds(), one.status.lower(), f"{_minute(one.due_at)}: {lasting(span)}")
        for one, span in measured
    ]
    drawn = plot(points)
    most, longest = max(measured, key=lambda pair: pair[1])
    middle = lasting(timedelta(seconds=drawn.middle or 0))
    summary = (
        f"Of the newest {len(measured)}, half took {middle} at most; the longest {lasting(longest)}"
        if worst == "longest"
        else f"Of the newest {len(measured)}, half began within {middle}; the latest {lasting(longest)}"
    )
    summary += f" ({_minute(most.due_at)})."
    top = lasting(timedelta(seconds=drawn.ceiling))
    return Figure(title, drawn, summary, top, measured[0][0].due_at, measured[-1][0].due_at)


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
