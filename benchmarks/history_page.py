"""The page of the newest 50 runs, by the query of `scheduled history`, in a history of 1,000,000 job runs."""

import sqlite3
import statistics
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure, Options, at_most
from scheduled.store.database import Database
from scheduled.store.reads import Wanted, history
from scheduled.store.schema import prepare

ROWS, TIMES = 1_000_000, 20
SCHEDULES, JOBS = 20, 10
BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
LIMIT_MS = 10

ADD_SCHEDULE = """
    INSERT INTO job_schedule (id, source, definition, definition_hash, enabled, orphaned, ledger_from,
        run_count, failure_count, skipped_count, consecutive_failures, created_at, updated_at)
    VALUES (?, 'code', '{}', '', 1, 0, ?, 0, 0, 0, 0, ?, ?)"""
ADD_OCCURRENCE = """
    INSERT INTO occurrence (id, schedule_id, due_at, due_until, due_count, unique_key, trigger, status,
        worker_id, started_at, finished_at, jobs_total, jobs_completed, jobs_failed, jobs_skipped)
    VALUES (?, ?, ?, ?, 1, ?, 'CRON', ?, ?, ?, ?, ?, ?, ?, 0)"""
ADD_RUN = """
    INSERT INTO job_run (id, occurrence_id, schedule_id, job_name, tenant, attempt, trigger, status,
        queued_at, started_at, finished_at, duration_ms, worker_id)
    VALUES (?, ?, ?, ?, '', 1, 'CRON', ?, ?, ?, ?, 800, ?)"""
WORKER = "0b6f6d8e-5f0f-4a53-9a3e-3f3f4f0f2d11"


def measure(options: Options) -> list[Figure]:
    rows = options.scaled(ROWS, least=1000)
    file = options.folder / "history.db"
    last = filled(file, rows)
    database = Database(f"sqlite:///{file}")
    pages = {
        "newest 50": Wanted(),
        "of a schedule": Wanted(schedule_id="schedule-07"),
        "of a job": Wanted(job_name="job-3"),
        "of a status": Wanted(statuses=("FAILED",)),
        "of two statuses": Wanted(statuses=("FAILED", "COMPLETED")),
        "of a schedule and status": Wanted(schedule_id="schedule-07", statuses=("FAILED",)),
        "of a status never had": Wanted(statuses=("CANCELLED",)),
        "of a schedule, a status never had": Wanted(schedule_id="schedule-07", statuses=("CANCELLED",)),
        "of the last week": Wanted(since=last - timedelta(days=7)),
        "of an hour without runs": Wanted(since=last + timedelta(hours=1)),
    }
    figures = [_page(name, database, wanted, rows) for name, wanted in pages.items()]
    database.close()
    return figures


def _page(name: str, database: Database, wanted: Wanted, rows: int) -> Figure:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        found = len(history(database, wanted))
        took.append(1000 * (time.perf_counter() - began))
    note = f"{found} of {rows:,} job runs; median of {TIMES}, best {min(took):.2g} ms"
    # Where no run is recent, all are looked at: no index has the order of their ends. Told, and not judged.
    target = None if wanted.since is not None and found == 0 else at_most(LIMIT_MS)
    return Figure(f"history page: {name}", statistics.median(took), "ms", target, note=note)


def filled(file: Path, rows: int) -> datetime:
    """Write a history: twenty schedules of ten jobs, some with a failure; its last instant."""
    database = Database(f"sqlite:///{file}", create=True)
    prepare(database, auto_migrate=True)
    database.close()
    occurrences = range(1, rows // JOBS + 1)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        now = _text(BEGIN)
        connection.executemany(ADD_SCHEDULE, ((_schedule(n), now, now, now) for n in range(SCHEDULES)))
        connection.executemany(ADD_OCCURRENCE, map(_occurrence, occurrences))
        connection.executemany(ADD_RUN, (_run(number, job) for number in occurrences for job in range(JOBS)))
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return _due(occurrences[-1])


def _occurrence(number: int) -> tuple[object, ...]:
    schedule_id, due = _schedule(number), _text(_due(number))
    failed = int(_fails(number, 0))
    status = "FAILED" if failed else "COMPLETED"
    key = f"{schedule_id}@{due}"
    return (number, schedule_id, due, due, key, status, WORKER, due, due, JOBS, JOBS - failed, failed)


def _run(number: int, job: int) -> tuple[object, ...]:
    started = _text(_due(number) + timedelta(seconds=job))
    finished = _text(_due(number) + timedelta(seconds=job, milliseconds=800))
    status = "FAILED" if _fails(number, job) else "COMPLETED"
    run_id = (number - 1) * JOBS + job + 1
    return (run_id, number, _schedule(number), f"job-{job}", status, started, started, finished, WORKER)


def _fails(number: int, job: int) -> bool:
    return number % 49 == 0 and job == 0


def _due(number: int) -> datetime:
    return BEGIN + timedelta(minutes=5 * number)


def _schedule(number: int) -> str:
    return f"schedule-{number % SCHEDULES:02}"


def _text(moment: datetime) -> str:
    return moment.isoformat(" ", "microseconds")[:26]
