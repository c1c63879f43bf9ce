"""The write verbs that CLI and web share: enable, disable, trigger, cancel. Each is one transaction."""

import getpass
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from scheduled.clock import Clock
from scheduled.errors import ConflictError, UnknownNameError, UsageError, did_you_mean
from scheduled.past_instants import past_due_instant
from scheduled.store import ledger, schedules
from scheduled.store.database import Database, Held
from scheduled.store.faults import despite_deadlocks
from scheduled.store.listening import tell
from scheduled.switching import Switcher
from scheduled.waiting import end_waiting
from scheduled.words import Reason, Status, Trigger

T = TypeVar("T")


@dataclass(frozen=True)
class Requested:
    """A request: the occurrence that waits, and whether it had been asked for before."""

    occurrence_id: int
    schedule_id: str
    already: bool
    for_instant: datetime | None = None
    """The past due instant that it is for, if it is for one; in UTC."""


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
    ) -> Requested:
        """Ask for a run now. The same request while one waits is that one.

        With `for_instant` it is for a past due instant (naive: in the schedule's time zone), whose own row in
        the ledger stays as it is.

        Raises:
            UnknownNameError: there is no such schedule, or it does not run such a job.
            ConflictError: the schedule is no longer in the code.
            UsageError: the schedule was not due at that instant, or it lies in the future.
        """
        chosen, given = (list(jobs) or None), (dict(params or {}) or None)

        def act(held: Held, now: datetime) -> Requested:
            row = _row(held, schedule_id)
            _require_runnable(row, jobs)
            due_at = None if for_instant is None else past_due_instant(held, row, for_instant, now)
            for waiting in held.rows(schedules.SAME_REQUEST, the_schedule_id=schedule_id):
                asked = (waiting.jobs or None, waiting.params or None, waiting.rerun_of)
                if asked == (chosen, given, None) and waiting.due_at == (due_at or waiting.requested_at):
                    return Requested(waiting.id, schedule_id, already=True, for_instant=due_at)
            occurrence_id = add_request(
                held, schedule_id, self._actor, now, chosen, given, trigger, for_instant=due_at
            )
            return Requested(occurrence_id, schedule_id, already=False, for_instant=due_at)

        return self._do(act)

    def cancel(self, occurrence_id: int) -> Cancelled:
        """End an occurrence: at once if it waits; if it runs, the daemon that runs it is asked to.

        Raises:
            UnknownNameError: there is no such occurrence.
            ConflictError: it has ended already.
        """

        def act(held: Held, now: datetime) -> Cancelled:
            row = held.row(schedules.OCCURRENCE_TO_CHANGE, the_id=occurrence_id)
            if row is None:
                raise UnknownNameError(
                    f"there is no occurrence {occurrence_id}: `scheduled history` lists them"
                )
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

    def _switcher(self, held: Held, now: datetime) -> Switcher:
        return Switcher(held, now, self._actor, self._grace)

    def _do(self, act: Callable[[Held, datetime], T]) -> T:
        held = self._database.hold()

        def at_once() -> T:
            with held.transaction():
                done = act(held, self._clock.now())
                tell(held)
                return done

        try:
            return despite_deadlocks(at_once)
        finally:
            held.close()


def add_request(
    held: Held,
    schedule_id: str,
    actor: str,
    now: datetime,
    jobs: list[str] | None,
    params: dict[str, Any] | None,
    trigger: Trigger = Trigger.MANUAL,
    for_instant: datetime | None = None,
) -> int:
    """Within a transaction: write an occurrence that waits because somebody asked for it; its id.

    It answers for no due instant of the ledger, also if it is for one (`for_instant`, UTC).
    """
    due_at = for_instant or now
    occurrence_id = ledger.add_occurrence(
        held,
        schedule_id=schedule_id,
        due_at=due_at,
        due_until=due_at,
        trigger=trigger,
        status=Status.QUEUED,
        requested_by=actor,
        requested_at=now,
        jobs=jobs,
        params=params,
    )
    data: dict[str, Any] = {"occurrence_id": occurrence_id, "jobs": jobs, "params": params}
    if for_instant is not None:
        data["due_at"] = due_at.isoformat()
    schedules.add_event(held, schedule_id, "triggered", now, actor, None, data)
    return occurrence_id


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


def _require_runnable(row: Any, jobs: Sequence[str]) -> None:
    if row.orphaned:
        raise ConflictError(f"schedule {row.id!r} is no longer in the code, and never runs")
    known = row.definition.get("jobs", [])
    for name in jobs:
        if name not in known:
            raise UnknownNameError(f"schedule {row.id!r} runs no job {name!r}: {did_you_mean(name, known)}")


def _row(held: Held, schedule_id: str) -> Any:
    row = held.row(schedules.ONE_TO_CHANGE, the_id=schedule_id)
    if row is None:
        known = [known.id for known in held.rows(schedules.IDS)]
        hint = did_you_mean(schedule_id, known) if known else "`scheduled run` stores them when it starts"
        raise UnknownNameError(f"there is no schedule {schedule_id!r}: {hint}")
    return row
