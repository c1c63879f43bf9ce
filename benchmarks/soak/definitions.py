"""A hundred schedules of every kind, due every few seconds; the soak copies this file as its schedules.py."""

import asyncio
import os
import time
from typing import Any

from scheduled import JobContext, Schedule, SkipJob, command, job

COUNT = int(os.environ.get("SOAK_SCHEDULES", "100"))
EDITION = 0
"""Replaced by the soak before it reloads: a name, an interval change, one schedule goes or comes back."""


def note(ctx: JobContext) -> None:
    """One line for each attempt that began, by a single write: the proof that none began twice."""
    line = f"{ctx.occurrence_id} {ctx.job_name} {ctx.attempt}\n"
    descriptor = os.open("began.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


@job(group="quick")
def quick(ctx: JobContext) -> dict[str, Any]:
    note(ctx)
    return {"due": ctx.due_at.isoformat()}


@job(group="chain")
def first(ctx: JobContext) -> int:
    note(ctx)
    print("the first of two")
    return ctx.occurrence_id


@job(group="chain", depends_on=["first"])
def second(ctx: JobContext) -> None:
    note(ctx)
    assert ctx.results["first"] == ctx.occurrence_id


@job(group="flaky", retries=2, retry_backoff=0.05)
def flaky(ctx: JobContext) -> None:
    note(ctx)
    if ctx.occurrence_id % 3 != ctx.attempt % 3:
        raise RuntimeError(f"attempt {ctx.attempt} does not succeed")


@job(group="flaky", depends_on=["flaky"])
def after_flaky(ctx: JobContext) -> None:
    note(ctx)


@job(group="skips")
def skips(ctx: JobContext) -> None:
    note(ctx)
    raise SkipJob("nothing to do")


@job(group="waits")
async def waits(ctx: JobContext) -> None:
    note(ctx)
    await asyncio.sleep(0.02)


@job(group="slow", timeout=0.3)
def slow(ctx: JobContext) -> None:
    note(ctx)
    time.sleep(0.2 if ctx.occurrence_id % 4 else 5)


@job(group="apart", isolation="process")
def apart(ctx: JobContext) -> None:
    note(ctx)


shell = command("shell", "echo a line from the shell", group="shell")

POLICIES: list[dict[str, Any]] = [
    {},
    {"missed": "run_latest"},
    {"missed": "run_all", "catch_up_limit": 5},
    {"overlap": "run_latest"},
    {"overlap": "run_all", "catch_up_limit": 3},
    {"start_deadline": 2},
    {"rerun_interrupted": True},
]
KINDS = (("quick", 3), ("chain", 5), ("flaky", 10), ("skips", 7), ("waits", 10), ("quick", 4))
CRONS = ("* * * * *", "*/2 0-23 * * MON-SUN", "@hourly", "* * 1-31 JAN-DEC *")
RARE = (("slow", 20), ("apart", 30), ("shell", 30))


def _schedule(number: int) -> Schedule:
    rare = number % 20 < len(RARE)
    group, seconds = RARE[number % 20] if rare else KINDS[number % len(KINDS)]
    every = seconds + number % 5 + (EDITION % 3 if number == 1 else 0)
    what: dict[str, Any] = {"mode": "GROUP", "group": group}
    if group in ("quick", "skips", "shell"):  # they are of one job each
        what = {"mode": "JOBS", "jobs": [group]}
    return Schedule(
        id=f"soak-{number:03}",
        name=f"{group} {EDITION}" if number == 0 else group,
        cron=CRONS[number % len(CRONS)] if number % 12 == 11 else f"every {every} seconds",
        timezone="Europe/Berlin" if number % 2 else "UTC",
        **what,
        enabled_by_default=number % 50 != 49,
        missed_grace=2,
        **POLICIES[number % len(POLICIES)],
    )


schedules = [_schedule(number) for number in range(COUNT) if number != 2 or EDITION % 2 == 0]
