"""The missed, late and overlap policies: what becomes of each due instant that was not started in time. Pure.

A window of time is cut where the answer changes, and each piece is judged as a whole, so that a year of
downtime of a schedule due each second costs no more than a minute of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise

from scheduled.definitions import Policy, Schedule
from scheduled.expressions import Expression
from scheduled.phrases import instant
from scheduled.words import Reason, Status, Trigger

TICK = timedelta(microseconds=1)


@dataclass(frozen=True, order=True)
class Interval:
    """From `start` up to, not including, `end`. UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Busy:
    """When an occurrence by CRON or CATCH_UP ran: until `end`, its holder's last sign of life."""

    occurrence_id: int
    start: datetime
    end: datetime


class Verdict(Enum):
    OVERLAP = "overlap"
    MISSED = "missed"
    LATE = "late"


@dataclass(frozen=True)
class Piece:
    """The due instants from `first` to `last`, `count` of them, that share one verdict and its cause."""

    verdict: Verdict
    first: datetime
    last: datetime
    count: int
    cause: str = ""


@dataclass(frozen=True)
class Entry:
    """A row that the ledger is owed: SKIPPED instants as a stretch, or one instant that waits as QUEUED."""

    due_at: datetime
    due_until: datetime
    count: int
    status: Status
    trigger: Trigger = Trigger.CRON
    reason: Reason | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Settlement:
    """What becomes of a schedule's window as its frontier passes now."""

    entries: tuple[Entry, ...]
    run: Entry | None
    """The one that should run; it stands among the entries, as QUEUED."""
    waiting_allowed: int
    """How many of the rows that wait already may go on waiting: the newest so many."""


def gaps(alive: Iterable[Interval], window: Interval) -> list[Interval]:
    """The stretches in which no daemon was alive that reach into the window, oldest first.

    The first one begins where the last known life before the window ended, so that it can be named whole.
    """
    lives = sorted(alive)
    found = []
    reached = max((life.end for life in lives if life.end <= window.start), default=window.start)
    for interval in lives:
        if interval.start > reached:
            found.append(Interval(reached, min(interval.start, window.end)))
        reached = max(reached, interval.end)
        if reached >= window.end:
            break
    if reached < window.end:
        found.append(Interval(reached, window.end))
    return [gap for gap in found if gap.end > max(gap.start, window.start)]


def judge(
    expression: Expression,
    window: Interval,
    busy: Sequence[Busy],
    down: Sequence[Interval],
    grace: timedelta,
    in_ledger: Sequence[Interval] = (),
) -> list[Piece]:
    """Cut the due instants of the window into pieces, oldest first, each with the first verdict that applies.

    Overlap: an occurrence was running at that instant. Missed: between it and now lies a stretch of `down`
    longer than `grace`. Late: neither. Instants that stand `in_ledger` already are passed over.
    """
    missed_before = [(gap.end - grace, gap) for gap in sorted(down) if gap.end - gap.start > grace]
    cuts = {window.start, window.end}
    cuts.update(moment for moment, _ in missed_before)
    cuts.update(moment for run in busy for moment in (run.start, run.end))
    cuts.update(moment for known in in_ledger for moment in (known.start, known.end))
    inside = sorted(cut for cut in cuts if window.start <= cut <= window.end)
    pieces = []
    for start, end in pairwise(inside):
        if any(known.start <= start < known.end for known in in_ledger):
            continue
        verdict, cause = _verdict(start, busy, missed_before)
        if piece := _piece(expression, Interval(start, end), verdict, cause):
            pieces.append(piece)
    return pieces


def settle(schedule: Schedule, pieces: Sequence[Piece], waiting: int, now: datetime) -> Settlement:
    """Apply the schedule's policies to the pieces, while `waiting` of its occurrences wait already.

    1. A class under `skip` is recorded.
    2. A class under `run_all` queues its newest instants, at most `catch_up_limit`; the rest is recorded.
    3. Of all others only the newest runs; the rest is recorded as coalesced.
    4. What 2 and 3 would run is recorded instead if its start deadline has passed.
    """
    if not pieces:
        return Settlement((), None, waiting)
    policies: dict[Verdict, Policy] = {
        Verdict.MISSED: schedule.missed,
        Verdict.OVERLAP: schedule.overlap,
        Verdict.LATE: "run_latest",
    }
    queued = sum(piece.count for piece in pieces if policies[piece.verdict] == "run_all")
    to_drop = max(0, queued - schedule.catch_up_limit)
    candidates = [piece for piece in pieces if policies[piece.verdict] == "run_latest"]
    newest = candidates[-1] if candidates else pieces[-1]
    too_late = past_deadline(schedule, newest.last, now)
    entries: list[Entry] = []
    run: Entry | None = None
    for piece in pieces:
        policy = policies[piece.verdict]
        if policy == "skip":
            reason = Reason.DAEMON_DOWN if piece.verdict is Verdict.MISSED else Reason.OVERLAP
            entries.append(_skipped(piece, reason, piece.cause))
        elif policy == "run_all":
            dropped = min(to_drop, piece.count)
            to_drop -= dropped
            entries.extend(_queue(schedule, piece, dropped, now))
        elif too_late:
            entries.append(_skipped(piece, Reason.START_DEADLINE, deadline_passed(schedule)))
        else:
            run = _queued(newest.last, newest.verdict)
            entries.extend(_newest_of(schedule.expression, piece, run))
    allowed = max(0, schedule.catch_up_limit - queued)
    return Settlement(_joined(entries, schedule.expression), run, min(allowed, waiting))


