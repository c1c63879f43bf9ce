"""The ready-made jobs `prune-history` and `verify-ledger`."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduled import collecting
from scheduled.builtin import prune_history, verify_ledger
from scheduled.clock import Clock
from scheduled.context import JobContext
from scheduled.definitions import Job, Schedule
from scheduled.errors import DefinitionsError
from scheduled.registry import Registry
from scheduled.running.calling import Outcome, call
from scheduled.store.database import Database
from scheduled.testing import ManualDaemon, manual_daemon
from scheduled.words import Status
from tests.law import assert_lawful

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAYS = 4


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ManualDaemon]:
    """A daemon that lives in the working directory; for four days it ran one schedule each noon."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "_decorated", [])
    for variable in ("DATABASE_URL", "SCHEDULE_RETENTION_DAYS"):
        monkeypatch.delenv(variable, raising=False)
    schedule = Schedule("it", "It", cron="0 12 * * *", enabled_by_default=True)
    registry = Registry.of([schedule], [Job("work", function=lambda: None), prune_history(), verify_ledger()])
    monkeypatch.setenv("SCHEDULE_RETENTION_DAYS", "2")
    database = Database("sqlite:///scheduled.db", create=True)
    with manual_daemon(registry, now=NOON, database=database) as made:
        monkeypatch.setattr(Clock, "now", lambda _self: made.clock.now())
        made.advance(days=DAYS - 1)
        yield made


def run(made: Job) -> Outcome:
    assert made.function is not None
    return call(made.function, lambda: JobContext("nightly", 7, 42, made.name, NOON))


def value_of(outcome: Outcome) -> Any:
    assert outcome.status is Status.COMPLETED, outcome
    return outcome.value


def sql(statement: str) -> None:
    with closing(sqlite3.connect("scheduled.db", isolation_level=None)) as connection:
        connection.execute(statement)


def results(daemon: ManualDaemon, job_name: str) -> list[str]:
    return [run["status"] for run in daemon.runs() if run["job_name"] == job_name]


def test_they_run_within_a_daemon_on_the_very_ledger_that_it_writes(daemon: ManualDaemon) -> None:
    """On the fourth day the first one is gone, the second one is two days old to the second."""
    assert [row.due_at.day for row in daemon.ledger("it")] == [3, 4, 5]
    assert results(daemon, "prune-history") == results(daemon, "verify-ledger") == ["COMPLETED"] * 3
    assert_lawful(daemon)


# ── prune-history ─────────────────────────────────────────────────────────────────────────────────────────


def test_it_forgets_what_is_older_than_the_setting_says(daemon: ManualDaemon) -> None:
    daemon.clock.advance(days=1)
    value = value_of(run(prune_history()))
    assert value["cutoff"] == (daemon.clock.now() - timedelta(days=2)).isoformat()
    assert (value["occurrences"], value["job_runs"]) == (1, 3)
    assert [row.due_at.day for row in daemon.ledger("it")] == [4, 5]


@pytest.mark.parametrize("age", [timedelta(days=1), 86_400, 86_400.0])
def test_it_forgets_what_is_older_than_it_is_told(daemon: ManualDaemon, age: Any) -> None:
    daemon.clock.advance(hours=1)
    assert value_of(run(prune_history(older_than=age)))["occurrences"] == 2


def test_it_forgets_in_small_batches(daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduled.retention.BATCH", 1)
    daemon.clock.advance(days=400)
    assert value_of(run(prune_history()))["occurrences"] == 2


def test_it_skips_where_the_setting_keeps_everything(
    daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULE_RETENTION_DAYS", "0")
    outcome = run(prune_history())
    assert outcome.status is Status.SKIPPED
    assert "keeps everything" in str(outcome.error_message)
    assert run(prune_history(older_than=timedelta(days=9))).status is Status.COMPLETED


@pytest.mark.parametrize("age", [90, timedelta(hours=23), -1, True, "90d", float("nan"), 1e12])
def test_it_refuses_an_age_that_nobody_means(age: Any) -> None:
    with pytest.raises(DefinitionsError) as raised:
        prune_history(older_than=age)
    assert f"older_than {age!r} is not allowed (at least 1 d: a timedelta" in str(raised.value)


def test_it_suggests_its_own_option() -> None:
    with pytest.raises(DefinitionsError, match="did you mean 'older_than'"):
        prune_history(older_then=timedelta(days=9))  # type: ignore[call-arg]


# ── verify-ledger ─────────────────────────────────────────────────────────────────────────────────────────


def test_it_returns_the_account(daemon: ManualDaemon) -> None:
    value = value_of(run(verify_ledger()))
    assert (value["ok"], value["expected"], value["accounted"], value["ran"]) == (True, 3, 3, 3)
    assert value["missing"] == []


def test_it_fails_naming_what_is_wrong(daemon: ManualDaemon) -> None:
    sql("PRAGMA foreign_keys=OFF")
    sql("DELETE FROM occurrence WHERE due_at LIKE '2026-03-04%'")
    outcome = run(verify_ledger())
    assert outcome.status is Status.FAILED
    assert str(outcome.error_type).endswith("LedgerError")
    assert outcome.error_message == (
        "the ledger is not as it should be: missing: it: 2026-03-04T12:00:00Z has no row"
    )


def test_it_names_some_problems_and_counts_the_others(
    daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULE_RETENTION_DAYS", "0")
    daemon.clock.advance(days=200)
    daemon.run_due()
    sql("DELETE FROM occurrence")
    told = str(run(verify_ledger()).error_message).split("; ")
    assert len(told) == 21
    assert told[-1] == "and 183 more: see `scheduled verify`"


# ── both ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("made", [prune_history, verify_ledger])
def test_a_database_in_memory_is_skipped(
    made: Any, daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    assert run(made()).status is Status.SKIPPED


@pytest.mark.parametrize("made", [prune_history, verify_ledger])
def test_a_database_that_is_not_there_fails_and_is_not_made(
    made: Any, daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:///other.db")
    outcome = run(made())
    assert outcome.status is Status.FAILED
    assert "there is no database at other.db" in str(outcome.error_message)
    assert not Path("other.db").exists()


@pytest.mark.parametrize("made", [prune_history, verify_ledger])
def test_they_take_the_options_of_any_job(made: Any) -> None:
    job = made(name="mine", group="maintenance", depends_on=["backup"], timeout=60)
    assert (job.name, job.group, job.depends_on, job.timeout) == ("mine", "maintenance", ("backup",), 60)
    assert job.where.startswith("test_builtin_ledger.py:")
