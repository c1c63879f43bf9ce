"""The repo's own schedules.py: an example that people read, and that must do what it says."""

import asyncio
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scheduled import collecting
from scheduled.context import JobContext
from scheduled.definitions import Job
from scheduled.loading import load
from scheduled.registry import Registry
from scheduled.running.calling import Outcome, call
from scheduled.store import schema
from scheduled.store.database import Database
from scheduled.words import Status

OURS = Path(__file__).parents[1] / "schedules.py"
NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Loaded as the daemon does, in a working directory with a fresh database, as on a new machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(collecting, "_decorated", [])
    for variable in ("DATABASE_URL", "CHECK_SERVICES"):
        monkeypatch.delenv(variable, raising=False)
    database = Database("sqlite:///scheduled.db", create=True)
    schema.upgrade(database)
    database.close()
    return load(str(OURS))


class Round:
    """Runs jobs one after the other, and hands each the results of those that it depends on."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.outcomes: dict[str, Outcome] = {}
        self.progress: list[tuple[float, float | None]] = []

    def run(self, name: str) -> Outcome:
        made = self.registry.job(name)
        results = {other: self.outcomes[other].value for other in made.depends_on}
        context = JobContext("daily-full-sync", 7, 42, name, NOW, results=results, on_progress=self.note)
        self.outcomes[name] = call(made.function, lambda: context) if made.function else run_command(made)
        return self.outcomes[name]

    def note(self, done: float, total: float | None) -> None:
        self.progress.append((done, total))

    def run_all_of(self, schedule: str) -> dict[str, Outcome]:
        for name in self.registry.order_of(self.registry.schedule(schedule)):
            self.run(name)
        return self.outcomes


def run_command(made: Job) -> Outcome:
    done = subprocess.run(str(made.command), shell=True, check=False, env={"PATH": os.environ["PATH"]})
    return Outcome(Status.COMPLETED if done.returncode in made.ok_exit_codes else Status.FAILED)


def test_it_has_the_schedules_that_the_readme_speaks_of(registry: Registry) -> None:
    found = {s.id: (s.cron, s.mode, s.group, s.timezone) for s in registry.schedules.values()}
    assert found == {
        "daily-full-sync": ("0 2 * * *", "ALL_JOBS", None, "UTC"),
        "hourly-monitoring": ("0 * * * *", "GROUP", "monitoring", "UTC"),
        "report-refresh": ("*/15 * * * *", "GROUP", "reports", "UTC"),
        "weekly-cleanup": ("0 3 * * 0", "GROUP", "cleanup", "UTC"),
        "dev-quick-test": ("every 15 seconds", "GROUP", "quick", "UTC"),
    }


def test_the_daily_one_says_what_it_is(registry: Registry) -> None:
    daily = registry.schedule("daily-full-sync")
    assert (daily.name, daily.description) == ("Daily Full Sync", "Run all jobs once per day at 2am UTC")


def test_only_the_quick_one_is_enabled_and_only_for_development(registry: Registry) -> None:
    enabled = [s.id for s in registry.schedules.values() if s.enabled_by_default]
    assert enabled == ["dev-quick-test"]
    assert "dev-quick-test" not in registry.for_environment("production").schedules
    assert "dev-quick-test" in registry.for_environment("development").schedules


def test_it_has_ten_jobs_and_more_in_five_groups(registry: Registry) -> None:
    assert len(registry.jobs) >= 10
    groups = {job.group for job in registry.jobs.values()}
    assert groups == {"maintenance", "monitoring", "reports", "cleanup", "quick"}


def test_each_job_says_what_it_does(registry: Registry) -> None:
    assert [job.name for job in registry.jobs.values() if not job.description] == []


def test_it_shows_every_kind_of_job(registry: Registry) -> None:
    jobs = registry.jobs.values()
    assert any(job.command for job in jobs)
    assert any(job.isolation == "process" for job in jobs)
    assert any(asyncio.iscoroutinefunction(job.function) for job in jobs)


def test_dependencies_of_other_groups_run_too(registry: Registry) -> None:
    assert registry.order_of(registry.schedule("weekly-cleanup")) == (
        "write-usage-report",
        "write-history-digest",
        "archive-reports",
        "remove-old-snapshots",
    )


def test_the_backup_comes_before_what_relies_on_it(registry: Registry) -> None:
    order = registry.order_of(registry.schedule("daily-full-sync"))
    assert len(order) == len(registry.jobs)
    assert order[:3] == ("backup-database", "verify-latest-backup", "optimize-database")


def test_every_job_completes_or_skips_on_a_new_machine(registry: Registry) -> None:
    outcomes = Round(registry).run_all_of("daily-full-sync")
    statuses = {name: outcome.status for name, outcome in outcomes.items()}
    assert statuses.pop("check-services") is Status.SKIPPED
    assert set(statuses.values()) == {Status.COMPLETED}, outcomes


def test_every_result_is_json(registry: Registry) -> None:
    outcomes = Round(registry).run_all_of("daily-full-sync")
    assert [name for name, outcome in outcomes.items() if outcome.reason == "result_not_json"] == []


def test_it_leaves_a_backup_reports_and_an_archive(registry: Registry) -> None:
    Round(registry).run_all_of("daily-full-sync")
    assert len(list(Path("backups").glob("scheduled-*.db"))) == 1
    assert Path("backups/reports.tar.gz").stat().st_size > 0
    names = sorted(path.name for path in Path("reports").iterdir())
    assert names == ["digest.md", "snapshots", "usage.json", "usage.md"]
    snapshot = json.loads(Path("reports/snapshots/2026-11-21T020000Z.json").read_text())
    assert 0 < snapshot["memory_percent"] <= 100


@pytest.mark.parametrize(
    "schedule", ["hourly-monitoring", "report-refresh", "weekly-cleanup", "dev-quick-test"]
)
def test_each_schedule_runs_by_itself_on_a_new_machine(registry: Registry, schedule: str) -> None:
    statuses = {outcome.status for outcome in Round(registry).run_all_of(schedule).values()}
    assert statuses <= {Status.COMPLETED, Status.SKIPPED}


def test_the_verification_skips_when_there_was_no_backup(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://host/app")
    made = Round(registry)
    assert made.run("backup-database").status is Status.SKIPPED
    assert made.run("verify-latest-backup").status is Status.SKIPPED


def test_the_quick_ones_tell_of_what_they_measured(registry: Registry) -> None:
    outcomes = Round(registry).run_all_of("dev-quick-test")
    assert str(outcomes["quick-summary"].value).startswith("a megabyte took ")


def test_the_digest_names_what_fails(registry: Registry) -> None:
    row = {"name": "copy", "runs": 4, "failed": 2, "timed_out": 1}
    report = {"until": "2026-11-21T02", "totals": {"runs": 9}, "jobs": [row]}
    Path("reports").mkdir()
    Path("reports/usage.json").write_text(json.dumps(report))
    made = Round(registry)
    made.outcomes["write-usage-report"] = Outcome(Status.COMPLETED, value={"json": "reports/usage.json"})
    assert made.run("write-history-digest").value == {"file": "reports/digest.md", "failing": ["copy"]}
    assert "- **copy** failed 3 of 4 times" in Path("reports/digest.md").read_text()


def test_the_cleanup_removes_what_is_old_and_nothing_else(registry: Registry) -> None:
    snapshots = Path("reports/snapshots")
    snapshots.mkdir(parents=True)
    for name in ("2026-10-22T015959Z.json", "2026-10-22T020000Z.json", "notes.txt"):
        (snapshots / name).touch()
    for name, age in ((".usage.json.1.partial", 25), (".usage.json.2.partial", 23)):
        Path("reports", name).touch()
        moment = (NOW - timedelta(hours=age)).timestamp()
        os.utime(Path("reports", name), (moment, moment))
    made = Round(registry)
    made.outcomes["archive-reports"] = Outcome(Status.COMPLETED)
    assert made.run("remove-old-snapshots").value == {"removed": 2}
    assert made.progress == [(1, 2), (2, 2)]
    assert sorted(path.name for path in snapshots.iterdir()) == ["2026-10-22T020000Z.json", "notes.txt"]
    assert Path("reports/.usage.json.2.partial").exists()
