"""Each statement that is asked often finds its rows by an index, on every kind of database.

The tables have enough rows, and the statistics are fresh. On PostgreSQL it is the plan that it has settled on
after some executions, which need not be the one that it would make for these values.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select

from benchmarks.filling import FIRST, LAST, filled
from scheduled.store import (
    admin,
    explaining,
    ledger,
    listening,
    marks,
    pruning,
    reads,
    runs,
    schedules,
    vitals,
    whole,
    workers,
)
from scheduled.store.at_once import AtOnce, shape_of
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.reads import Wanted
from scheduled.store.statements import Statement, Write
from scheduled.words import Status
from tests.servers import KINDS, fresh_url

pytestmark = pytest.mark.prove

SCHEDULES, RUNS = 2000, 200_000
RARE = "schedule-001500"
LARGE = ("job_run", "occurrence", "schedule_event", "job_schedule", "job_output")
SETTLED = 6
"""PostgreSQL looks at the values in the first five executions."""
COUNTS = {"jobs_completed": 1, "jobs_failed": 0, "jobs_skipped": 0}
DUE_NOW = {"planned_from": LAST, "new_frontier": LAST, "skipped": 0, "the_now": LAST, "mine": "x"}
ONE = {f"one_{place}": place + 1 for place in range(pruning.AT_ONCE)}
STATEMENTS: dict[str, tuple[Statement, dict[str, Any], str]] = {
    "EARLIEST": (marks.EARLIEST, {}, "ix_job_schedule_enabled_next_run_at"),
    "DUE": (marks.DUE, {"the_now": LAST}, "ix_job_schedule_enabled_next_run_at"),
    "NEXT": (marks.NEXT, {"the_now": LAST}, "ix_job_schedule_enabled_next_run_at"),
    "WAITING": (marks.WAITING, {}, "ix_occurrence_status"),
    "NEWEST_WAITING": (marks.NEWEST_WAITING, {}, "ix_occurrence_status"),
    "LATEST_RUN": (marks.LATEST_RUN, {"the_schedule_id": FIRST}, "ix_job_run_schedule_id_id"),
    "LATEST_RUN, seldom": (marks.LATEST_RUN, {"the_schedule_id": RARE}, "ix_job_run_schedule_id_id"),
    "LOCK_DUE": (
        ledger.LOCK_DUE,
        {"the_id": FIRST, "me": "x", "expires": LAST, "lease": 60.0, **DUE_NOW},
        "pk_job_schedule",
    ),
    "OWED": (schedules.OWED, {"the_schedule_id": FIRST}, "ix_occurrence_status"),
    "SAME_REQUEST": (schedules.SAME_REQUEST, {"the_schedule_id": FIRST}, "ix_occurrence_status"),
    "WAITING of one": (explaining.WAITING, {"the_schedule_id": FIRST}, "ix_occurrence_status"),
    "OVERDUE": (
        vitals.OVERDUE,
        {"before": LAST},
        "ix_job_schedule_enabled_next_run_at|ix_job_schedule_locked_at",
    ),
    "FAILING": (vitals.FAILING, {}, "ix_job_schedule_consecutive_failures"),
    "AHEAD": (vitals.AHEAD, {"the_now": LAST}, "ix_occurrence_due_at"),
    "FENCE": (ledger.FENCE, {"the_id": 77, "holder": "x", **COUNTS}, "pk_occurrence"),
    "LOCKS": (workers.LOCKS, {"me": "x", "the_now": LAST}, "ix_job_schedule_locked_at"),
    "NEWEST_EVENTS": (listening.NEWEST_EVENTS, {}, "pk_schedule_event"),
    "OLD_OF": (
        pruning.OLD_OF,
        {"the_schedule_id": FIRST, "cutoff": LAST - timedelta(days=1), "batch": 100},
        "ix_occurrence_schedule_id_due_at",
    ),
    "RUNS_OF": (pruning.RUNS_OF, ONE, "uq_job_run_occurrence_id_job_name_tenant_attempt"),
    "DELETE_OUTPUTS": (pruning.DELETE_OUTPUTS, ONE, "pk_job_output"),
    "DELETE_RUNS": (pruning.DELETE_RUNS, ONE, "uq_job_run_occurrence_id_job_name_tenant_attempt"),
    "NEWEST_OF, ten schedules": (
        admin.newest_of(10),
        {f"id_{place}": f"schedule-{place:06d}" for place in range(10)},
        "ix_occurrence_schedule_id_due_at",
    ),
    "NEWEST_FIRST": (
        admin.NEWEST_FIRST,
        {"the_schedule_id": FIRST, "limit": 60},
        "ix_occurrence_schedule_id_due_at",
    ),
    "BEFORE": (
        admin.BEFORE,
        {"the_schedule_id": FIRST, "due_before": LAST - timedelta(days=1), "id_before": 77, "limit": 60},
        "ix_occurrence_schedule_id_due_at",
    ),
    "RERUNS": (
        whole.RERUNS,
        {"the_schedule_id": FIRST, "since": LAST, "until": LAST, "the_rerun_of": 77},
        "ix_occurrence_schedule_id_due_at",
    ),
    "ATTEMPTS": (
        whole.ATTEMPTS,
        {"the_occurrence_id": 77},
        "uq_job_run_occurrence_id_job_name_tenant_attempt",
    ),
    "DELETE_OCCURRENCES": (pruning.DELETE_OCCURRENCES, ONE, "pk_occurrence"),
}
PAGES = {
    "newest": (Wanted(), "pk_job_run"),
    "of a schedule": (Wanted(schedule_id=RARE), "ix_job_run_schedule_id_id"),
    "of a job": (Wanted(job_name="job-3"), "ix_job_run_job_name_id|pk_job_run"),
    "of a status": (Wanted(statuses=(Status.FAILED,)), "ix_job_run_status_id|pk_job_run"),
    "of a status never had": (Wanted(statuses=(Status.CANCELLED,)), "ix_job_run_status_id"),
    "of two statuses": (Wanted(statuses=(Status.FAILED, Status.CANCELLED)), "ix_job_run_status_id"),
}


@pytest.fixture(scope="module", params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with (
        fresh_url(request.param, tmp_path_factory.mktemp("plans")) as url,
        closing(filled(url, SCHEDULES, RUNS)) as made,
    ):
        yield made


@pytest.fixture
def held(database: Database) -> Iterator[Held]:
    with database.hold() as made:
        yield made


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_uses_its_index(held: Held, name: str) -> None:
    statement, values, index = STATEMENTS[name]
    compiled = statement.compiled(held._dialect)
    told = PLANS[held.dialect_name](held, compiled.sql, compiled.parameters(values))
    assert_found_by(index, told, held.dialect_name)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_is_written_at_once_finds_its_rows_by_indexes(held: Held) -> None:
    one, schedule = {"the_id": 77, "holder": "x"}, {"the_id": FIRST, "holder": "x", "the_now": LAST}
    child = {"the_id": 77, "pid": 1, "pid_started_at": 1.0}
    freed = {**schedule, "status": Status.COMPLETED, "failed": 0, "kept": 0}
    writes = (
        Write(ledger.FENCE, {**one, **COUNTS}),
        Write(runs.RECORD_CHILD, child),
        Write(ledger.RELEASE, freed),
    )
    shape = shape_of(writes)
    assert shape is not None
    at_once = AtOnce(shape, held._dialect, own_clock=False)
    told = on_postgresql(held, at_once.sql, at_once.parameters(writes))
    for index in ("pk_occurrence", "pk_job_run", "pk_job_schedule"):
        assert_found_by(index, told, "postgresql")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_history_uses_an_index(
    database: Database, held: Held, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, index = PAGES[name]
    asked: list[Select[Any]] = []
    monkeypatch.setattr(reads, "dicts", lambda _database, query: asked.append(query))
    reads.history(database, wanted)
    compiled = asked[0].compile(dialect=database.dialect, compile_kwargs={"literal_binds": True})
    told = PLANS[held.dialect_name](held, str(compiled), [])
    if name == "newest" and held.dialect_name == "sqlite":
        told = told.replace(
            "SCAN job_run\n", "the newest by PRIMARY KEY\n"
        )  # in its order, and not to the end
    assert_found_by(index, told, held.dialect_name)


def assert_found_by(index: str, told: str, dialect: str) -> None:
    """One of the indexes is used, and no large table is read from end to end.

    But SQLite says SCAN also where it follows the primary key until it has enough.
    """
    if dialect == "sqlite" and index in NEWEST_FIRST:
        assert "TEMP B-TREE" not in told, told
        return
    for ours, theirs in ALIASES.get(dialect, {}).items():
        index = re.sub(ours, theirs, index)
    assert re.search(index, told), told
    assert not re.search(FULL_SCAN[dialect].format(table=f"({'|'.join(LARGE)})"), told), told


def on_sqlite(held: Held, sql: str, parameters: Any) -> str:
    return _lines(held, f"EXPLAIN QUERY PLAN {sql}", parameters)


def on_mysql(held: Held, sql: str, parameters: Any) -> str:
    return _lines(held, f"EXPLAIN {sql}", parameters)


def on_postgresql(held: Held, statement: str, parameters: Sequence[Any]) -> str:
    from psycopg import sql

    places = tuple(f"${number}" for number in range(1, len(parameters) + 1))
    with held.driver() as driver:
        given = sql.SQL(", ").join(map(sql.Literal, parameters)).as_string(driver)
        driver.execute(f"PREPARE it AS {statement % places}")
        try:
            for _ in range(SETTLED):
                found = driver.execute(f"EXPLAIN EXECUTE it{f'({given})' if places else ''}").fetchall()
        finally:
            driver.execute("DEALLOCATE it")
    return "\n".join(row[0] for row in found)


def _lines(held: Held, sql: str, parameters: Any) -> str:
    with held.driver() as driver:
        cursor = driver.cursor()
        cursor.execute(sql, parameters)
        return "".join(" ".join(map(str, row)) + "\n" for row in cursor.fetchall())


PLANS: dict[str, Callable[[Held, str, Any], str]] = {
    "sqlite": on_sqlite, "postgresql": on_postgresql, "mysql": on_mysql, "mariadb": on_mysql
}  # fmt: skip
NEWEST_FIRST = ("pk_schedule_event", "pk_job_run")
FULL_SCAN = {
    "sqlite": r"SCAN {table}\n",
    "postgresql": r"Seq Scan on {table}\b",
    "mysql": r"{table} ALL ",
    "mariadb": r"{table} ALL ",
}
"""How the plan says that it reads a table from end to end."""
ALIASES = {
    "sqlite": {
        r"pk_job_schedule|uq_\w+": "sqlite_autoindex_",
        r"pk_\w+": "PRIMARY KEY",
    },
    "mysql": {r"^ix_occurrence_status$": "ix_occurrence_status|min/max row", r"pk_\w+": "PRIMARY"},
}
ALIASES["mariadb"] = ALIASES["mysql"]
"""Their own names for our keys."""
