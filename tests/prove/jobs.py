"""Definitions for proofs: jobs that note when they began and when they ended, and schedules in a line."""

from typing import Any

NOTE = """
import os, signal, subprocess, sys, time
from pathlib import Path
from scheduled import JobContext, Schedule, command, job

def note(ctx, what):
    with open("notes", "a") as file:
        file.write(f"{ctx.occurrence_id} {ctx.job_name} {ctx.attempt} {what}\\n")
"""
"""How definitions begin whose jobs note that they began and that they ended."""

THREE_JOBS = """
@job(group="three")
def gather(ctx: JobContext) -> int:
    note(ctx, "began")
    note(ctx, "ended")
    return 1

@job(group="three", depends_on=["gather"], retries=1, retry_backoff=0)
def sift(ctx: JobContext) -> None:
    note(ctx, "began")
    if ctx.attempt == 1:
        raise ValueError("try again")
    note(ctx, "ended")

@job(group="three", depends_on=["sift"])
def ship(ctx: JobContext) -> None:
    note(ctx, "began")
    note(ctx, "ended")
"""

CHILDREN = """
tell = "echo $SCHEDULED_OCCURRENCE_ID nap $SCHEDULED_ATTEMPT"
nap = command("nap", f"{tell} began >> notes; (sleep 60 &) ; sleep 0.05; {tell} ended >> notes")

@job(isolation="process", depends_on=["nap"])
def apart(ctx: JobContext) -> None:
    note(ctx, "began")
    subprocess.Popen(["sleep", "60"])
    note(ctx, "ended")
"""
NEVER = "0 0 1 1 *"
SLEEPER = """
@job
def nap(ctx: JobContext) -> None:
    note(ctx, "began")
    time.sleep(120)
    note(ctx, "ended")
"""
ONE_JOB = """
@job
def work(ctx: JobContext) -> None:
    note(ctx, "began")
    note(ctx, "ended")
"""
SILENT_JOB = """
@job
def work() -> str:
    return "done"
"""
ENDING = """
@job
def first(ctx: JobContext) -> None:
    note(ctx, "began")
    note(ctx, "ended")

@job(depends_on=["first"])
def stopped(ctx: JobContext) -> None:
    note(ctx, "began")
    if ctx.attempt == 1:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    note(ctx, "ended")

@job(depends_on=["stopped"])
def unreached(ctx: JobContext) -> None:
    note(ctx, "began")
    note(ctx, "ended")
"""


def definitions(jobs: str, schedules: str) -> str:
    """The source of a schedules.py."""
    return f"{NOTE}{jobs}\nschedules = [{schedules}]\n"


def schedule(id: str, cron: str = "0 12 * * *", **options: Any) -> str:
    """The source of a schedule that is switched on."""
    given = {"id": id, "name": id, "cron": cron, "enabled_by_default": True} | options
    return f"Schedule({', '.join(f'{name}={value!r}' for name, value in given.items())}),"
