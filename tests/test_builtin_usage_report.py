import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from scheduled import collecting, models
from scheduled.builtin import write_usage_report
from scheduled.builtin.percentiles import Histogram
from scheduled.builtin.usage_pages import as_markdown
from scheduled.clock import Clock
from scheduled.context import JobContext
from scheduled.errors import DefinitionsError
from scheduled.running.calling import call
from scheduled.store import schema
from scheduled.store import usage as history
from scheduled.store.database import Database
from scheduled.words import Status

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
DUE = NOW - timedelta(days=1)


def after(milliseconds: int) -> datetime:
    return DUE + timedelta(milliseconds=milliseconds)


class History:
    """Writes rows as the daemon would."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, row: models.Table) -> Any:
        with Session(self.database.engine) as session:
            session.add(row)
            session.commit()
            return getattr(row, "id", None)

    def schedule(self, name: str, jobs: list[str], **values: Any) -> None:
        times: dict[str, Any] = {"created_at": DUE, "updated_at": DUE, "ledger_from": DUE}
        known = {"enabled": True} | values
        self.add(
            models.JobSchedule(id=name, definition={"jobs": jobs}, definition_hash="h", **times, **known)
        )

    def occurrence(self, status: str = "COMPLETED", schedule: str = "nightly", **values: Any) -> int:
        row: dict[str, Any] = {"trigger": "CRON", "due_at": DUE, "status": status} | values
        row.setdefault("due_until", row["due_at"])
        return int(self.add(models.Occurrence(schedule_id=schedule, **row)))

    def run(self, occurrence: int, status: str = "COMPLETED", job: str = "copy", **values: Any) -> None:
        row: dict[str, Any] = {
            "trigger": "CRON",
            "queued_at": DUE,
            "job_name": job,
            "status": status,
        } | values
        self.add(models.JobRun(occurrence_id=occurrence, schedule_id="nightly", **row))


@pytest.fixture
def past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[History]:
    """An empty history with one schedule, in the working directory; and no job counts yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "_decorated", [])
    monkeypatch.setattr(Clock, "now", lambda _self: NOW)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    database = Database("sqlite:///scheduled.db", create=True)
    schema.upgrade(database)
    found = History(database)
    found.schedule("nightly", ["copy", "check"])
    yield found
    database.close()


def value_of(**options: Any) -> Any:
    made = write_usage_report(**options)
    assert made.function is not None
    outcome = call(made.function, lambda: JobContext("reports", 7, 42, made.name, NOW))
    assert outcome.status is Status.COMPLETED, outcome
    return outcome.value


def report(**options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(value_of(**options)["json"]).read_text())
    return found


def of_job(name: str = "copy") -> dict[str, Any]:
    return next(row for row in report()["jobs"] if row["name"] == name)


def of_schedule(name: str = "nightly") -> dict[str, Any]:
    return next(row for row in report()["schedules"] if row["id"] == name)


def test_it_writes_both_files_and_says_where(past: History) -> None:
    past.occurrence()
    value = value_of(days=3, folder="out", file="three-days")
    assert (value["json"], value["markdown"]) == ("out/three-days.json", "out/three-days.md")
    assert (value["days"], value["totals"]["runs"]) == (3, 1)
    assert sorted(path.name for path in Path("out").iterdir()) == ["three-days.json", "three-days.md"]


def test_it_replaces_the_files_at_once(past: History, monkeypatch: pytest.MonkeyPatch) -> None:
    value_of()
    before = Path("reports/usage.json").read_text()

    def fail(_self: Path, _target: Path) -> None:
        raise OSError("no space")

    past.occurrence()
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(AssertionError, match="no space"):
        value_of(name="again")
    assert Path("reports/usage.json").read_text() == before
    assert len(list(Path("reports").iterdir())) == 2


def test_it_covers_the_days_up_to_now(past: History) -> None:
    past.occurrence(due_at=NOW - timedelta(days=7, microseconds=1))
    past.occurrence(due_at=NOW - timedelta(days=7))
    found = report()
    assert (found["from"], found["until"]) == ("2026-11-14T02:00:00+00:00", "2026-11-21T02:00:00+00:00")
    assert found["totals"]["runs"] == 1


