"""What happens next with an occurrence, and what somebody can do about it, in sentences. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduled.explain.answer import Cause
from scheduled.phrases import instant
from scheduled.words import GOING_ON, RETRIED, Reason, Status

ENDED_BADLY = (Status.FAILED, Status.TIMED_OUT, Status.INTERRUPTED, Status.CANCELLED)


@dataclass(frozen=True)
class Advice:
    """What comes, and what can be done: also as plain facts, for buttons."""

    next: tuple[Cause, ...]
    can: tuple[Cause, ...]
    may_cancel: bool = False
    may_run_again: bool = False
    may_resume: bool = False
    """Whether it can be run again from what failed on."""


def advice(row: Any, schedule: Any, attempts: Sequence[Any], now: datetime) -> Advice:
    """About the occurrence `row` of the schedule `schedule`, whose attempts are these."""
    ended = row.status not in GOING_ON
    again = ended and row.due_count == 1 and not schedule.orphaned
    completed = {one.job_name for one in attempts if one.status == Status.COMPLETED}
    resume = again and row.status in ENDED_BADLY and bool(completed)
    cancel = not ended and row.cancel_requested_at is None
    return Advice(
        tuple(_next(row, schedule, attempts, now)),
        tuple(_can(row, schedule, attempts, cancel=cancel, again=again, resume=resume)),
        cancel,
        again,
        resume,
    )


def _next(row: Any, schedule: Any, attempts: Sequence[Any], now: datetime) -> Iterator[Cause]:
    if row.status == Status.RUNNING:
        yield from _while_running(row, attempts)
        return
    if row.status == Status.QUEUED:
        return
    if row.status == Status.INTERRUPTED and row.reason == Reason.HOLDER_LOST and row.finished_at:
        yield Cause("last_sign", f"the last sign of life came at {instant(row.finished_at)}")
    yield from _not_again(row, schedule.definition)
    if schedule.orphaned:
        yield Cause("orphaned", "its schedule is no longer in the code, and never runs")
    elif not schedule.enabled:
        yield Cause("disabled", "its schedule is off: nothing of it is due")
    elif schedule.next_run_at is not None and schedule.next_run_at > now:
        yield Cause("due", f"the schedule is due next at {instant(schedule.next_run_at)}")


def _while_running(row: Any, attempts: Sequence[Any]) -> Iterator[Cause]:
    if row.cancel_requested_at is not None:
        asked = f"{row.cancel_requested_by} asked at {instant(row.cancel_requested_at)} to cancel it"
        yield Cause("cancelling", f"{asked}: the daemon interrupts the job as soon as it hears of it")
    ended = {one.job_name for one in attempts} - {one.job_name for one in attempts if one.status in GOING_ON}
    going = next((one for one in reversed(attempts) if one.status == Status.RUNNING), None)
    of = f"{len(ended)} of {row.jobs_total} jobs have ended" if row.jobs_total else ""
    runs = f"{going.job_name} (run {going.id}) runs now" if going is not None else ""
    if of or runs:
        yield Cause("progress", "; ".join(part for part in (of, runs) if part))


def _not_again(row: Any, definition: Mapping[str, Any]) -> Iterator[Cause]:
    """Why nobody runs it once more by itself."""
    if row.status == Status.INTERRUPTED and row.cancel_requested_at is None:
        once = definition.get("rerun_interrupted")
        why = "it had its one more chance" if once else "`rerun_interrupted` is off"
        yield Cause("not_again", f"it is not run again, because {why}")
    elif row.status == Status.SKIPPED and row.reason == Reason.DAEMON_DOWN:
        policy = definition.get("missed", "skip")
        yield Cause("not_caught_up", f'it is not caught up, because the schedule says `missed="{policy}"`')
    elif row.status == Status.SKIPPED and row.reason == Reason.OVERLAP:
        policy = definition.get("overlap", "skip")
        yield Cause("not_caught_up", f'it is not made up for, because the schedule says `overlap="{policy}"`')
    elif row.status in (*RETRIED, Status.CANCELLED):
        yield Cause("not_again", "it is not run again by itself")


def _can(
    row: Any, schedule: Any, attempts: Sequence[Any], *, cancel: bool, again: bool, resume: bool
) -> Iterator[Cause]:
    if cancel:
        waits = row.status == Status.QUEUED
        what = "then it does not run" if waits else "the job that runs is interrupted, the others are skipped"
        yield Cause("cancel", f"you can cancel it: {what}")
    if resume:
        failed = _first_trouble(attempts)
        start = f"from {failed} on" if failed else "from what did not complete on"
        yield Cause(
            "resume", f"you can run it again, all of it or {start}: what completed is not repeated then"
        )
    elif again and row.status != Status.COMPLETED:
        yield Cause("run_again", "you can run it now")
    if row.due_count > 1 and not schedule.orphaned:
        yield Cause("run_one", "you can run any one of these instants now")
    if schedule.orphaned:
        yield Cause("put_back", "put the schedule back into the code to run it again")


def _first_trouble(attempts: Sequence[Any]) -> str | None:
    """The first job whose newest attempt did not do."""
    newest = {one.job_name: one for one in attempts}
    return next((name for name, one in newest.items() if one.status in ENDED_BADLY), None)
