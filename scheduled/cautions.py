"""What loads, but may do something else than its author thinks: told before it happens. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise

from scheduled.definitions import Job, Policy, Schedule
from scheduled.expressions import Expression, parse
from scheduled.grammar import Cron, read
from scheduled.phrases import lasting
from scheduled.registry import Registry
from scheduled.steps import uneven_steps
from scheduled.walltime import EPOCH, Change, changes

HORIZON = timedelta(days=550)
"""How far ahead clock changes are looked for: some 18 months, so that no season makes a warning go away."""
YEAR = timedelta(days=366)
INSTANTS = 500
"""How many due instants are looked at to find the two that are nearest to each other."""
NAMED = 3
"""How many times of day a sentence names."""

MEANWHILE: Mapping[Policy, str] = {
    "skip": "what is due while it runs is skipped (overlap)",
    "run_latest": "of what is due while it runs only the newest runs, afterwards",
    "run_all": "what is due while it runs waits in a queue",
}
"""What becomes of instants at which a schedule is due while it runs, by its overlap policy."""

Told = tuple[str, str]
"""A stable code, and a sentence."""


@dataclass(frozen=True)
class Caution:
    """One thing that may surprise: `message` says what will happen, and what to do if that is not meant.

    It is about a schedule or a job; `code` is stable.
    """

    where: str
    code: str
    message: str
    schedule: str | None = None
    job: str | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


def cautions(registry: Registry, now: datetime, typical_seconds: Mapping[str, float]) -> list[Caution]:
    """Everything worth a second look: schedules first, then jobs, each in the order of definition.

    `typical_seconds` says how long a run of each job has been taking, as far as that is known.
    """
    found = []
    for schedule in registry.schedules.values():
        taken = sum(typical_seconds.get(name, 0.0) for name in registry.order_of(schedule))
        for code, message in _of_schedule(schedule, now, taken):
            found.append(Caution(schedule.where, code, message, schedule=schedule.id))
    for job in unscheduled(registry):
        message = "no schedule runs it: name it (or its group) in one, or remove it"
        found.append(Caution(f"{job.where} job {job.name!r}", "unscheduled_job", message, job=job.name))
    return found


def unscheduled(registry: Registry) -> list[Job]:
    """The jobs that no schedule runs, of whatever environment, not even as another job's dependency."""
    run = {name for schedule in registry.schedules.values() for name in registry.order_of(schedule)}
    return [job for job in registry.jobs.values() if job.name not in run]


def _of_schedule(schedule: Schedule, now: datetime, taken: float) -> Iterator[Told]:
    meaning = read(schedule.expression.text)
    yield from _clock_changes(schedule.expression, now)
    if isinstance(meaning, Cron):
        yield from _two_day_fields(meaning, schedule.expression)
        in_a_row = _days_in_a_row(meaning, now)
        yield from (("uneven_step", told) for told in uneven_steps(meaning, days_in_a_row=in_a_row))
    yield from _due_too_often(schedule, now, taken)


# ── a fixed time that the clock skips or repeats ──────────────────────────────────────────────────────────


def _clock_changes(expression: Expression, now: datetime) -> Iterator[Told]:
    """The next change that skips a fixed time of it, and the next one that repeats one."""
    meaning = read(expression.text)
    fixed = not meaning.wild if isinstance(meaning, Cron) else meaning.unit in ("day", "week")
    if not fixed:
        return
    told = set()
    for change in changes(expression.zone, _second(now), _second(now + HORIZON)):
        times = _wall_times(expression, *sorted((change.before, change.after)))
        code = "clock_skips" if change.after > change.before else "clock_repeats"
        if times and code not in told:
            told.add(code)
            happens = _skipped if code == "clock_skips" else _repeated
            yield code, f"{happens(expression, change, times)}. {_remedy(meaning, change)}"


