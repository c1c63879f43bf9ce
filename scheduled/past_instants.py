"""Which past instants a request may be for: those at which the schedule was due."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from scheduled.audit import periods
from scheduled.errors import ExpressionError, UsageError
from scheduled.expressions import Expression, parse
from scheduled.store import auditing
from scheduled.store.held import Held


def past_due_instant(held: Held, row: Any, moment: datetime, now: datetime) -> datetime:
    """The instant that a request is for, in UTC; a naive `moment` is as the clocks of the zone show it.

    It counts as due if the schedule's expression of today says so, or the one that it had at that time. On or
    off at that time does not matter: who switches a schedule on may want what it would have done.

    Raises:
        UsageError: it lies in the future, or the schedule was not due then: the nearest instants are named.
        ExpressionError: this version does not understand the stored definition.
    """
    today = parse(row.definition["cron"], row.definition["timezone"])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=today.zone)
    if moment > now:
        raise UsageError(f"{moment.isoformat()} lies in the future: a run for an instant is one for the past")
    expressions = (today, *_of_that_time(held, row, moment, now))
    if not any(expression.at_or_after(moment) == moment for expression in expressions):
        raise UsageError(
            f"schedule {row.id!r} was not due at {moment.isoformat()}: {_nearest(expressions, moment, now)}"
        )
    return moment.astimezone(UTC)


def _of_that_time(held: Held, row: Any, moment: datetime, now: datetime) -> list[Expression]:
    events = held.rows(auditing.EVENTS, the_schedule_id=row.id)
    try:
        deciding = periods(events, auditing.BEGINNING, row.next_run_at, now)
    except (ExpressionError, KeyError):  # an old definition that nobody understands any more
        return []
    return [period.expression for period in deciding if period.start <= moment < period.end]


def _nearest(expressions: Sequence[Expression], moment: datetime, now: datetime) -> str:
    zone = expressions[0].zone
    before = [found for one in expressions for found in one.latest(1, auditing.BEGINNING, moment)]
    after = [found for one in expressions if (found := one.next(moment)) is not None and found <= now]
    nearest = [*([max(before)] if before else []), *([min(after)] if after else [])]
    named = " and ".join(found.astimezone(zone).isoformat() for found in nearest)
    return f"the nearest due instant is {named}" if len(nearest) == 1 else f"the nearest are {named}"
