"""The write verbs that CLI and web share: enable, disable, trigger, cancel … Each is one transaction."""

import getpass
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from scheduled.clock import Clock
from scheduled.errors import ConflictError, DuplicateError, UnknownNameError, UsageError, did_you_mean
from scheduled.past_instants import past_due_instant
from scheduled.requesting import Request, Requested, ask, once_more, require_runnable
from scheduled.store import schedules
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.listening import tell
from scheduled.store.statements import Statement
from scheduled.switching import Switcher
from scheduled.waiting import end_waiting
from scheduled.words import Reason, Status, Trigger

if TYPE_CHECKING:
    from scheduled.idempotency import Key

T = TypeVar("T")


@dataclass(frozen=True)
class Cancelled:
    """A cancellation: at once, because the occurrence had not begun, or asked of the daemon that runs it."""

    occurrence_id: int
    schedule_id: str
    at_once: bool


class Commands:
    """What `actor` may do to the schedules of a database."""

    def __init__(
        self, database: Database, actor: str, grace_seconds: float, clock: Clock | None = None
    ) -> None:
        self._database = database
        self._actor = actor
        self._grace = grace_seconds
        self._clock = clock or Clock()

    def enable(self, ids: Sequence[str], reason: str | None = None) -> list[str]:
        """Switch schedules on; the ids of those that were off.

        Raises:
            UnknownNameError: one of them does not exist; nothing was changed.
            ConflictError: one of them is no longer in the code.
        """

        def act(held: Held, now: datetime) -> list[str]:
            rows = [_row(held, schedule_id) for schedule_id in ids]
            for row in rows:
                if row.orphaned:
                    raise ConflictError(
                        f"schedule {row.id!r} is no longer in the code: put it back, then enable it"
                    )
            changed = [row for row in rows if not row.enabled]
            for row in changed:
                self._switcher(held, now).enable(row, reason)
            return [row.id for row in changed]

        return self._do(act)

    def disable(self, ids: Sequence[str], reason: str | None = None) -> list[str]:
        """Switch schedules off; the ids of those that were on. What runs now, runs on.

        Raises:
            UnknownNameError: one of them does not exist; nothing was changed.
        """

        def act(held: Held, now: datetime) -> list[str]:
            rows = [_row(held, schedule_id) for schedule_id in ids]
            changed = [row for row in rows if row.enabled]
            for row in changed:
                self._switcher(held, now).disable(row, reason)
            return [row.id for row in changed]

        return self._do(act)

    def trigger(
        self,
        schedule_id: str,
        jobs: Sequence[str] = (),
        params: Mapping[str, Any] | None = None,
        trigger: Trigger = Trigger.MANUAL,
        for_instant: datetime | None = None,
        idempotency: "Key | None" = None,
    ) -> Requested:
        """Ask for a run now. The same request while one waits is that one.

        With `for_instant` it is for a past due instant (naive: in the schedule's time zone), whose own row in
        the ledger stays as it is. With `idempotency`, the hash of a key and that of the request, it is done
        once: whoever repeats it within a day is told of the first.

        Raises:
            UnknownNameError: there is no such schedule, or it does not run such a job.
            ConflictError: the schedule is no longer in the code; or the key came with another request.
            UsageError: the schedule was not due at that instant, or it lies in the future.
        """
        chosen, given = (list(jobs) or None), (dict(params or {}) or None)

        def act(held: Held, now: datetime) -> Requested:
            row = _row(held, schedule_id)
            require_runnable(row, chosen)
            due_at = None if for_instant is None else past_due_instant(held, row, for_instant, now)
            return ask(held, Request(schedule_id, chosen, given, trigger, due_at), self._actor, now)

        return self._do_once(act, idempotency)

    def run_again(
        self,
        occurrence_id: int,
        *,
        from_failed: bool = False,
        trigger: Trigger = Trigger.MANUAL,
        idempotency: "Key | None" = None,
    ) -> Requested:
        """Ask for what an occurrence ran once more: same jobs, same params, same due instant if it had one.

        With `from_failed`, its jobs that completed are not repeated: their results reach those that run now.
        If it was such a rerun itself, that goes for what completed before it, too. The same request while one
        waits is that one; for `idempotency` see `trigger`.

        Raises:
            UnknownNameError: there is no such occurrence, or the schedule no longer runs such a job.
            ConflictError: it has not ended, or is a stretch of several instants; the schedule is no longer in
                the code; with `from_failed`, nothing failed.
        """

        def act(held: Held, now: datetime) -> Requested:
            ended = _occurrence(held, occurrence_id, schedules.OCCURRENCE)
            row = _row(held, ended.schedule_id)
            request = once_more(held, ended, row, trigger, from_failed=from_failed)
            require_runnable(row, request.jobs)
            return ask(held, request, self._actor, now)

        return self._do_once(act, idempotency)

    def cancel(self, occurrence_id: int) -> Cancelled:
        """End an occurrence: at once if it waits; if it runs, the daemon that runs it is asked to.

        Raises:
            UnknownNameError: there is no such occurrence.
            ConflictError: it has ended already.
        """

        def act(held: Held, now: datetime) -> Cancelled:
            row = _occurrence(held, occurrence_id, schedules.OCCURRENCE_TO_CHANGE)
            detail = f"cancelled by {self._actor}"
            waits = row.status == Status.QUEUED
            if waits:
                end_waiting(
                    held,
                    occurrence_id,
                    row.schedule_id,
                    Reason.CANCELLED,
                    detail,
                    now,
                    status=Status.CANCELLED,
                )
            elif row.status != Status.RUNNING:
                raise ConflictError(f"occurrence {occurrence_id} has already ended: it is {row.status}")
            else:
                held.run(
                    schedules.CANCEL_RUNNING,
                    the_id=occurrence_id,
                    cancel_requested_at=now,
                    cancel_requested_by=self._actor,
                )
            data = {"occurrence_id": occurrence_id, "at_once": waits}
            schedules.add_event(held, row.schedule_id, "cancelled", now, self._actor, None, data)
            return Cancelled(occurrence_id, row.schedule_id, at_once=waits)

        return self._do(act)

    def check_now(self) -> None:
        """Have the daemons look at once for what is due. Where SCHEDULE_WAKE is poll, they hear nothing."""

        def act(held: Held, now: datetime) -> None:
            schedules.add_event(held, "", "check_requested", now, self._actor)

        self._do(act)

    def _switcher(self, held: Held, now: datetime) -> Switcher:
        return Switcher(held, now, self._actor, self._grace)

    def _do_once(self, act: Callable[[Held, datetime], Requested], key: "Key | None") -> Requested:
        if key is None:
            return self._do(act)
        from scheduled import idempotency  # only the API needs it, and the tables that it loads

        def act_once(held: Held, now: datetime) -> Requested:
            return idempotency.once(held, key, now, lambda: act(held, now))

        try:
            return self._do(act_once)
        except DuplicateError:  # somebody was first with this very key
            return self._do(act_once)

    def _do(self, act: Callable[[Held, datetime], T]) -> T:
        def and_tell(held: Held) -> T:
            done = act(held, self._clock.now())
            tell(held)
            return done

        return self._database.change(and_tell)


