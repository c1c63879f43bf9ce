"""What became of an instant that the ledger answers for."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from scheduled.explain.answer import Cause
from scheduled.explain.lateness import ON_TIME, lateness
from scheduled.explain.present import how_it_ended, keeping
from scheduled.missed_runs import Interval, gaps
from scheduled.phrases import instant, lasting
from scheduled.store import explaining
from scheduled.store.held import Held
from scheduled.words import RETRIED, Reason, Status, Trigger

SHOWN = 5


def outcome(held: Held, schedule: Any, row: Any, grace: timedelta, now: datetime) -> list[Cause]:
    """The causes of what became of the occurrence `row`."""
    if row.started_at is None and row.status != Status.QUEUED:
        return list(_not_run(held, row, grace, now))
    if row.status == Status.QUEUED:
        return list(_queued(held, schedule, row, now))
    return list(_ran(held, row, now))


def _not_run(held: Held, row: Any, grace: timedelta, now: datetime) -> Iterator[Cause]:
    several = f", with {row.due_count - 1} more around it" if row.due_count > 1 else ""
    ended = "it was cancelled" if row.status == Status.CANCELLED else "it was skipped"
    detail = f": {row.detail}" if row.detail else ""
    yield Cause(row.reason or row.status, f"{ended}{several}{detail}")
    more = _MORE.get(row.reason)
    if more is not None:
        yield from more(held, row, grace, now)


def _daemon_down(held: Held, row: Any, grace: timedelta, now: datetime) -> Iterator[Cause]:
    """Which daemon ended before the gap, how, and which one came after it."""
    lives = [*explaining.lives(held, row.due_at), Interval(now, now)]
    found = gaps(lives, Interval(row.due_at, now))
    gap = next((gap for gap in found if gap.end - gap.start > grace), None)
    if gap is None:
        return
    asleep = held.row(explaining.GAP_AT, moment=gap.start)
    if asleep is not None:
        what = _GAPS.get(asleep.cause, asleep.cause)
        how_long = lasting(asleep.to_at - asleep.from_at)
        yield Cause(asleep.cause, f"{asleep.hostname}/{asleep.pid} lived on, but {what} {how_long}")
        return
    last = held.row(explaining.ENDED_BY, moment=gap.start + timedelta(seconds=1))
    if last is not None:
        yield Cause("daemon_ended", f"{how_it_ended(last, now)}; nobody was alive for {_long(gap)}")
    first = held.row(explaining.BEGAN_FROM, moment=gap.end - timedelta(seconds=1))
    if first is not None:
        yield Cause("daemon_began", f"{first.hostname}/{first.pid} started at {instant(first.started_at)}")


def _coalesced(held: Held, row: Any, _grace: timedelta, now: datetime) -> Iterator[Cause]:
    """The run that answers for it too, and what kept the schedule waiting until then."""
    later = held.rows(explaining.LATER, the_schedule_id=row.schedule_id, moment=row.due_until)
    into = next((one for one in later if one.status != Status.SKIPPED or one.started_at), None)
    if into is None:
        return
    yield Cause(
        "coalesced_into", f"occurrence {into.id}, due at {instant(into.due_at)}, ran for all: {into.status}"
    )
    if into.started_at is not None:
        yield _late(held, row, into, into.started_at)


def _overlapped(held: Held, row: Any, _grace: timedelta, now: datetime) -> Iterator[Cause]:
    """The occurrence that was running."""
    before = held.rows(explaining.UP_TO, the_schedule_id=row.schedule_id, moment=row.due_at)
    blocker = next((one for one in before if one.started_at and one.started_at <= row.due_at), None)
    if blocker is not None and (blocker.finished_at is None or blocker.finished_at > row.due_at):
        end = f"until {instant(blocker.finished_at)}" if blocker.finished_at else "and still runs"
        ran = f"ran from {instant(blocker.started_at)} {end}"
        yield Cause("overlap_with", f"occurrence {blocker.id}, due at {instant(blocker.due_at)}, {ran}")


def _beyond_the_limit(held: Held, row: Any, grace: timedelta, now: datetime) -> Iterator[Cause]:
    """What had so many wait: no daemon, or a run that overlapped."""
    yield from _overlapped(held, row, grace, now)
    yield from _daemon_down(held, row, grace, now)


def _too_late(held: Held, row: Any, _grace: timedelta, now: datetime) -> Iterator[Cause]:
    """What kept it until its deadline had passed."""
    yield _late(held, row, row, min(row.finished_at or now, now))


_MORE: dict[str, Callable[[Held, Any, timedelta, datetime], Iterator[Cause]]] = {
    Reason.DAEMON_DOWN: _daemon_down,
    Reason.COALESCED: _coalesced,
    Reason.OVERLAP: _overlapped,
    Reason.START_DEADLINE: _too_late,
    Reason.CATCH_UP_LIMIT: _beyond_the_limit,
}
_GAPS = {
    "host_suspended": "its host slept for",
    "clock_stepped": "its clock was set forward by",
    "process_stopped": "its process was stopped for",
}


def _late(held: Held, row: Any, ran: Any, until: datetime) -> Cause:
    attempts = held.rows(explaining.ATTEMPTS, the_occurrence_id=ran.id)
    return lateness(held, row, attempts[0].id if attempts else None, until, ran.worker_id)


def _long(gap: Interval) -> str:
    return lasting(gap.end - gap.start)


def _queued(held: Held, schedule: Any, row: Any, now: datetime) -> Iterator[Cause]:
    if row.reason == Reason.RERUN:
        yield Cause(Reason.RERUN, f"it was interrupted, and waits to run once more: {row.detail}")
    elif row.trigger == Trigger.CATCH_UP:
        yield Cause("waiting", "it was missed, and waits to be caught up")
    else:
        yield Cause("waiting", "it waits to run")
    if now - row.due_at >= ON_TIME:
        yield lateness(held, row, None, now, None)
    yield from keeping(held, schedule, now)


def _ran(held: Held, row: Any, now: datetime) -> Iterator[Cause]:
    attempts = held.rows(explaining.ATTEMPTS, the_occurrence_id=row.id)
    yield Cause(row.status.lower(), _how_it_went(held, row, now))
    if row.trigger == Trigger.CATCH_UP:
        yield Cause("catch_up", "it had been missed, and was caught up")
    first = next((attempt.id for attempt in attempts if attempt.started_at), None)
    yield lateness(held, row, first, row.started_at, row.worker_id)
    yield from _troubles(attempts)


def _how_it_went(held: Held, row: Any, now: datetime) -> str:
    worker = held.row(explaining.WORKER, the_id=row.worker_id) if row.worker_id else None
    by = "" if worker is None else f" in the daemon {worker.hostname}/{worker.pid}"
    if row.status == Status.RUNNING:
        return f"it has been running since {instant(row.started_at)}{by}, for {lasting(now - row.started_at)}"
    took = lasting(row.finished_at - row.started_at) if row.finished_at else "?"
    told = f"it ran{by} from {instant(row.started_at)}, for {took}, and is {row.status}"
    why = row.detail or row.reason
    return f"{told}: {why}" if why else told


def _troubles(attempts: Sequence[Any]) -> Iterator[Cause]:
    """The jobs that did not complete, by their last attempts."""
    last = {attempt.job_name: attempt for attempt in attempts}
    found = [one for one in last.values() if one.status not in (Status.COMPLETED, Status.RUNNING)]
    for one in found[:SHOWN]:
        error = ": ".join(part for part in (one.error_type, _first_line(one.error_message)) if part)
        why = error or one.reason or ""
        tries = f" after {one.attempt} attempts" if one.attempt > 1 and one.status in RETRIED else ""
        message = f"{one.job_name} (run {one.id}) is {one.status}{tries}" + (f": {why}" if why else "")
        yield Cause(one.reason or one.status.lower(), message)
    if len(found) > SHOWN:
        yield Cause("more", f"and {len(found) - SHOWN} more jobs did not complete")


def _first_line(text: str | None) -> str:
    return next((line for line in (text or "").splitlines() if line.strip()), "")[:200]
