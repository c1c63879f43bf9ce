"""Holds the ledger against its law, by what the history of definitions and switches says was due. Pure.

Every instant at which a schedule was due while known and enabled, from `ledger_from` to its frontier, is in
exactly one row. What was due is computed afresh here, from the events alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import merge
from typing import Any, Protocol

from scheduled.expressions import Expression, parse
from scheduled.missed_runs import TICK, Interval
from scheduled.phrases import instant
from scheduled.words import Status

SHOWN = 100
"""So many problems of a kind are named; more are only counted."""
STRIDE = 500
"""A stretch of more instants than this is counted, not walked."""
TIMING = ("cron", "timezone", "zone_data")


class Happening(Protocol):
    """A line of the audit, as `schedule_event` has it."""

    @property
    def event(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def data(self) -> Mapping[str, Any] | None: ...


class LedgerRow(Protocol):
    """A row of the ledger that answers for due instants."""

    @property
    def id(self) -> int: ...
    @property
    def due_at(self) -> datetime: ...
    @property
    def due_until(self) -> datetime: ...
    @property
    def due_count(self) -> int: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True)
class Period:
    """While one expression decided, from `start` up to, not including, `end`."""

    expression: Expression
    start: datetime
    end: datetime
    planned_to: datetime
    """How far the ledger had come when the period ended: beyond `end`, if the clock had been set back."""

    def instants(self, since: datetime) -> Iterator[datetime]:
        return self.expression.between(max(self.start, since) - TICK, self.end - TICK)

    def count(self, within: Interval) -> int:
        start, end = max(self.start, within.start), min(self.end, within.end)
        return self.expression.count(start - TICK, end - TICK) if start < end else 0

    def planned(self, row: LedgerRow) -> bool:
        """Whether the ledger may rightly have all of the row's instants from this period."""
        first, last = row.due_at, row.due_until
        if not self.start <= first <= last < self.planned_to:
            return False
        ends = self.expression.at_or_after(first), self.expression.at_or_after(last)
        return ends == (first, last) and self.expression.count(first - TICK, last) == row.due_count


@dataclass
class Account:
    """What one schedule's ledger came to."""

    schedule_id: str
    expected: int = 0
    accounted: int = 0
    ran: int = 0
    skipped: int = 0
    waiting: int = 0
    running: int = 0
    pending: int = 0
    missing: list[str] = field(default_factory=list)
    duplicate: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    problems: int = 0

    @property
    def ok(self) -> bool:
        return self.problems == 0

    def tell(self, found: list[str], sentence: str) -> None:
        self.problems += 1
        if len(found) < SHOWN:
            found.append(f"{self.schedule_id}: {sentence}")


def periods(
    events: Iterable[Happening], ledger_from: datetime, frontier: datetime | None, now: datetime
) -> list[Period]:
    """When which expression decided what was due, oldest first, as the events tell it."""
    found: list[Period] = []
    definition: Mapping[str, Any] = {}
    enabled = known = False
    start: datetime | None = None

    def close(end: datetime, planned_to: datetime) -> None:
        if start is not None:
            begin = max(start, ledger_from)
            found.append(
                Period(parse(definition["cron"], definition["timezone"]), begin, end, max(end, planned_to))
            )

    for event in events:
        data = event.data or {}
        retimed = event.event in ("changed", "back") and any(
            definition.get(part) != data["to"].get(part) for part in TIMING
        )
        if start is not None and (event.event in ("disabled", "orphaned") or retimed):
            ahead = data.get("frontier")
            close(event.at, datetime.fromisoformat(ahead) if ahead else event.at)
            start = None
        if event.event in ("added", "changed", "back"):
            definition, known = data["to"], True
        if event.event == "orphaned":
            known = False
        enabled = {"enabled": True, "disabled": False, "added": bool(data.get("enabled"))}.get(
            event.event, enabled
        )
        if start is None and enabled and known:
            start = event.at
            # If the clock had been set back, what was skipped from here on was withdrawn: it is to come yet.
            found = [replace(period, end=min(period.end, start)) for period in found]
    end = frontier if frontier is not None else now
    close(end, end)
    return sorted(found, key=lambda period: period.start)


def hold_against(
    account: Account, deciding: Sequence[Period], rows: Iterable[LedgerRow], since: datetime
) -> None:
    """Walk what was due and what the ledger has side by side, and note in `account` where they differ."""
    due = _Due(deciding, since)
    reached: datetime | None = None
    for row in rows:
        if row.due_until < since:
            continue
        start = max(row.due_at, since)
        if reached is not None and row.due_at <= reached:
            account.tell(
                account.duplicate, f"{instant(row.due_at)} is in occurrence {row.id} and an earlier one"
            )
        reached = row.due_until if reached is None else max(reached, row.due_until)
        for missing in due.before(start):
            account.expected += 1
            account.tell(account.missing, f"{instant(missing)} has no row")
        found = due.take(Interval(start, row.due_until + TICK))
        if found < row.due_count and row.due_at >= since and any(one.planned(row) for one in deciding):
            found = row.due_count
        account.expected += found
        account.accounted += found
        _count(account, row, found)
        if row.due_at >= since and found != row.due_count:
            span = f"{row.due_count} instants from {instant(row.due_at)} to {instant(row.due_until)}"
            sentence = f"occurrence {row.id} answers for {span}, but {found} were due"
            account.tell(account.unexpected, sentence)
    for missing in due.before(None):
        account.expected += 1
        account.tell(account.missing, f"{instant(missing)} has no row")


def _count(account: Account, row: LedgerRow, instants: int) -> None:
    if row.status == Status.SKIPPED:
        account.skipped += instants
    elif row.status == Status.QUEUED:
        account.waiting += instants
    else:
        account.ran += instants
        account.running += row.status == Status.RUNNING


class _Due:
    """The instants that were due, in their order, each once: to be taken from the front."""

    def __init__(self, deciding: Sequence[Period], since: datetime) -> None:
        self._deciding = deciding
        self._restart(since)

    def _restart(self, since: datetime) -> None:
        self._left = _distinct(merge(*(period.instants(since) for period in self._deciding)))
        self._next = next(self._left, None)

    def _pop(self) -> datetime:
        taken = self._next
        assert taken is not None  # noqa: S101 - its callers have looked
        self._next = next(self._left, None)
        return taken

    def before(self, moment: datetime | None) -> Iterator[datetime]:
        """Take those before that moment (None: all that are left)."""
        while self._next is not None and (moment is None or self._next < moment):
            yield self._pop()

    def take(self, within: Interval) -> int:
        """Take those of the interval; how many they were."""
        taken = 0
        while self._next is not None and self._next < within.end:
            self._pop()
            taken += 1
            if taken == STRIDE:
                self._restart(within.end)
                return sum(period.count(within) for period in self._deciding)
        return taken


def _distinct(instants: Iterator[datetime]) -> Iterator[datetime]:
    last: datetime | None = None
    for moment in instants:
        if moment != last:
            yield moment
        last = moment
