"""What an idle daemon takes: memory, against a bare process with the same libraries; and processor time.

The daemon is at its second start (the schema exists) and has ten schedules, none of them due. The bare
process imports what ours is made of, and holds ten APScheduler jobs.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.figures import Figure, Options, at_most
from benchmarks.place import Place

SETTLED, MEMORY_AT, END = 5, 10, 65
"""Seconds after the start: from when processor time counts, when memory is read, until when time counts."""
DEFINITIONS = """
from datetime import UTC, datetime, timedelta
from scheduled import Schedule, job

@job
def no_op():
    pass

hour = (datetime.now(UTC) + timedelta(hours=6)).hour
schedules = [
    Schedule(id=f"nightly-{number}", name="Nightly", cron=f"{number} {hour} * * *", enabled_by_default=True)
    for number in range(10)
]
"""
BARE = """
import time
import apscheduler, click, croniter, pythonjsonlogger.json, sqlmodel
from apscheduler.schedulers.background import BackgroundScheduler

scheduler = BackgroundScheduler()
for number in range(10):
    scheduler.add_job(print, "interval", hours=24, id=str(number))
scheduler.start()
while True:
    time.sleep(60)
"""


def measure(options: Options) -> list[Figure]:
    place = Place(options.folder, DEFINITIONS)
    place.start_once()
    with _bare(options.folder) as bare, place.daemon() as daemon:
        ours = psutil.Process(daemon.pid)
        began = time.monotonic()
        _sleep_until(began + SETTLED * options.scale)
        settled = _processor_seconds(ours)
        _sleep_until(began + MEMORY_AT * options.scale)
        memory, limit = ours.memory_full_info(), bare.memory_full_info()
        _sleep_until(began + END * options.scale)
        used = (_processor_seconds(ours) - settled) / options.scale
    ran = place.value("SELECT COUNT(*) FROM job_run")
    private = f"of it private (USS): {memory.uss / 2**20:.1f} MiB / {limit.uss / 2**20:.1f} MiB"
    return [
        Figure("idle: resident memory", memory.rss / 2**20, "MiB", at_most(1.12), limit.rss / 2**20, private),
        Figure(
            "idle: processor time in a minute", used, "s", at_most(0.12), note=f"{ran} jobs ran meanwhile"
        ),
    ]


@contextmanager
def _bare(folder: Path) -> Iterator[psutil.Process]:
    process = subprocess.Popen([sys.executable, "-c", BARE], cwd=folder)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()


def _processor_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
