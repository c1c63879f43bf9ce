"""The other side of the throughput on a server: the same rows by nothing but psycopg or pymysql.

It is `benchmarks.raw_sqlite` once more, in the server's words: it finds the same tables, indexes and due
schedules as our daemon, and leaves the same rows. Either in the same transactions, folded; or with each
statement a commit of its own (autocommit), which is what a program is that does not think of transactions.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import make_url

from benchmarks.raw_sqlite import INTERVAL, LEASE, MILLISECOND, no_op

SCHEDULES = "SELECT id, next_run_at, definition_hash, definition FROM job_schedule ORDER BY id"
LOCK = """
    UPDATE job_schedule SET locked_at = %s, locked_by = %s, lock_expires_at = %s, next_run_at = %s,
        last_run_at = %s, run_count = run_count + 1, skipped_count = skipped_count + 0, updated_at = %s
    WHERE id = %s AND enabled = true AND next_run_at = %s AND definition_hash = %s AND locked_at IS NULL"""
ADD_OCCURRENCE = """
    INSERT INTO occurrence (schedule_id, due_at, due_until, due_count, unique_key, {trigger}, status,
        worker_id, started_at, jobs_total, jobs_completed, jobs_failed, jobs_skipped)
    VALUES (%s, %s, %s, 1, %s, 'CRON', 'RUNNING', %s, %s, %s, 0, 0, 0){returning}"""
ADD_RUN = """
    INSERT INTO job_run (occurrence_id, schedule_id, job_name, tenant, attempt, {trigger}, status, queued_at,
        started_at, worker_id)
    VALUES (%s, %s, %s, '', 1, 'CRON', 'RUNNING', %s, %s, %s){returning}"""
FINISH_RUN = "UPDATE job_run SET status = 'COMPLETED', finished_at = %s, duration_ms = %s WHERE id = %s"
FINISH = """
    UPDATE occurrence SET status = 'COMPLETED', finished_at = %s, jobs_completed = %s
    WHERE id = %s AND worker_id = %s AND status = 'RUNNING'"""
RELEASE = """
    UPDATE job_schedule SET locked_at = NULL, locked_by = NULL, lock_expires_at = NULL,
        last_status = 'COMPLETED', failure_count = failure_count + 0, consecutive_failures = 0,
        updated_at = %s
    WHERE id = %s AND locked_by = %s"""


class Program:
    """One connection; each group of statements is a transaction, if they are folded."""

    def __init__(self, url: str, folded: bool) -> None:
        self.postgresql = url.startswith("postgresql")
        self.connection = _connection(url, self.postgresql)
        self.cursor = self.connection.cursor()
        self.folded = folded
        self.me = str(uuid4())
        trigger, returning = ("trigger", " RETURNING id") if self.postgresql else ("`trigger`", "")
        self.add_occurrence = ADD_OCCURRENCE.format(trigger=trigger, returning=returning)
        self.add_run = ADD_RUN.format(trigger=trigger, returning=returning)

    def now(self) -> datetime:
        return self.stored(datetime.now(UTC))

    def stored(self, moment: datetime) -> datetime:
        """As the column type UtcDateTime hands it to the driver."""
        return moment if self.postgresql else moment.replace(tzinfo=None)

    def schedules(self) -> list[tuple[str, datetime, str, list[str]]]:
        self.cursor.execute(SCHEDULES)
        return [
            (schedule_id, due_at.replace(tzinfo=UTC), definition_hash, _jobs(definition))
            for schedule_id, due_at, definition_hash, definition in self.cursor.fetchall()
        ]

    def run(self, schedule_id: str, due: datetime, definition_hash: str, jobs: list[str]) -> None:
        self.begin()
        occurrence_id = self.claim(schedule_id, due, definition_hash, len(jobs))
        started, run_id = self.start(occurrence_id, schedule_id, jobs[0])
        self.commit()
        no_op()
        for name in jobs[1:]:
            self.begin()
            self.finish(run_id, started)
            started, run_id = self.start(occurrence_id, schedule_id, name)
            self.commit()
            no_op()
        self.begin()
        self.finish(run_id, started)
        now = self.now()
        self.cursor.execute(FINISH, (now, len(jobs), occurrence_id, self.me))
        self.cursor.execute(RELEASE, (now, schedule_id, self.me))
        self.commit()

    def claim(self, schedule_id: str, due: datetime, definition_hash: str, jobs: int) -> int:
        now, due_at, following = self.now(), self.stored(due), self.stored(due + INTERVAL)
        lock = (now, self.me, now + LEASE, following, now, now, schedule_id, due_at, definition_hash)
        self.cursor.execute(LOCK, lock)
        assert self.cursor.rowcount == 1
        key = f"{schedule_id}@{due:%Y-%m-%dT%H:%M:%S.%fZ}"
        self.cursor.execute(self.add_occurrence, (schedule_id, due_at, due_at, key, self.me, now, jobs))
        return self.new_id()

    def start(self, occurrence_id: int, schedule_id: str, name: str) -> tuple[datetime, int]:
        now = self.now()
        self.cursor.execute(self.add_run, (occurrence_id, schedule_id, name, now, now, self.me))
        return now, self.new_id()

    def finish(self, run_id: int, started: datetime) -> None:
        now = self.now()
        self.cursor.execute(FINISH_RUN, (now, (now - started) // MILLISECOND, run_id))

    def new_id(self) -> int:
        return int(self.cursor.fetchone()[0] if self.postgresql else self.cursor.lastrowid)

    def begin(self) -> None:
        if self.folded:
            self.cursor.execute("BEGIN")

    def commit(self) -> None:
        if self.folded:
            self.cursor.execute("COMMIT")


def _connection(url: str, postgresql: bool) -> Any:
    parts = make_url(url)
    where: dict[str, Any] = {"host": parts.host, "user": parts.username, "password": parts.password or ""}
    if parts.port is not None:
        where["port"] = parts.port
    if postgresql:
        import psycopg

        return psycopg.connect(autocommit=True, dbname=parts.database, options="-c TimeZone=UTC", **where)
    import pymysql

    return pymysql.connect(autocommit=True, database=parts.database, **where)


def _jobs(definition: Any) -> list[str]:
    told = json.loads(definition) if isinstance(definition, str) else definition
    return list(told["jobs"])


def main(url: str, rounds: int, folded: bool) -> None:
    """Run every schedule of that database so many times."""
    program = Program(url, folded)
    schedules = program.schedules()
    began = time.perf_counter()
    for turn in range(rounds):
        for schedule_id, first_due, definition_hash, jobs in schedules:
            program.run(schedule_id, first_due + turn * timedelta(seconds=10), definition_hash, jobs)
    seconds = time.perf_counter() - began
    program.connection.close()
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "folded")
