"""Changes of what should run. Before each, the ledger is settled under the old definition, up to then."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduled.errors import ExpressionError
from scheduled.expressions import Expression, parse
from scheduled.missed_runs import TICK, Interval, gaps, judge, settle_for_switch
from scheduled.phrases import instant
from scheduled.registry import Registry
from scheduled.store import auditing, ledger, schedules
from scheduled.store.held import Held
from scheduled.store.marks import alive, latest_run, ledger_ahead
from scheduled.waiting import end_waiting
from scheduled.words import REQUESTS, Reason, Trigger

TIMING = ("cron", "timezone", "zone_data")
"""The parts of a definition that decide when it is due."""


@dataclass(frozen=True)
class Switcher:
    """Who changes something, when, and what they know of the daemons' lives."""

    held: Held
    now: datetime
    actor: str
    grace_seconds: float
    own_life: tuple[Interval, ...] = ()
    """When the process that asks lived, if it is a daemon."""
    own_id: str | None = None
    least_grace: float = 0.0

    def reconcile(self, registry: Registry) -> list[tuple[str, str]]:
        """One transaction: make the database know these definitions; the (schedule, event) pairs.

        New schedules are stored, changed ones settled and moved, those that are gone orphaned and kept.
        """
        with self.held.transaction():
            return self._reconcile(registry)

    def _reconcile(self, registry: Registry) -> list[tuple[str, str]]:
        rows = {row.id: row for row in self.held.rows(schedules.ALL_TO_CHANGE)}
        happened: list[tuple[str, str]] = []
        for schedule_id in registry.schedules:
            row = rows.get(schedule_id)
            if row is None:
                happened += self._add(registry, schedule_id)
            elif row.orphaned or row.definition_hash != registry.hashes[schedule_id]:
                happened += self._redefine(registry, row)
            else:
                self._describe(registry, row)
        for row in rows.values():
            if row.source == "code" and row.id not in registry.schedules and not row.orphaned:
                happened += self._orphan(row)
        return happened

    def enable(self, row: Any, reason: str | None) -> None:
        """Within a transaction: switch a schedule on; it owes nothing for the time before.

        Skipped stretches that lie in the future, left by a clock that has since stepped back, are withdrawn.
        """
        frontier = parse_of(row.definition).at_or_after(self.now)
        withdrawn = self._withdraw_future(row)
        self._define(row, enabled=True, next_run_at=frontier)
        self._event(row.id, "enabled", reason, {"withdrawn": withdrawn} if withdrawn else None)

    def disable(self, row: Any, reason: str | None) -> None:
        """Within a transaction: switch a schedule off. What was due is settled, what was owed ends."""
        why = f" ({reason})" if reason else ""
        self._settle(row, Reason.DISABLED, f"disabled by {self.actor} at {instant(self.now)}{why}")
        self._end_owed(row, Reason.DISABLED, f"disabled by {self.actor}{why}")
        self._define(row, enabled=False, next_run_at=None)
        self._event(row.id, "disabled", reason, self._ahead(row) or None)

    def _add(self, registry: Registry, schedule_id: str) -> list[tuple[str, str]]:
        schedule = registry.schedules[schedule_id]
        definition = registry.definition(schedule)
        enabled = schedule.enabled_by_default
        self.held.insert(
            schedules.ADD,
            id=schedule_id,
            source="code",
            definition=definition,
            definition_hash=registry.hashes[schedule_id],
            enabled=enabled,
            orphaned=False,
            ledger_from=self.now,
            next_run_at=schedule.expression.at_or_after(self.now) if enabled else None,
            run_count=0,
            failure_count=0,
            skipped_count=0,
            consecutive_failures=0,
            created_at=self.now,
            updated_at=self.now,
        )
        self._event(schedule_id, "added", None, {"to": definition, "enabled": enabled})
        return [(schedule_id, "added")]

    def _redefine(self, registry: Registry, row: Any) -> list[tuple[str, str]]:
        schedule = registry.schedules[row.id]
        definition = registry.definition(schedule)
        retimed = any(definition[part] != row.definition.get(part) for part in TIMING)
        frontier = row.next_run_at
        if row.enabled and (retimed or row.orphaned):
            self._settle(row, Reason.CHANGED, f"its definition changed at {instant(self.now)}")
            self._withdraw_future(row)
            frontier = schedule.expression.at_or_after(self.now)
        event = "back" if row.orphaned else "changed"
        self._define(
            row,
            definition=definition,
            definition_hash=registry.hashes[row.id],
            orphaned=False,
            next_run_at=frontier,
        )
        self._event(row.id, event, None, {"from": row.definition, "to": definition} | self._ahead(row))
        return [(row.id, event)]

    def _describe(self, registry: Registry, row: Any) -> None:
        """What the schedule runs and when is as it was; perhaps its jobs are described in other words."""
        definition = registry.definition(registry.schedules[row.id])
        if definition != row.definition:
            self._define(row, definition=definition)

    def _orphan(self, row: Any) -> list[tuple[str, str]]:
        if row.enabled:
            self._settle(row, Reason.ORPHANED, f"gone from the definitions at {instant(self.now)}")
        detail = "the schedule is gone from the definitions"
        self._end_owed(row, Reason.ORPHANED, detail)
        self._define(row, orphaned=True, next_run_at=None)
        self._event(row.id, "orphaned", None, {"from": row.definition} | self._ahead(row))
        return [(row.id, "orphaned")]

    def _settle(self, row: Any, reason: Reason, detail: str) -> None:
        """Give every instant from the frontier up to now its row, running nothing."""
        frontier = row.next_run_at
        if frontier is None or frontier >= self.now:
            return
        try:
            expression = parse_of(row.definition)
        except ExpressionError as error:  # nobody can tell any more what was due, and nothing waits for it
            self._event(row.id, "unsettled", str(error))
            return
        lives = [*alive(self.held, frontier, excluding=self.own_id), *self.own_life]
        seconds = row.definition.get("missed_grace")
        seconds = self.grace_seconds if seconds is None else seconds
        grace = timedelta(seconds=max(seconds, self.least_grace))
        pieces = judge(
            expression,
            Interval(frontier, self.now),
            latest_run(self.held, row.id, self.now),
            gaps(lives, Interval(frontier, self.now)),
            grace,
            ledger_ahead(self.held, row.id, frontier),
        )
        entries = settle_for_switch(expression, pieces, reason, detail)
        for entry in entries:
            ledger.add_entry(self.held, row.id, entry, self.now)
        skipped = ledger.skipped_instants(entries)
        self.held.run(ledger.ADD_SKIPPED, the_id=row.id, skipped=skipped)

    def _end_owed(self, row: Any, reason: Reason, detail: str) -> None:
        for waiting in self.held.rows(schedules.OWED, the_schedule_id=row.id):
            requested = Trigger(waiting.trigger) in REQUESTS
            if requested and reason is not Reason.ORPHANED:
                continue
            instants = 0 if requested or waiting.reason == Reason.RERUN else 1
            end_waiting(self.held, waiting.id, row.id, reason, detail, self.now, instants=instants)

    def _withdraw_future(self, row: Any) -> list[dict[str, Any]]:
        withdrawn = []
        for known in self.held.rows(schedules.FUTURE_SKIPPED, the_schedule_id=row.id, moment=self.now):
            expression = self._expression_of(known, row)
            if expression is None:
                continue  # nobody can tell any more which of its instants are still to come
            before = expression.latest(1, known.due_at - TICK, self.now - TICK)
            if before:
                count = expression.count(known.due_at - TICK, before[0])
                self.held.run(schedules.SHORTEN, the_id=known.id, due_until=before[0], due_count=count)
            else:
                count = 0
                self.held.run(schedules.WITHDRAW, the_id=known.id)
            self.held.run(ledger.ADD_SKIPPED, the_id=row.id, skipped=count - known.due_count)
            withdrawn.append({"occurrence_id": known.id, "instants": known.due_count - count})
        return withdrawn

    def _expression_of(self, stretch: Any, row: Any) -> Expression | None:
        """The newest expression by which the stretch holds just its instants: perhaps not today's."""
        events = self.held.rows(auditing.EVENTS, the_schedule_id=row.id)
        earlier = [event.data["to"] for event in reversed(events) if "to" in (event.data or {})]
        for definition in (row.definition, *earlier):
            try:
                expression = parse_of(definition)
            except ExpressionError:
                continue
            ends = (expression.at_or_after(stretch.due_at), expression.at_or_after(stretch.due_until))
            count = expression.count(stretch.due_at - TICK, stretch.due_until)
            if (*ends, count) == (stretch.due_at, stretch.due_until, stretch.due_count):
                return expression
        return None

    def _ahead(self, row: Any) -> dict[str, Any]:
        """How far beyond now the ledger has come: to the audit these instants are no surprise."""
        frontier = row.next_run_at
        return {"frontier": frontier.isoformat()} if frontier is not None and frontier > self.now else {}

    def _define(self, row: Any, **changes: Any) -> None:
        kept = {
            "definition": row.definition,
            "definition_hash": row.definition_hash,
            "orphaned": row.orphaned,
            "enabled": row.enabled,
            "next_run_at": row.next_run_at,
        }
        self.held.run(schedules.DEFINE, the_id=row.id, **(kept | changes), updated_at=self.now)

    def _event(self, schedule_id: str, event: str, reason: str | None, data: Any = None) -> None:
        schedules.add_event(self.held, schedule_id, event, self.now, self.actor, reason, data)


def parse_of(definition: dict[str, Any]) -> Expression:
    """The expression of a stored definition.

    Raises:
        ExpressionError: this version of scheduled, or its zone data, no longer understands it.
    """
    try:
        return parse(definition["cron"], definition["timezone"])
    except KeyError as error:
        raise ExpressionError(f"the stored definition lacks {error}") from None
