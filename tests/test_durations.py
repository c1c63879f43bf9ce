"""How each job did lately: quick, however long the history is."""

from datetime import UTC, datetime

import pytest

from scheduled.store import durations
from scheduled.store.durations import last_run, median_ms, taken_ms, typical_seconds
from scheduled.store.held import Held
from scheduled.store.statements import Statement
from tests.conftest import World, at


@pytest.fixture
def held(world: World) -> Held:
    """A job that takes three seconds has run four times."""
    world.taking(seconds=3)
    daemon = world.start()
    daemon.advance(hours=3)
    world.daemon = None  # its ledger is about to be spoilt
    return daemon.parts.engine.held


def change(held: Held, statement: str) -> None:
    held.command(statement)


def test_it_tells_the_newest_attempt(held: Held) -> None:
    last = last_run(held, "work")
    assert last is not None
    assert (last.status, last.reason, last.duration_ms) == ("COMPLETED", None, 3000)
    assert (last.started_at, last.finished_at) == (at("15:00"), at("15:00:03"))


def test_it_tells_of_no_run_that_never_was(held: Held) -> None:
    assert last_run(held, "other") is None
    assert taken_ms(held, "other") == []


def test_it_knows_how_long_completed_runs_took(held: Held) -> None:
    change(held, "UPDATE job_run SET duration_ms = id * 1000")
    change(held, "UPDATE job_run SET status = 'FAILED' WHERE id = 2")
    assert taken_ms(held, "work") == [4000, 3000, 1000]
    change(held, "UPDATE job_run SET duration_ms = NULL WHERE id = 3")
    assert taken_ms(held, "work") == [4000, 1000]


def test_it_looks_at_the_newest_alone(held: Held) -> None:
    more(held, 60, "COMPLETED")
    assert len(taken_ms(held, "work")) == durations.MEASURED
    more(held, durations.LOOKED_AT - 10, "FAILED")
    assert len(taken_ms(held, "work")) == 10


def more(held: Held, count: int, status: str) -> None:
    """So many more runs of the job that took a second."""
    quoted = held._database.dialect.identifier_preparer.quote("trigger")
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    values = (
        f"'CRON', 1, 'it', 'work', '{status}', (SELECT count(*) FROM job_run) + i, '', '2026-01-01', 1000"
    )
    columns = (
        f"{quoted}, occurrence_id, schedule_id, job_name, status, attempt, tenant, queued_at, duration_ms"
    )
    change(held, f"INSERT INTO job_run ({columns}) {numbers} SELECT {values} FROM n")


def test_the_median_is_whole() -> None:
    assert median_ms([]) is None
    assert median_ms([7]) == 7
    assert median_ms([1, 100, 4]) == 4
    assert median_ms([1, 4]) == 2


def test_it_names_the_jobs_of_which_it_knows_something(held: Held) -> None:
    assert typical_seconds(held._database, ["work", "other"]) == {"work": 3.0}


@pytest.mark.only_on("sqlite", why="each database explains itself in its own words")
@pytest.mark.parametrize("statement", [durations.LAST, durations.TAKEN])
def test_it_finds_them_by_the_index_of_the_job(held: Held, statement: Statement) -> None:
    """So that a million rows cost no more than a thousand; nothing but a few rows is scanned or sorted."""
    compiled = statement.compiled(held._database.dialect)
    sql, values = compiled.sql, compiled.parameters({"job_name": "work"})
    plan = [row[3] for row in held._driver().execute(f"EXPLAIN QUERY PLAN {sql}", values)]
    assert any("USING INDEX ix_job_run_job_name_id (job_name=?)" in step for step in plan)
    assert not any("SCAN job_run" in step for step in plan)


def test_instants_are_utc(held: Held) -> None:
    last = last_run(held, "work")
    assert last is not None
    assert isinstance(last.started_at, datetime)
    assert last.started_at.tzinfo is UTC
