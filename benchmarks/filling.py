"""A database with a long history, made by the database itself: the same rows on every kind.

The first schedule is stored as a daemon stores it, and all others are like it. Half of the occurrences belong
to the first ten schedules, one of which is due every 15 seconds; the others are spread over all schedules.
Each occurrence ran ten jobs, the first of which left an output; in one of 49 that job failed. The last one
was due at `LAST`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scheduled.definitions import Job, Schedule
from scheduled.registry import Registry
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.schema import prepare
from scheduled.switching import Switcher

LAST = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)
STEP_SECONDS, BUSY, JOBS = 15, 10, 10
FIRST = "schedule-000000"
WORKER = "0b6f6d8e-5f0f-4a53-9a3e-3f3f4f0f2d11"
AT_ONCE = 20_000
TABLES = ("job_schedule", "occurrence", "job_run", "job_output", "schedule_event")


def no_op() -> None:
    """The job."""


@dataclass(frozen=True)
class Words:
    """How a kind of database says it. `{n}` is a number of the database's."""

    schedule: str
    job: str
    later: str
    """The instant that lies `{n}` seconds after `{base}`, with `{more}` in its milliseconds."""
    key: str
    """The unique key of the schedule `{schedule}` at the instant `{at}`."""
    modulo: str
    prepared: tuple[str, ...]
    measured: tuple[str, ...]
    """What gives the planner of queries fresh statistics."""
    number_on: str = ""


WORDS = {
    "sqlite": Words(
        "printf('schedule-%06d', {n})",
        "'job-' || {n}",
        "strftime('%Y-%m-%d %H:%M:%S', '{base}', ({n}) || ' seconds') || '.{more}000'",
        "{schedule} || '@' || replace({at}, ' ', 'T') || 'Z'",
        "%",
        ("PRAGMA foreign_keys=OFF", "PRAGMA synchronous=OFF"),
        ("ANALYZE",),
    ),
    "postgresql": Words(
        "'schedule-' || lpad(({n})::text, 6, '0')",
        "'job-' || {n}",
        "timestamptz '{base}.{more}+00' + ({n}) * interval '1 second'",
        "{schedule} || '@' || to_char({at}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
        "%%",
        (),
        tuple(f"VACUUM ANALYZE {table}" for table in TABLES),
        "SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT MAX(id) FROM {table}))",
    ),
    "mysql": Words(
        "CONCAT('schedule-', LPAD({n}, 6, '0'))",
        "CONCAT('job-', {n})",
        "TIMESTAMPADD(SECOND, {n}, '{base}.{more}')",
        "CONCAT({schedule}, '@', DATE_FORMAT({at}, '%%Y-%%m-%%dT%%H:%%i:%%s.%%fZ'))",
        "%%",
        ("SET SESSION foreign_key_checks = 0, unique_checks = 0",),
        tuple(f"ANALYZE TABLE {table}" for table in TABLES),
    ),
}
WORDS["mariadb"] = WORDS["mysql"]

NUMBERS = """
    WITH RECURSIVE d(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM d WHERE n < 999), j(n) AS
        (SELECT 0 UNION ALL SELECT n + 1 FROM j WHERE n < {jobs} - 1)"""
BETWEEN = "d a CROSS JOIN d b WHERE a.n + 1000 * b.n BETWEEN 1 AND {count}"
ADD_SCHEDULES = """
    INSERT INTO job_schedule (id, source, definition, definition_hash, enabled, orphaned, ledger_from,
        next_run_at, last_run_at, last_status, run_count, failure_count, skipped_count, consecutive_failures,
        created_at, updated_at)
    {numbers} SELECT {schedule}, s.source, s.definition, s.definition_hash, s.enabled, s.orphaned,
        s.ledger_from, {next}, s.last_run_at, s.last_status, s.run_count, s.failure_count, s.skipped_count,
        s.consecutive_failures, s.created_at, s.updated_at
    FROM job_schedule s CROSS JOIN {between} AND s.id = '{first}'"""
ADD_EVENTS = """
    INSERT INTO schedule_event (schedule_id, at, event, actor, data)
    {numbers} SELECT {schedule}, e.at, e.event, e.actor, e.data
    FROM schedule_event e CROSS JOIN {between} AND e.schedule_id = '{first}'"""
ADD_OCCURRENCES = """
    INSERT INTO occurrence (id, schedule_id, due_at, due_until, due_count, unique_key, {trigger}, status,
        worker_id, started_at, finished_at, jobs_total, jobs_completed, jobs_failed, jobs_skipped)
    {numbers} SELECT x.id, {schedule}, {due}, {due}, 1, {key}, 'CRON', {status}, '{worker}', {started},
        {ended}, {jobs}, {jobs} - {failed}, {failed}, 0
    FROM (SELECT {base} + a.n + 1000 * b.n AS id FROM {between}) x"""