def _skipped(expression: Expression, change: Change, times: list[datetime]) -> str:
    does, it, runs = ("does", "it", "runs") if len(times) == 1 else ("do", "they", "run")
    told = f"{_named(times)} {does} not exist on {_day_in(expression, times)}: {it}"
    if change.is_correction:
        return f"{told} {does} not run then, for cron does not catch up with so large a change"
    end = -(-change.after // 60) * 60
    together = "" if len(times) == 1 else ", all together"
    if _wall_times(expression, end, end + 60):
        together = f", as one with the run of {_clock(end)}"
    return f"{told} {runs} once then, at {_clock(end)}{together}"


def _repeated(expression: Expression, change: Change, times: list[datetime]) -> str:
    comes, it, runs = ("comes", "it", "runs") if len(times) == 1 else ("come", "they", "run")
    which = "both times" if change.is_correction else "the first time only"
    return f"{_named(times)} {comes} twice on {_day_in(expression, times)}: {it} {runs} {which}"


def _remedy(meaning: object, change: Change) -> str:
    if change.is_correction:
        return "Look after that day yourself, or use the time zone UTC"
    if not isinstance(meaning, Cron):
        return "To keep clear of it, write another time of day as cron, or use the time zone UTC"
    low, high = (_clock(wall) for wall in sorted((change.before, change.after)))
    safe = [f"before {low}"] * (low != "00:00") + [f"from {high} on"] * (high != "00:00")
    return f"To keep clear of it, choose a time {' or '.join(safe)}"


def _wall_times(expression: Expression, first: int, stop: int) -> list[datetime]:
    """What it names on a wall clock that never changes, from `first` up to, not including, `stop`."""
    unchanging = parse(expression.text, "UTC")
    return list(unchanging.between(_instant(first - 1), _instant(stop - 1)))


def _named(times: list[datetime]) -> str:
    """'02:00'; '02:00 and 02:30'; '02:00, 02:01, 02:02 and 57 more'."""
    names = [f"{time:%H:%M}" for time in times]
    if len(names) > NAMED + 1:
        names = [*names[:NAMED], f"{len(names) - NAMED} more"]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _day_in(expression: Expression, times: list[datetime]) -> str:
    return f"{times[0]:%Y-%m-%d} in {expression.timezone}"


def _clock(wall: int) -> str:
    return f"{_instant(wall):%H:%M}"


# ── fields that mean something else together ──────────────────────────────────────────────────────────────


def _two_day_fields(cron: Cron, expression: Expression) -> Iterator[Told]:
    day, weekday = len(cron.day_of_month.values) < 31, len(cron.day_of_week.values) < 7
    told = "day of month and day of week are both restricted, and"
    either = f"{told} neither begins with '*': for cron either is enough"
    if cron.days_anded and day and weekday:
        message = f"{told} one begins with '*': cron then wants both to match ({expression.describe()})"
        yield "both_days", f"{message}. If either should be enough, write that one as a list or a range"
    elif not cron.days_anded and day and weekday:
        remedy = "write one of them as '*', and let the job skip itself (SkipJob) on the wrong days"
        yield "either_day", f"{either} ({expression.describe()}). If both should match, {remedy}"
    elif not cron.days_anded and (day or weekday):
        every, other = ("day of week", "day of month") if day else ("day of month", "day of week")
        message = f"{either}, and as {every} is every day, it runs every day"
        yield "either_day", f"{message}. If {other} should decide, write {every} as '*'"


def _days_in_a_row(cron: Cron, now: datetime) -> bool:
    """Whether it runs on two days, within a year, that follow each other."""
    fields = f"0 0 {cron.day_of_month.text} {cron.month.text} {cron.day_of_week.text}"
    days = parse(fields).between(now, now + YEAR)
    return any(later - day == timedelta(days=1) for day, later in pairwise(days))


# ── a schedule that catches up with itself ────────────────────────────────────────────────────────────────


def _due_too_often(schedule: Schedule, now: datetime, taken: float) -> Iterator[Told]:
    """By a wall clock that never changes: what a clock change does is told elsewhere."""
    unchanging = parse(schedule.expression.text, "UTC")
    instants = islice(unchanging.between(now, now + YEAR), INSTANTS if taken else 0)
    distances = {(later - due).total_seconds() for due, later in pairwise(instants)}
    least = min(distances, default=taken)
    if taken <= least:
        return
    took, soon = (lasting(timedelta(seconds=seconds)) for seconds in (taken, least))
    again = "every" if len(distances) == 1 else "again after as little as"
    message = f"its jobs have been taking {took} together, but it is due {again} {soon}"
    yield "due_too_often", f"{message}: {MEANWHILE[schedule.overlap]}. Let it be due less often, or split it"


def _second(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


def _instant(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)
