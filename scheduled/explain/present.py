"""What keeps a schedule waiting now, and what happens next."""

from datetime import datetime, timedelta
from typing import Any

from scheduled.explain.answer import Cause
from scheduled.expressions import Expression
from scheduled.phrases import instant, lasting
from scheduled.planner import due_if_set_back
from scheduled.presence import why_absent
from scheduled.store import explaining
from scheduled.store.held import Held
from scheduled.words import REQUESTS, Trigger

QUIET = timedelta(seconds=60)
"""A daemon says more often than this that it lives."""


def keeping(held: Held, row: Any, now: datetime) -> list[Cause]:
    """Why what is due of the schedule `row` is not running at this moment."""
    if row.locked_by is not None:
        return [_locked(held, row, now)]
    if nobody := no_daemon(held, now):
        return [nobody]
    found = [_behind(one, now) for one in held.rows(explaining.BUSY)]
    found += _other_definitions(held, now)
    return found or [Cause("soon", "a daemon is alive and free: it will be taken up when that looks next")]


def no_daemon(held: Held, now: datetime) -> Cause | None:
    """That none is alive, if so, and how the last one ended."""
    if _living(held, now):
        return None
    last = held.row(explaining.ENDED_BY, moment=now)
    seen = "none has ever run" if last is None else how_it_ended(last, now)
    return Cause("daemon_down", f"no daemon is alive: {seen}. Start one: `scheduled run`")


def _living(held: Held, now: datetime) -> list[Any]:
    """The daemons that are there, and not only in their rows."""
    return [daemon for daemon in held.rows(explaining.LIVING) if why_absent(daemon, now) is None]


def _other_definitions(held: Held, now: datetime) -> list[Cause]:
    """That who lives may stand aside, because of definitions that are not the ones stored last."""
    newest = held.row(explaining.NEWEST_START)
    others = [daemon for daemon in _living(held, now) if daemon.definition_hash != newest.definition_hash]
    if not others:
        return []
    names = " and ".join(f"{daemon.hostname}/{daemon.pid}" for daemon in others)
    message = (
        f"{names} loaded other definitions than {newest.hostname}/{newest.pid} stored at "
        f"{instant(newest.started_at)}, and stands aside from each schedule that differs: reload it (SIGHUP)"
    )
    return [Cause("definitions_differ", message)]


def how_it_ended(worker: Any, now: datetime) -> str:
    """A daemon's end, as part of a sentence."""
    name, last = f"{worker.hostname}/{worker.pid}", instant(worker.last_heartbeat_at)
    ended = {
        "STOPPED": f"{name} stopped in good order at {last}",
        "LOST": f"{name} was lost: it gave its last sign of life at {last}",
    }
    absent = why_absent(worker, now)
    why = f", and {absent}" if absent else ""
    return ended.get(worker.status, f"{name} gave its last sign of life at {last}{why}")


def coming(held: Held, row: Any, expression: Expression, now: datetime) -> list[Cause]:
    """What happens next with the schedule `row`."""
    found = [_waiting(one, now) for one in held.rows(explaining.WAITING, the_schedule_id=row.id)]
    if row.orphaned:
        return [*found, Cause("orphaned", "it is no longer in the code, and never runs")]
    if not row.enabled:
        return [*found, Cause("disabled", f"it is off: `scheduled enable {row.id}` switches it on")]
    if row.locked_by is not None:
        found.append(_locked(held, row, now))
    if row.next_run_at is None:
        found.append(Cause("never", "it is not due again: the calendar ends"))
    elif row.next_run_at <= now:
        found.append(Cause("overdue", f"{instant(row.next_run_at)} is due and not yet taken up"))
    else:
        ahead = lasting(row.next_run_at - now)
        found.append(Cause("due", f"it is due next at {instant(row.next_run_at)}, in {ahead}"))
        found += stepped_back(row, expression, now)
    nobody = no_daemon(held, now)
    return [*found, nobody] if nobody else found


def stepped_back(row: Any, expression: Expression, now: datetime) -> list[Cause]:
    """That the frontier lies beyond its time, if so."""
    due = due_if_set_back(expression, row.next_run_at, now)
    if due is None:
        return []
    message = (
        f"the clock once ran ahead and was set back: it would be due at {instant(due)}, but the ledger is "
        f"settled up to {instant(row.next_run_at)}, and nothing "
        "runs twice. Disable and enable it to go on at once"
    )
    return [Cause("clock_stepped_back", message)]


def _locked(held: Held, row: Any, now: datetime) -> Cause:
    holder = held.row(explaining.WORKER, the_id=row.locked_by)
    name = row.locked_by if holder is None else f"{holder.hostname}/{holder.pid}"
    since = lasting(now - row.locked_at) if row.locked_at and row.locked_at < now else "a moment"
    if holder is not None and (absent := why_absent(holder, now)):
        last = instant(holder.last_heartbeat_at)
        message = (
            f"the daemon {name} held its lock, and gave its last sign of life at {last}: {absent}. "
            f"Another daemon takes it, at the latest when the lease ends at {instant(row.lock_expires_at)}"
        )
        return Cause("lock_of_the_dead", message)
    until = f"its lease runs until {instant(row.lock_expires_at)}, and is renewed while it lives"
    if row.lock_expires_at < now:
        until = f"its lease ran out at {instant(row.lock_expires_at)}: a daemon will take it"
    return Cause("locked", f"the daemon {name} has run it for {since}; {until}{_silence(holder, now)}")


def _behind(one: Any, now: datetime) -> Cause:
    since = lasting(max(now - one.started_at, now - now))
    absent = why_absent(one, now)
    dead = f"; but {absent}: a daemon takes its lock" if absent else _silence(one, now)
    message = (
        f"it waits behind {one.schedule_id} (occurrence {one.id}), which the daemon {one.hostname}/{one.pid} "
        f"has run since {instant(one.started_at)}, for {since}{dead}"
    )
    return Cause("behind", message)


def _silence(worker: Any, now: datetime) -> str:
    """What to know of a daemon that may hang."""
    if worker is None or now - worker.last_heartbeat_at <= QUIET:
        return ""
    return f" (its last sign of life is {lasting(now - worker.last_heartbeat_at)} old)"


def _waiting(one: Any, now: datetime) -> Cause:
    if Trigger(one.trigger) in REQUESTS:
        asked = f"asked for by {one.requested_by} at {instant(one.requested_at)}"
        return Cause("requested", f"occurrence {one.id} waits to run, {asked}")
    what = "to be caught up" if one.trigger == Trigger.CATCH_UP else "to run"
    what = "to run once more after an interruption" if one.reason else what
    return Cause("waiting", f"occurrence {one.id}, due at {instant(one.due_at)}, waits {what}")
