"""`scheduled why`: the answer for one instant of one schedule, cause by cause."""

from datetime import datetime, timedelta
from typing import Any

from scheduled.clock import Clock
from scheduled.errors import ExpressionError, UnknownNameError, did_you_mean
from scheduled.explain.answer import Cause, Explanation
from scheduled.explain.misfit import misfit
from scheduled.explain.outcome import outcome
from scheduled.explain.present import coming, keeping, stepped_back
from scheduled.explain.standing import Event, Standing, standing, timings
from scheduled.expressions import Expression, parse
from scheduled.missed_runs import TICK
from scheduled.phrases import instant
from scheduled.store import explaining, schedules
from scheduled.store.database import Database
from scheduled.store.held import Held


def why(
    database: Database,
    schedule_id: str,
    at: datetime | None = None,
    *,
    grace_seconds: float = 60.0,
    clock: Clock | None = None,
) -> Explanation:
    """Explain what became of the instant `at` (aware; by default the newest one that has come).

    1. The ledger's row for it answers, if there is one.
    2. Else the history of definitions and switches tells why the schedule owed nothing then.
    3. Else it is still to be decided: what keeps it.

    Raises:
        UnknownNameError: the database knows no such schedule.
        ExpressionError: its stored expression is not understood any more.
    """
    with database.hold() as held:
        row = held.row(schedules.ONE, the_id=schedule_id)
        if row is None:
            known = [known.id for known in held.rows(schedules.IDS)]
            hint = did_you_mean(schedule_id, known) if known else "`scheduled run` stores them when it starts"
            raise UnknownNameError(f"there is no schedule {schedule_id!r}: {hint}")
        return _Inquiry(held, row, grace_seconds, (clock or Clock()).now()).answer(at)