def settle_for_switch(
    expression: Expression, pieces: Sequence[Piece], reason: Reason, detail: str
) -> tuple[Entry, ...]:
    """Record all pieces, running nothing, because the schedule is disabled, orphaned or changed now."""
    reasons = {Verdict.MISSED: Reason.DAEMON_DOWN, Verdict.OVERLAP: Reason.OVERLAP, Verdict.LATE: reason}
    skipped = [_skipped(piece, reasons[piece.verdict], piece.cause or detail) for piece in pieces]
    return _joined(skipped, expression)


def past_deadline(schedule: Schedule, due_at: datetime, now: datetime) -> bool:
    """Is it too late to start a run that was due then?"""
    deadline = schedule.start_deadline
    return isinstance(deadline, int | float) and now - due_at > timedelta(seconds=deadline)


def deadline_passed(schedule: Schedule) -> str:
    """The ledger's sentence for an instant that was too late to start."""
    return f"later than its start deadline of {schedule.start_deadline:g} s"


def _verdict(
    moment: datetime, busy: Sequence[Busy], missed_before: Sequence[tuple[datetime, Interval]]
) -> tuple[Verdict, str]:
    for run in busy:
        if run.start <= moment < run.end:
            return Verdict.OVERLAP, f"occurrence {run.occurrence_id} was still running"
    for threshold, gap in missed_before:
        if moment < threshold:
            return Verdict.MISSED, f"no daemon was alive from {instant(gap.start)} to {instant(gap.end)}"
    return Verdict.LATE, ""


def _piece(expression: Expression, within: Interval, verdict: Verdict, cause: str) -> Piece | None:
    since, until = within.start - TICK, within.end - TICK
    instants = expression.between(since, until)
    first = next(instants, None)
    if first is None:
        return None
    if next(instants, None) is None:
        return Piece(verdict, first, first, 1, cause)
    last = expression.latest(1, since, until)[0]
    return Piece(verdict, first, last, expression.count(since, until), cause)


def _skipped(piece: Piece, reason: Reason, detail: str | None) -> Entry:
    return Entry(piece.first, piece.last, piece.count, Status.SKIPPED, reason=reason, detail=detail or None)


def _queued(due_at: datetime, verdict: Verdict) -> Entry:
    trigger = Trigger.CATCH_UP if verdict is Verdict.MISSED else Trigger.CRON
    return Entry(due_at, due_at, 1, Status.QUEUED, trigger)


def _queue(schedule: Schedule, piece: Piece, dropped: int, now: datetime) -> Iterator[Entry]:
    """The piece's entries when all of it may run, but for the oldest that are `dropped` or too late."""
    kept = schedule.expression.latest(piece.count - dropped, piece.first - TICK, piece.last)
    if dropped:
        last = _before(schedule.expression, piece, kept[0] if kept else None)
        detail = f"more than {schedule.catch_up_limit} were waiting"
        yield _skipped(replace(piece, last=last, count=dropped), Reason.CATCH_UP_LIMIT, detail)
    if late := [due_at for due_at in kept if past_deadline(schedule, due_at, now)]:
        stretch = replace(piece, first=late[0], last=late[-1], count=len(late))
        yield _skipped(stretch, Reason.START_DEADLINE, deadline_passed(schedule))
    for due_at in kept[len(late) :]:
        yield _queued(due_at, piece.verdict)


def _newest_of(expression: Expression, piece: Piece, run: Entry) -> Iterator[Entry]:
    """The piece's entries when, of all that may run, only `run` does."""
    detail = f"coalesced into the run due at {instant(run.due_at)}"
    if piece.last != run.due_at:
        yield _skipped(piece, Reason.COALESCED, detail)
        return
    if piece.count > 1:
        last = _before(expression, piece, piece.last)
        yield _skipped(replace(piece, last=last, count=piece.count - 1), Reason.COALESCED, detail)
    yield run


def _before(expression: Expression, piece: Piece, moment: datetime | None) -> datetime:
    """The piece's last instant before `moment` (None: its last)."""
    if moment is None:
        return piece.last
    return expression.latest(1, piece.first - TICK, moment - TICK)[0]


def _joined(entries: Sequence[Entry], expression: Expression) -> tuple[Entry, ...]:
    """Neighbouring stretches with one reason and one detail become one, unless other instants lie between."""
    joined: list[Entry] = []
    for entry in entries:
        last = joined[-1] if joined else None
        if last is not None and entry.status is Status.SKIPPED and _alike(last, entry):
            count = last.count + entry.count
            if expression.count(last.due_at - TICK, entry.due_until) == count:
                joined[-1] = replace(last, due_until=entry.due_until, count=count)
                continue
        joined.append(entry)
    return tuple(joined)


def _alike(one: Entry, other: Entry) -> bool:
    return (one.status, one.reason, one.detail) == (other.status, other.reason, other.detail)