ADD_RUNS = """
    INSERT INTO job_run (id, occurrence_id, schedule_id, job_name, tenant, attempt, {trigger}, status,
        queued_at, started_at, finished_at, duration_ms, worker_id)
    {numbers} SELECT (o.id - 1) * {jobs} + j.n + 1, o.id, o.schedule_id, {job}, '', 1, 'CRON',
        CASE WHEN j.n = 0 THEN o.status ELSE 'COMPLETED' END,
        o.started_at, o.started_at, o.finished_at, 80, o.worker_id
    FROM occurrence o CROSS JOIN j WHERE o.id > {base} AND o.id <= {base} + {count} ORDER BY o.id, j.n"""
ADD_OUTPUTS = """
    INSERT INTO job_output (job_run_id, output, truncated)
    SELECT (o.id - 1) * {jobs} + 1, 'one line of what it printed, and then some more of the same', {false}
    FROM occurrence o WHERE o.id > {base} AND o.id <= {base} + {count}"""


def filled(url: str, schedules: int, runs: int) -> Database:
    """A database with so many schedules, due a day after `LAST` at the earliest, and so many job runs."""
    database = Database(url, create=True)
    prepare(database, auto_migrate=True)
    database.close()
    with database.hold() as held:
        for statement in statements(held, schedules, runs // JOBS):
            held.command(statement)
    database.close()  # also the connections that were told not to look
    return database


def registry() -> Registry:
    """The definition of the first schedule, after which all others are made."""
    jobs = [Job(f"job-{number}", function=no_op) for number in range(JOBS)]
    first = Schedule(FIRST, "First", cron="*/5 * * * *", mode="ALL_JOBS", enabled_by_default=True)
    return Registry.of([first], jobs)


def statements(held: Held, schedules: int, occurrences: int) -> Iterator[str]:
    words = WORDS[held.dialect_name]
    yield from words.prepared
    began = LAST - timedelta(seconds=STEP_SECONDS * (occurrences + BUSY))
    Switcher(held, began, "benchmark", grace_seconds=60).reconcile(registry())
    yield f"UPDATE job_schedule SET next_run_at = {_instant(words, '86400')}"
    if schedules > 1:
        yield from _schedules(words, schedules - 1)
    for base in range(0, occurrences, AT_ONCE):
        yield from _history(words, schedules, base, min(AT_ONCE, occurrences - base), occurrences)
    if words.number_on and occurrences:
        yield from (words.number_on.format(table=table) for table in ("occurrence", "job_run"))
    yield from words.measured


def _schedules(words: Words, count: int) -> Iterator[str]:
    number = "a.n + 1000 * b.n"
    told = {
        "numbers": NUMBERS.format(jobs=JOBS),
        "between": BETWEEN.format(count=count),
        "schedule": words.schedule.format(n=number),
        "next": _instant(words, f"86400 + {number}"),
        "first": FIRST,
    }
    yield ADD_SCHEDULES.format(**told)
    yield ADD_EVENTS.format(**told)


def _history(words: Words, schedules: int, base: int, count: int, of: int) -> Iterator[str]:
    turn = f"x.id {words.modulo} {2 * BUSY}"
    number = f"CASE WHEN {turn} < {BUSY} THEN {turn} ELSE x.id {words.modulo} {schedules} END"
    since = f"(x.id - {of}) * {STEP_SECONDS}"
    schedule, due = words.schedule.format(n=number), _instant(words, since)
    failed = f"CASE WHEN x.id {words.modulo} 49 = 0 THEN 1 ELSE 0 END"
    told = {
        "numbers": NUMBERS.format(jobs=JOBS),
        "between": BETWEEN.format(count=count),
        "base": base,
        "count": count,
        "jobs": JOBS,
        "worker": WORKER,
        "trigger": "`trigger`" if words is WORDS["mysql"] else "trigger",
        "false": "0" if words is WORDS["sqlite"] else "FALSE",
        "schedule": schedule,
        "due": due,
        "key": words.key.format(schedule=schedule, at=due),
        "started": _instant(words, since, "001"),
        "ended": _instant(words, since, "900"),
        "failed": failed,
        "status": f"CASE WHEN x.id {words.modulo} 49 = 0 THEN 'FAILED' ELSE 'COMPLETED' END",
        "job": words.job.format(n="j.n"),
    }
    for statement in (ADD_OCCURRENCES, ADD_RUNS, ADD_OUTPUTS):
        yield statement.format(**told)


def _instant(words: Words, seconds: str, more: str = "000") -> str:
    return words.later.format(n=seconds, base=f"{LAST:%Y-%m-%d %H:%M:%S}", more=more)
