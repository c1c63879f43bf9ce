"""A timeline as the numbers that an SVG is made of: bars, stretches, ticks. Pure.

Across, everything is in percent of the window, so that a drawing fits any width; down, in pixels.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduled.phrases import lasting
from scheduled.words import Status

LEAST = 0.4
"""The least width of a bar, that it can be seen."""
FULL = 2.5
"""Bars that would cover each other are drawn as one; but not once that is so wide."""
APART = 1.4
"""Signs that are nearer would be read as one."""
TALL = 18
STRIP = 8
THIN = 2
"""The least height of an outcome's share of a bar."""
WORST_FIRST = (
    Status.FAILED, Status.TIMED_OUT, Status.INTERRUPTED, Status.CANCELLED, Status.RUNNING, Status.QUEUED,
    Status.SKIPPED, Status.COMPLETED,
)  # fmt: skip
QUIET = (Status.COMPLETED, Status.SKIPPED)
"""What needs no sign above its bar."""


@dataclass(frozen=True)
class Span:
    """Something that took its time: one occurrence, or several that were counted together."""

    begins_at: datetime
    ends_at: datetime
    counts: Mapping[str, int]
    """How many of each status."""
    reasons: frozenset[str] = frozenset()
    occurrence_id: int | None = None
    """If it is just one."""


@dataclass(frozen=True)
class Share:
    """One outcome's part of a bar."""

    status: str
    y: float
    height: float


@dataclass(frozen=True)
class Bar:
    """What is drawn of one span, or of several that would cover each other."""

    x: float
    width: float
    span: Span
    shares: tuple[Share, ...] = ()
    signed: bool = False
    """Whether there is room for a sign above it."""

    @property
    def end(self) -> float:
        return self.x + self.width

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 2)

    def rects(self, y: float, *, tall: bool = True) -> str:
        """Its parts as SVG: of numbers and words of ours alone. Those that are not `tall` are mere strips."""
        across = f'x="{self.x}%" width="{self.width}%"'
        return "".join(
            f'<rect class="{share.status.lower()}" {across} y="{y + share.y if tall else y:g}"'
            f' height="{share.height if tall else STRIP:g}"/>'
            for share in self.shares
        )

    @property
    def worst(self) -> str:
        return worst(self.span.counts)


@dataclass(frozen=True)
class Scale:
    """Where instants of a window lie, from 0 to 100."""

    since: datetime
    until: datetime

    @property
    def span(self) -> timedelta:
        return self.until - self.since

    def x(self, moment: datetime) -> float:
        """Its place; what lies outside is drawn at the edge."""
        return round(min(100.0, max(0.0, (moment - self.since) / self.span * 100)), 2)

    def holds(self, begins_at: datetime, ends_at: datetime) -> bool:
        """Whether any of it is within the window."""
        return begins_at < self.until and ends_at >= self.since


@dataclass(frozen=True)
class Tick:
    """A line across the lanes and what is written above it."""

    x: float
    at: datetime
    told: str
    major: bool = False
    near: bool = False
    """Whether it is left out where there is little room: one that stands out is beside it, or a shown one."""


def worst(counts: Mapping[str, int]) -> str:
    """The status to be seen first."""
    return next((status for status in WORST_FIRST if counts.get(status)), Status.COMPLETED)


def bars(spans: Iterable[Span], scale: Scale) -> tuple[Bar, ...]:
    """The spans within the window from left to right, none covering another: those that would are one."""
    drawn: list[Bar] = []
    inside = (span for span in spans if scale.holds(span.begins_at, span.ends_at))
    for span in sorted(inside, key=lambda span: (span.begins_at, span.ends_at)):
        _add(drawn, _placed(span, scale))
    return _signed([replace(bar, shares=shares(bar.span.counts)) for bar in drawn])


def _placed(span: Span, scale: Scale) -> Bar:
    x, end = scale.x(span.begins_at), scale.x(span.ends_at)
    x = min(x, 100 - LEAST)
    return Bar(x, round(max(end - x, LEAST), 2), span)


def _add(drawn: list[Bar], bar: Bar) -> None:
    """Beside the last bar if they do not meet, else as a part of it; or right of it, once that is full."""
    last = drawn[-1] if drawn else None
    if last is None or bar.x >= last.end:
        drawn.append(bar)
    elif last.width < FULL or max(bar.end, last.end + LEAST) > 100 or bar.end <= last.end:
        end = max(last.end, bar.end)
        drawn[-1] = Bar(last.x, round(end - last.x, 2), together(last.span, bar.span))
    else:
        x = round(last.end, 2)
        drawn.append(Bar(x, round(max(bar.end - x, LEAST), 2), bar.span))


