"""The other side of the throughput: the same rows by nothing but sqlite3, for what the machine allows.

It finds in the database file what our daemon finds: the tables and indexes of `scheduled.tables`, and the
schedules, due at two o'clock and then (if there is more than one round) every ten seconds. It writes what
our daemon writes, column for column, in the same transactions, folded:

1. claim, the occurrence, and the first job's run as RUNNING;
2. the end of one job's run and the start of the next, for each job but the last;
3. the end of the last run, the occurrence's outcome, the counters and the release of the lock.

Only that our daemon makes the third of one occurrence and the first of the next one transaction, where the
next is due already.

The pragmas are those of `scheduled.store.database`, cache and page size are SQLite's own on both sides, and
the statements are prepared once (sqlite3 keeps them by their text). It has no rival, so it needs no fence,
and it knows beforehand what is due: finding that out, planning, capturing and logging are what our side does
besides.
"""

import json
import sqlite3
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "wal_autocheckpoint=8000")
SCHEDULES = "SELECT id, next_run_at, definition_hash, definition FROM job_schedule ORDER BY id"
LOCK = """
    UPDATE job_schedule SET locked_at = ?, locked_by = ?, lock_expires_at = ?, next_run_at = ?,
        last_run_at = ?, run_count = run_count + 1, skipped_count = skipped_count + 0, updated_at = ?
    WHERE id = ? AND enabled = 1 AND next_run_at = ? AND definition_hash = ? AND locked_at IS NULL"""
ADD_OCCURRENCE = """
    INSERT INTO occurrence (schedule_id, due_at, due_until, due_count, unique_key, trigger, status, worker_id,
        started_at, jobs_total, jobs_completed, jobs_failed, jobs_skipped)
    VALUES (?, ?, ?, 1, ?, 'CRON', 'RUNNING', ?, ?, ?, 0, 0, 0)"""
ADD_RUN = """
    INSERT INTO job_run (occurrence_id, schedule_id, job_name, tenant, attempt, trigger, status, queued_at,
        started_at, worker_id)
    VALUES (?, ?, ?, '', 1, 'CRON', 'RUNNING', ?, ?, ?)"""
FINISH_RUN = "UPDATE job_run SET status = 'COMPLETED', finished_at = ?, duration_ms = ? WHERE id = ?"
FINISH = """
    UPDATE occurrence SET status = 'COMPLETED', finished_at = ?, jobs_completed = ?
    WHERE id = ? AND worker_id = ? AND status = 'RUNNING'"""
RELEASE = """
    UPDATE job_schedule SET locked_at = NULL, locked_by = NULL, lock_expires_at = NULL,
        last_status = 'COMPLETED', failure_count = failure_count + 0, consecutive_failures = 0, updated_at = ?
    WHERE id = ? AND locked_by = ?"""
MILLISECOND, INTERVAL = timedelta(milliseconds=1), timedelta(seconds=10)
LEASE = timedelta(minutes=5)


def text(moment: datetime) -> str:
    """As the column type UtcDateTime stores it."""
    return moment.isoformat(" ", "microseconds")[:26]


def no_op() -> None:
    """The job."""


class Program:
    """One connection, and the three transactions."""

    def __init__(self, file: str) -> None:
        self.connection = sqlite3.connect(file, isolation_level=None)
        for pragma in PRAGMAS:
            self.connection.execute(f"PRAGMA {pragma}")
        self.cursor = self.connection.cursor()
        self.me = str(uuid4())

    def run(self, schedule_id: str, due: datetime, definition_hash: str, jobs: list[str]) -> None:
        occurrence_id = self.claim(schedule_id, due, definition_hash, len(jobs))
        started, run_id = self.start(occurrence_id, schedule_id, jobs[0])
        self.cursor.execute("COMMIT")
        no_op()
        for name in jobs[1:]:
            self.cursor.execute("BEGIN IMMEDIATE")
            self.finish(run_id, started)
            started, run_id = self.start(occurrence_id, schedule_id, name)
            self.cursor.execute("COMMIT")
            no_op()
        self.cursor.execute("BEGIN IMMEDIATE")
        self.finish(run_id, started)
        now = text(datetime.now(UTC))
        self.cursor.execute(FINISH, (now, len(jobs), occurrence_id, self.me))
        self.cursor.execute(RELEASE, (now, schedule_id, self.me))
        self.cursor.execute("COMMIT")

    def claim(self, schedule_id: str, due: datetime, definition_hash: str, jobs: int) -> int:
        moment = datetime.now(UTC)
        now, expires, due_at, following = map(text, (moment, moment + LEASE, due, due + INTERVAL))
        self.cursor.execute("BEGIN IMMEDIATE")
        lock = (now, self.me, expires, following, now, now, schedule_id, due_at, definition_hash)
        assert self.cursor.execute(LOCK, lock).rowcount == 1
        key = f"{schedule_id}@{due:%Y-%m-%dT%H:%M:%S.%fZ}"
        occurrence = (schedule_id, due_at, due_at, key, self.me, now, jobs)
        return int(self.cursor.execute(ADD_OCCURRENCE, occurrence).lastrowid or 0)

    def start(self, occurrence_id: int, schedule_id: str, name: str) -> tuple[datetime, int]:
        moment = datetime.now(UTC)
        now = text(moment)
        run = (occurrence_id, schedule_id, name, now, now, self.me)
        return moment, int(self.cursor.execute(ADD_RUN, run).lastrowid or 0)

    def finish(self, run_id: int, started: datetime) -> None:
        moment = datetime.now(UTC)
        self.cursor.execute(FINISH_RUN, (text(moment), (moment - started) // MILLISECOND, run_id))


def main(file: str, rounds: int, laps: int) -> None:
    """Run every schedule of that database so many times; tell how long each of so many laps took."""
    program = Program(file)
    schedules = [
        (schedule_id, datetime.fromisoformat(due_at), definition_hash, json.loads(definition)["jobs"])
        for schedule_id, due_at, definition_hash, definition in program.connection.execute(SCHEDULES)
    ]
    moments = [time.perf_counter()]
    for turn in range(rounds):
        for schedule_id, first_due, definition_hash, jobs in schedules:
            program.run(schedule_id, first_due + turn * INTERVAL, definition_hash, jobs)
        if (turn + 1) % (rounds // laps) == 0:
            moments.append(time.perf_counter())
    program.connection.close()
    print(json.dumps({"laps": [after - before for before, after in pairwise(moments)]}))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