class _Inquiry:
    def __init__(self, held: Held, row: Any, grace_seconds: float, now: datetime) -> None:
        self._held, self._row, self._now = held, row, now
        self._events: list[Event] = held.rows(explaining.EVENTS, the_schedule_id=row.id)
        own_grace = row.definition.get("missed_grace")
        self._grace = timedelta(seconds=grace_seconds if own_grace is None else own_grace)
        self._expression = _parsed(row.definition)

    def answer(self, at: datetime | None) -> Explanation:
        moment = at or self._newest()
        if moment is None:
            message = f"it has not been due since it came to be known at {instant(self._row.created_at)}"
            return self._explanation(None, False, "not_due_yet", [Cause("not_due_yet", message)])
        again = self._asked_for(moment)
        found = explaining.covering(self._held, self._row.id, moment)
        if found is not None and self._is_in(found, moment):
            causes = outcome(self._held, self._row, found, self._grace, self._now)
            return self._explanation(moment, True, found.status, causes + again, found.id)
        due, causes = self._without_row(moment)
        return self._explanation(moment, due, causes[0].code, causes + again)

    def _is_in(self, found: Any, moment: datetime) -> bool:
        """Whether the row answers for the instant: between the ends of a stretch are others, never due."""
        if moment in (found.due_at, found.due_until):
            return True
        definition = standing(self._events, moment).definition
        return bool(definition) and _parsed(definition).at_or_after(moment) == moment

    def _asked_for(self, moment: datetime) -> list[Cause]:
        """The runs that people asked for in the name of that instant."""
        asked = self._held.rows(explaining.ASKED_FOR, the_schedule_id=self._row.id, moment=moment)
        return [
            Cause(
                "asked_for",
                f"{one.requested_by} asked at {instant(one.requested_at)} for a run in its name: "
                f"occurrence {one.id} is {one.status}",
            )
            for one in asked
        ]

    def _explanation(
        self,
        at: datetime | None,
        due: bool,
        result: str,
        causes: list[Cause],
        occurrence_id: int | None = None,
    ) -> Explanation:
        after = coming(self._held, self._row, self._expression, self._now)
        return Explanation(
            self._row.id, at, due, result, tuple(causes), occurrence_id, self._row.next_run_at, tuple(after)
        )

    def _newest(self) -> datetime | None:
        """The newest instant that has come, by the expression that it had at that time."""
        until = self._now
        for at, definition in reversed(timings(self._events)):
            if latest := _parsed(definition).latest(1, at - TICK, until):
                return latest[0]
            until = at - TICK
        return None

    def _without_row(self, moment: datetime) -> tuple[bool, list[Cause]]:
        """Whether it was due, and why nothing stands in the ledger."""
        then = standing(self._events, moment)
        expression = _parsed(then.definition) if then.definition else self._expression
        due = expression.at_or_after(moment) == moment
        if not then.known:
            return due, [self._not_known(then)]
        if not due:
            return due, self._not_due(expression, then, moment)
        if then.orphaned:
            return due, [_orphaned(then, "it is" if moment > self._now else "it was")]
        if not then.enabled:
            return due, [_disabled(then, "it is" if moment > self._now else "it was")]
        if moment < self._row.ledger_from:
            message = (
                f"what was due before {instant(self._row.ledger_from)} was forgotten (`scheduled prune`)"
            )
            return due, [Cause("forgotten", message)]
        return due, self._undecided(moment)

    def _not_known(self, then: Standing) -> Cause:
        added = then.added
        when = instant(self._row.created_at) if added is None else f"{instant(added.at)}, by {added.actor}"
        return Cause("not_known", f"it was not known yet: it was added at {when}")

    def _not_due(self, expression: Expression, then: Standing, moment: datetime) -> list[Cause]:
        causes = [
            Cause("not_due", f"it was not due then, by {expression.text!r}: {misfit(expression, moment)}")
        ]
        before = expression.latest(1, self._row.created_at - timedelta(days=366), moment - TICK)
        after = expression.next(moment)
        around = [f"{instant(one)} before" for one in before]
        around += [] if after is None else [f"{instant(after)} after"]
        causes.append(Cause("nearest", f"the nearest instants are {' and '.join(around)} it"))
        if then.redefined is not None and self._expression.text != expression.text:
            told = f"{self._expression.text!r} ({self._expression.timezone})"
            message = f"since {instant(then.redefined.at)} it is due by another expression, now {told}"
            causes.append(Cause("changed", message))
        return causes

    def _undecided(self, moment: datetime) -> list[Cause]:
        frontier = self._row.next_run_at
        if moment > self._now:
            stepped = stepped_back(self._row, self._expression, self._now)
            if stepped and frontier is not None and moment < frontier:
                return stepped
            return [Cause("future", "its time has not come yet")]
        if frontier is not None and frontier <= moment:
            late = f"it is due and not yet taken up; the ledger is settled up to {instant(frontier)}"
            return [Cause("pending", late), *keeping(self._held, self._row, self._now)]
        return [Cause("missing", "the ledger has no row for it, and should: see `scheduled verify`")]


def _orphaned(then: Standing, it_was: str) -> Cause:
    since = "" if then.orphaned_by is None else f" since {instant(then.orphaned_by.at)}"
    back = f", until it was put back at {instant(then.ended.at)}" if then.ended else ""
    return Cause("orphaned", f"{it_was} gone from the code{since}{back}")


def _disabled(then: Standing, it_was: str) -> Cause:
    until = f", until {then.ended.actor} enabled it at {instant(then.ended.at)}" if then.ended else ""
    if then.switched is None:
        return Cause("disabled", f"{it_was} off: it was added so, and nobody had enabled it{until}")
    told = f" ({then.switched.reason})" if then.switched.reason else ""
    by = f"{then.switched.actor} disabled it at {instant(then.switched.at)}{told}"
    return Cause("disabled", f"{it_was} off: {by}{until}")


def _parsed(definition: Any) -> Expression:
    try:
        return parse(definition["cron"], definition["timezone"])
    except KeyError as error:
        raise ExpressionError(f"the stored definition lacks {error}") from None