def together(one: Span, other: Span) -> Span:
    """Two spans as one."""
    return Span(
        min(one.begins_at, other.begins_at),
        max(one.ends_at, other.ends_at),
        Counter(one.counts) + Counter(other.counts),
        one.reasons | other.reasons,
    )


def shares(counts: Mapping[str, int]) -> tuple[Share, ...]:
    """A bar's height shared out among the outcomes by their number, the worst at the ground."""
    present = [status for status in WORST_FIRST if counts.get(status)]
    total = sum(counts[status] for status in present)
    room = TALL - THIN * len(present)
    found, ground = [], float(TALL)
    for status in present:
        height = THIN + room * counts[status] / total
        ground -= height
        found.append(Share(status, round(max(ground, 0.0), 1), round(height, 1)))
    return tuple(found)


def _signed(drawn: Sequence[Bar]) -> tuple[Bar, ...]:
    found, free_from = [], 0.0
    for bar in drawn:
        signed = bar.worst not in QUIET and bar.middle >= free_from
        free_from = bar.middle + APART if signed else free_from
        found.append(replace(bar, signed=signed))
    return tuple(found)


STEPS = (
    *(timedelta(minutes=count) for count in (1, 2, 5, 10, 15, 30)),
    *(timedelta(hours=count) for count in (1, 2, 3, 6, 12)),
    *(timedelta(days=count) for count in (1, 2, 7)),
)
MOST_TICKS = 13
ROOM = 19
"""So many percent a tick takes up where a lane is 330 pixels wide."""
DAY = timedelta(days=1)


def ticks(scale: Scale, zone: ZoneInfo) -> tuple[Tick, ...]:
    """Round times by the clocks of the zone, few enough to be read; midnights stand out and name the day."""
    step = next((step for step in STEPS if scale.span / step <= MOST_TICKS), STEPS[-1])
    first = scale.since.astimezone(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    last = scale.until.astimezone(zone).replace(tzinfo=None)
    found: dict[datetime, Tick] = {}
    wall = first
    while wall <= last:
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        exists = moment.astimezone(zone).replace(tzinfo=None) == wall
        if exists and scale.since <= moment < scale.until:
            midnight = wall.hour == wall.minute == 0
            told = f"{wall:%a} {wall.day} {wall:%b}" if midnight else f"{wall:%H:%M}"
            found[moment] = Tick(scale.x(moment), moment, told, midnight)
        wall += step
    return _thinned(list(found.values()))


def _thinned(found: Sequence[Tick]) -> tuple[Tick, ...]:
    """Where there is little room only ticks as far apart are told, and first of all those that stand out."""
    kept = [tick.x for tick in found if tick.major]
    thinned = []
    for tick in found:
        near = not tick.major and any(abs(tick.x - x) < ROOM for x in kept)
        kept += [] if near else [tick.x]
        thinned.append(replace(tick, near=near))
    return tuple(thinned)


def told(span: Span, zone: ZoneInfo) -> str:
    """What a bar says when it is pointed at."""
    begins, ends = span.begins_at.astimezone(zone), span.ends_at.astimezone(zone)
    what = ", ".join(
        f"{span.counts[status]:,} {plain(status)}" for status in WORST_FIRST if span.counts.get(status)
    )
    if sum(span.counts.values()) == 1:
        what = plain(worst(span.counts))
    why = f" ({', '.join(sorted(map(plain, span.reasons)))})" if span.reasons else ""
    if begins == ends:
        return f"{what}{why}: {_when(begins)}"
    if span.occurrence_id is not None and worst(span.counts) not in (Status.SKIPPED, Status.QUEUED):
        return f"{what}{why}: {_when(begins)}, {lasting(ends - begins)}"
    same_day = begins.date() == ends.date()
    return (
        f"{what}{why}: {_when(begins)} to {ends:%H:%M:%S}"
        if same_day
        else (f"{what}{why}: {_when(begins)} to {_when(ends)}")
    )


def plain(word: str) -> str:
    """A status or a reason as people say it."""
    return word.replace("_", " ").lower()


def _when(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b %H:%M:%S}"