def test_it_tells_of_schedules_and_jobs_that_never_ran(past: History) -> None:
    past.schedule("off", ["copy"], enabled=False)
    past.schedule("gone", ["old"], enabled=False, orphaned=True)
    found = report()
    assert [(row["id"], row["enabled"], row["runs"]) for row in found["schedules"]] == [
        ("nightly", True, 0),
        ("off", False, 0),
    ]
    assert [row["name"] for row in found["jobs"]] == ["check", "copy"]
    assert found["totals"]["success_rate"] is None


def test_it_tells_of_schedules_that_left_the_code_but_ran(past: History) -> None:
    past.schedule("gone", [], enabled=False, orphaned=True)
    past.occurrence(schedule="gone")
    assert (of_schedule("gone")["runs"], of_schedule("gone")["enabled"]) == (1, None)


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING"])
def test_what_has_not_ended_is_no_run_yet(past: History, status: str) -> None:
    past.run(past.occurrence(status), status)
    assert (of_schedule()["runs"], of_job()["runs"]) == (0, 0)


def test_success_is_of_what_came_to_a_verdict(past: History) -> None:
    for status in ["COMPLETED", "COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"]:
        past.run(past.occurrence(status), status)
    past.run(past.occurrence("FAILED"), "TIMED_OUT")
    assert (of_schedule()["runs"], of_schedule()["success_rate"]) == (6, 0.5)
    assert (of_job()["runs"], of_job()["success_rate"], of_job()["timed_out"]) == (6, 0.5, 1)


def test_retries_count_as_one_run_by_the_last_attempt(past: History) -> None:
    first, second = past.occurrence(), past.occurrence("FAILED")
    past.run(first, "FAILED", attempt=1, started_at=after(0))
    past.run(second, "FAILED", attempt=1, started_at=after(1))
    past.run(first, "TIMED_OUT", attempt=2, started_at=after(2))
    past.run(second, "FAILED", attempt=2, started_at=after(3))
    past.run(first, "COMPLETED", attempt=3, started_at=after(4))
    found = of_job()
    assert (found["runs"], found["completed"], found["failed"], found["timed_out"]) == (2, 1, 1, 0)
    assert found["attempts"] == 5


def test_skipped_instants_are_counted_by_reason(past: History) -> None:
    past.occurrence("SKIPPED", reason="daemon_down", due_count=40, due_until=DUE + timedelta(hours=1))
    past.occurrence("SKIPPED", reason="overlap")
    past.occurrence("SKIPPED")
    found = of_schedule()
    assert (found["runs"], found["skipped"]) == (0, 42)
    assert found["skipped_by_reason"] == {"daemon_down": 40, "overlap": 1, "unknown": 1}


def test_a_stretch_that_reaches_into_the_days_counts_whole(past: History) -> None:
    began = NOW - timedelta(days=30)
    past.occurrence("SKIPPED", reason="daemon_down", due_at=began, due_until=DUE, due_count=30)
    assert of_schedule()["skipped"] == 30


def test_skipped_jobs_are_counted_by_reason(past: History) -> None:
    past.run(past.occurrence("FAILED"), "SKIPPED", reason="dependency_failed")
    past.run(past.occurrence(), "SKIPPED", reason="skipped_by_job", started_at=after(0), duration_ms=3)
    found = of_job()
    assert found["skipped_by_reason"] == {"skipped_by_job": 1, "dependency_failed": 1}
    assert (found["runs"], found["attempts"], "duration_ms" in found) == (0, 1, False)


def test_durations_are_those_of_what_completed(past: History) -> None:
    for duration in range(1, 101):
        past.run(past.occurrence(started_at=after(0), finished_at=after(duration)), duration_ms=duration)
    past.run(past.occurrence("FAILED", started_at=after(0), finished_at=after(9)), "FAILED", duration_ms=9999)
    assert of_job()["duration_ms"] == {"p50": 50, "p95": 95}
    assert of_schedule()["duration_ms"] == {"p50": 50, "p95": 95}


def test_lateness_is_from_the_due_instant_to_the_start(past: History) -> None:
    for late in (0, 10, 20):
        occurrence = past.occurrence(started_at=after(late))
        past.run(occurrence, "FAILED", started_at=after(late + 5))
        past.run(occurrence, attempt=2, started_at=after(9999))
    assert of_schedule()["lateness_ms"] == {"p50": 10, "p95": 20}
    assert of_job()["lateness_ms"] == {"p50": 15, "p95": 25}


