"""A timeline as it is drawn: of each schedule's part, the bars, and what they say. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduled.phrases import lasting
from scheduled.web.drawing_timeline import (
    WORST_FIRST,
    Bar,
    Span,
    bars,
    plain,
    told,
)
from scheduled.web.window import Window
from scheduled.words import Status

ILL = (Status.FAILED, Status.TIMED_OUT, Status.INTERRUPTED, Status.CANCELLED)
NOTED = 5
"""So many of what went wrong are named below the drawing, for each schedule."""
SEEN = 0.1
"""A pause of the daemons that is narrower, in percent, is not drawn."""


@dataclass(frozen=True)
class Drawn:
    """A bar, what it says, and where it leads: to an occurrence, or (as a query) closer."""

    bar: Bar
    told: str
    closer: str | None


@dataclass(frozen=True)
class Lane:
    """One schedule's lane."""

    schedule_id: str
    name: str
    enabled: bool
    orphaned: bool
    ran: tuple[Drawn, ...]
    skipped: tuple[Drawn, ...]
    coming: tuple[Bar, ...]
    coming_told: str
    counts: tuple[tuple[str, int], ...]
    """How many of each outcome, the worst first."""
    noted: tuple[Mapping[str, Any], ...]
    """The newest that went wrong or were skipped."""

    @property
    def unnamed(self) -> bool:
        """Whether something went wrong that is only counted here."""
        return not self.noted and any(status in ILL for status, _ in self.counts)

    @property
    def summary(self) -> str:
        """All of it in words."""
        parts = [f"{count:,} {plain(status)}" for status, count in self.counts]
        parts += [self.coming_told] if self.coming_told else []
        return ", ".join(parts) or "nothing"


@dataclass(frozen=True)
class Pause:
    """When no daemon was alive."""

    x: float
    width: float
    told: str
    since: datetime
    until: datetime


def lane(found: Mapping[str, Any], window: Window, now: datetime) -> Lane:
    """Of what `scheduled.timeline` found for a schedule."""
    singles = [_single(row, now) for row in (*found["occurrences"], *found["skipped"])]
    bundled = [span for bundle in found["bundles"] for span in _bundled(bundle)]
    inside = [span for span in (*singles, *bundled) if window.holds(span.begins_at, span.ends_at)]
    skipped = [span for span in inside if Status.SKIPPED in span.counts]
    ran = [span for span in inside if Status.SKIPPED not in span.counts]
    counts = {status: sum(span.counts.get(status, 0) for span in inside) for status in WORST_FIRST}
    usual = timedelta(milliseconds=found["median_ms"] or 0)
    coming = [Span(moment, moment + usual, {Status.QUEUED: 1}) for moment in found["coming"]]
    return Lane(
        *(found["schedule_id"], found["name"], found["enabled"], found["orphaned"]),
        tuple(_drawn(bar, window) for bar in bars(ran, window)),
        tuple(_drawn(bar, window) for bar in bars(skipped, window)),
        _coming_bars(coming, found["coming_count"], window),
        f"{found['coming_count']:,} to come" if found["coming_count"] else "",
        tuple((status, count) for status, count in counts.items() if count),
        tuple(_noted((*found["occurrences"], *found["skipped"]))),
    )


def _single(row: Mapping[str, Any], now: datetime) -> Span:
    """From when it began until it ended, or until now; what never began, at its due instants."""
    begins, ends, count = row["started_at"], row["finished_at"], 1
    if begins is None:
        begins, ends = row["due_at"], row["due_until"]
        count = row["due_count"]
    if row["status"] in (Status.RUNNING, Status.QUEUED):
        ends = now
    reasons = frozenset([row["reason"]] if row["reason"] else ())
    return Span(begins, max(begins, ends or begins), {row["status"]: count}, reasons, row["id"])


def _bundled(bundle: Mapping[str, Any]) -> Iterable[Span]:
    """What ran of it, and what was skipped, each as far as it reaches."""
    spans = bundle["spans"]
    ran = {status: count for status, count in bundle["statuses"].items() if status != Status.SKIPPED}
    skipped = bundle["instants"] - sum(ran.values())
    if ran:
        of_those = [spans[status] for status in ran]
        begin, end = min(of["since"] for of in of_those), max(of["until"] for of in of_those)
        yield Span(begin, end, ran, frozenset(reason for of in of_those for reason in of["reasons"]))
    if skipped:
        of = spans[Status.SKIPPED]
        yield Span(of["since"], of["until"], {Status.SKIPPED: skipped}, frozenset(of["reasons"]))


def _drawn(bar: Bar, window: Window) -> Drawn:
    says = told(bar.span, window.zone)
    if bar.span.occurrence_id is not None:
        return Drawn(bar, says, None)
    around = window.around(bar.span.begins_at, bar.span.ends_at)
    return Drawn(bar, f"{says}. Look closer", "&".join(f"{key}={value}" for key, value in around.items()))


def _coming_bars(spans: Sequence[Span], count: int, window: Window) -> tuple[Bar, ...]:
    """Each instant; or, where these are only the first of many, one long bar."""
    if count > len(spans) and spans:
        return bars([Span(spans[0].begins_at, window.until, {Status.QUEUED: count})], window)
    return bars(spans, window)


def _noted(rows: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    noted = [row for row in rows if row["status"] in (*ILL, Status.SKIPPED)]
    return sorted(noted, key=lambda row: (row["due_at"], row["id"]), reverse=True)[:NOTED]


def pauses(downtime: Iterable[Mapping[str, datetime]], window: Window) -> list[Pause]:
    """The daemons' absences that can be seen, those that would touch as one."""
    found: list[Pause] = []
    for gap in downtime:
        since, until = gap["since"], gap["until"]
        x, end = window.x(since), window.x(until)
        if end - x < SEEN:
            continue
        if found and x - (found[-1].x + found[-1].width) < SEEN:
            since, x = found[-1].since, found.pop().x
        when = f"{_clock(since, window)} to {_clock(until, window)}"
        says = f"No daemon was alive for {lasting(until - since)}: {when}"
        found.append(Pause(x, round(end - x, 2), says, since, until))
    return found


def _clock(moment: datetime, window: Window) -> str:
    there = moment.astimezone(window.zone)
    return f"{there:%a} {there.day} {there:%b %H:%M:%S}"