def who() -> str:
    """The person at the command line, as the audit knows them: user@host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{os.uname().nodename}"


def read_params(pairs: Sequence[str]) -> dict[str, Any]:
    """`k=v` pairs; a value that is JSON (3, true, {"a": 1}) is read as such, else it is text.

    Raises:
        UsageError: a pair has no `=`, or no name.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not name or not separator:
            raise UsageError(f"parameter {pair!r} is not of the form name=value")
        try:
            found[name] = json.loads(value, parse_constant=str)  # NaN is no JSON to a database
        except ValueError:
            found[name] = value
    return found


def _occurrence(held: Held, occurrence_id: int, statement: Statement) -> Any:
    # No database holds a number beyond 64 bits, and some refuse to be asked.
    row = held.row(statement, the_id=occurrence_id) if abs(occurrence_id) < 2**63 else None
    if row is None:
        told = f"there is no occurrence {occurrence_id}"
        raise UnknownNameError(f"{told}: `scheduled history --occurrences` lists them")
    return row


def _row(held: Held, schedule_id: str) -> Any:
    row = held.row(schedules.ONE_TO_CHANGE, the_id=schedule_id)
    if row is None:
        known = [known.id for known in held.rows(schedules.IDS)]
        hint = did_you_mean(schedule_id, known) if known else "`scheduled run` stores them when it starts"
        raise UnknownNameError(f"there is no schedule {schedule_id!r}: {hint}")
    return row