def test_a_clock_that_stepped_back_makes_nothing_early(past: History) -> None:
    past.occurrence(started_at=after(-50))
    assert of_schedule()["lateness_ms"] == {"p50": 0, "p95": 0}


@pytest.mark.parametrize("trigger", ["MANUAL", "API"])
def test_requests_are_never_late(past: History, trigger: str) -> None:
    started: dict[str, Any] = {"trigger": trigger, "started_at": after(60_000)}
    past.run(past.occurrence(**started), **started)
    assert "lateness_ms" not in of_schedule() | of_job()


def test_tenants_are_runs_of_their_own(past: History) -> None:
    occurrence = past.occurrence("FAILED")
    past.run(occurrence, "COMPLETED", tenant="a")
    past.run(occurrence, "FAILED", tenant="b")
    assert (of_job()["runs"], of_job()["success_rate"]) == (2, 0.5)


@pytest.mark.parametrize("page", [1, 2, 3, 100])
def test_it_reads_page_by_page(past: History, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", page)
    for attempt in range(4):
        past.run(past.occurrence(), job=f"job-{attempt}")
    read = list(history.runs_queued_since(past.database, DUE))
    assert [run.job_name for run in read] == ["job-3", "job-2", "job-1", "job-0"]
    assert read[0].due_at == DUE
    assert len(list(history.occurrences_due_since(past.database, DUE))) == 4


def test_the_markdown_says_it_in_a_table(past: History) -> None:
    past.schedule("off", [], enabled=False)
    past.occurrence(started_at=after(40), finished_at=after(5_040))
    past.occurrence("SKIPPED", reason="daemon_down", due_count=1200, due_until=NOW)
    text = Path(value_of()["markdown"]).read_text()
    assert "From 2026-11-14 02:00 UTC to 2026-11-21 02:00 UTC:\n1 runs of schedules, success 100.00%" in text
    assert "| nightly | 1 | 100.00% | 5.0 s | 5.0 s | 40 ms | 40 ms | daemon_down 1,200 |" in text
    assert re.search(r"^\| off \(off\) \| 0 \| – \| – ", text, re.MULTILINE)
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert widths == {9}


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [(999, "999 ms"), (99_999, "100.0 s"), (100_000, "1.7 min"), (6_000_000, "1.7 h"), (10**10, "2,777.8 h")],
)
def test_the_markdown_gives_times_in_the_unit_that_suits(milliseconds: int, shown: str) -> None:
    times = {"p50": milliseconds, "p95": milliseconds}
    row = {"name": "j", "runs": 1, "success_rate": 1.0, "skipped_by_reason": {}, "duration_ms": times}
    totals = {"runs": 1, "success_rate": 1.0, "skipped": 0}
    told = {"from": "", "until": "", "totals": totals, "schedules": [], "jobs": [row]}
    assert f"| {shown} | {shown} |" in as_markdown(told)


def test_it_fails_where_there_is_no_database(past: History) -> None:
    past.database.close()
    Path("scheduled.db").unlink()
    with pytest.raises(AssertionError, match="there is no database"):
        value_of()


def test_wrong_options_are_faults() -> None:
    with pytest.raises(DefinitionsError, match=r"test_builtin_usage_report.py:\d+ job 'write-usage-report'"):
        write_usage_report(days=0)


def test_a_histogram_of_nothing_has_no_percentiles() -> None:
    assert Histogram().percentile(50) is None


@given(st.lists(st.integers(0, 10**12), min_size=1), st.sampled_from([1, 50, 95, 100]))
def test_percentiles_are_by_nearest_rank_within_a_thousandth(values: list[int], percent: int) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(1, -(-len(values) * percent // 100)) - 1]
    found = histogram.percentile(percent)
    assert found is not None
    assert exact * 0.999 <= found <= exact


def test_a_histogram_needs_little_memory_for_however_many_values() -> None:
    histogram = Histogram()
    for value in range(0, 10**9, 10_007):
        histogram.add(value)
    assert histogram.count == 99_931
    assert len(histogram._counts) < 21_000
