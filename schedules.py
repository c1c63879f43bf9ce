"""The schedules of this checkout: a working example, useful without any set-up and without a network.

`make run` starts them (SCHEDULE_ENV=development); only `dev-quick-test` is enabled from the start, the others
wait for `scheduled enable ID`. What they make lies in backups/ and reports/.
"""

import asyncio
import json
import sqlite3
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from scheduled import JobContext, Schedule, SkipJob, command, job
from scheduled.builtin import (
    backup_database,
    check_disk_space,
    check_services,
    optimize_database,
    write_usage_report,
)

REPORTS = Path("reports")
SNAPSHOTS = REPORTS / "snapshots"

# ── maintenance: a backup that was opened, and a database that knows itself ────────────────────────────────

backup = backup_database(group="maintenance", keep=7, timeout=1800)


# A process of its own may hang or crash without taking the daemon with it; it can always be killed.
@job(group="maintenance", depends_on=[backup], isolation="process", timeout=300)
def verify_latest_backup(ctx: JobContext) -> dict[str, Any]:
    """Open the backup that was just made, as somebody would who needs it."""
    made = ctx.results["backup-database"]  # what the job returned; None if it skipped itself
    if made is None:
        raise SkipJob("no backup was made in this run")
    with closing(sqlite3.connect(f"{Path(made['file']).resolve().as_uri()}?mode=ro", uri=True)) as copy:
        runs = copy.execute("SELECT count(*) FROM job_run").fetchone()[0]
        schedules = copy.execute("SELECT count(*) FROM job_schedule").fetchone()[0]
    return {"file": made["file"], "schedules": schedules, "runs": runs}


# By name or by what @job, command() or a factory gave: both are fine in depends_on.
optimize_database(group="maintenance", depends_on=["verify-latest-backup"])

# ── monitoring: what fails here is worth a look ────────────────────────────────────────────────────────────

check_disk_space(group="monitoring", min_free_percent=2)
check_services(group="monitoring", retries=2)  # CHECK_SERVICES=https://example.com,tcp://localhost:5432


@job(group="monitoring")
def system_snapshot(ctx: JobContext) -> dict[str, Any]:
    """Note the load and the memory of this machine, one small file for each due instant."""
    import psutil  # what only a job needs is imported in the job: `scheduled list` stays quick

    memory, load = psutil.virtual_memory(), psutil.getloadavg()
    figures = {"due_at": ctx.due_at.isoformat(), "load": load, "memory_percent": memory.percent}
    SNAPSHOTS.mkdir(parents=True, exist_ok=True)
    # Named after the instant that the run answers for, so that a retry replaces the file.
    (SNAPSHOTS / f"{ctx.due_at:%Y-%m-%dT%H%M%SZ}.json").write_text(json.dumps(figures))
    return figures


# ── reports: from the history to something to read ─────────────────────────────────────────────────────────

write_usage_report(group="reports", days=7, folder=REPORTS)


@job(group="reports", depends_on=["write-usage-report"])
def write_history_digest(ctx: JobContext) -> dict[str, Any]:
    """Say in a few lines of Markdown how the week went, and which jobs need a look."""
    report = json.loads(Path(ctx.results["write-usage-report"]["json"]).read_text())
    failing = [row for row in report["jobs"] if row["failed"] or row["timed_out"]]
    lines = [f"# The week up to {report['until'][:10]}", "", f"{report['totals']['runs']} runs."]
    for row in failing:
        lines.append(f"- **{row['name']}** failed {row['failed'] + row['timed_out']} of {row['runs']} times")
    (REPORTS / "digest.md").write_text("\n".join(lines if failing else [*lines, "Nothing failed."]) + "\n")
    return {"file": str(REPORTS / "digest.md"), "failing": [row["name"] for row in failing]}


# ── cleanup: away with what is old, once it is safe elsewhere ──────────────────────────────────────────────

# Any command is a job too. This one waits for a job of another group, which then runs with it.
archive = command(
    "archive-reports",
    "mkdir -p backups && tar -czf backups/reports.tar.gz reports",
    group="cleanup",
    depends_on=["write-history-digest"],
    description="Pack the reports into backups/reports.tar.gz",
    timeout=300,
)


@job(group="cleanup", depends_on=[archive])
def remove_old_snapshots(ctx: JobContext) -> dict[str, int]:
    """Remove the snapshots of more than 30 days ago, and unfinished files that a crash left behind."""
    oldest = f"{ctx.due_at - timedelta(days=30):%Y-%m-%dT%H%M%SZ}.json"
    files = [path for path in SNAPSHOTS.glob("*.json") if path.name < oldest]
    yesterday = ctx.due_at.timestamp() - 86_400
    files += [path for path in REPORTS.glob(".*.partial") if path.stat().st_mtime < yesterday]
    for done, path in enumerate(files, 1):
        path.unlink(missing_ok=True)
        ctx.progress(done, len(files))
    return {"removed": len(files)}


# ── quick: something to watch while you try the product ────────────────────────────────────────────────────


@job(group="quick", timeout=5)
def quick_write() -> dict[str, float]:
    """Measure how long it takes to write a megabyte and read it back."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as file:
        file.write(bytes(1_000_000))
        file.seek(0)
        read = len(file.read())
    return {"bytes": read, "ms": round((time.perf_counter() - started) * 1000, 3)}


# An async function is a job as any other.
@job(group="quick", timeout=5)
async def quick_pulse() -> dict[str, float]:
    """Measure how late ten short sleeps of asyncio are at the worst."""

    async def late() -> float:
        started = time.perf_counter()
        await asyncio.sleep(0.01)
        return (time.perf_counter() - started - 0.01) * 1000

    return {"worst_ms": round(max(await asyncio.gather(*(late() for _ in range(10)))), 3)}


@job(group="quick", timeout=5, depends_on=[quick_write, quick_pulse])
def quick_summary(ctx: JobContext) -> str:
    """Put together what the two others measured."""
    disk, pulse = ctx.results["quick-write"], ctx.results["quick-pulse"]
    ctx.log.info("this line is captured, and shown by `scheduled run-log %d`", ctx.job_run_id)
    return f"a megabyte took {disk['ms']} ms, and the event loop was at most {pulse['worst_ms']} ms late"


schedules = [
    Schedule(
        id="daily-full-sync",
        name="Daily Full Sync",
        description="Run all jobs once per day at 2am UTC",
        cron="0 2 * * *",
    ),
    Schedule(
        id="hourly-monitoring", name="Hourly Monitoring", cron="0 * * * *", mode="GROUP", group="monitoring"
    ),
    # What a report missed, the next one tells: only the newest is worth running after a pause.
    Schedule(
        id="report-refresh",
        name="Report Refresh",
        cron="*/15 * * * *",
        mode="GROUP",
        group="reports",
        missed="run_latest",
    ),
    Schedule(id="weekly-cleanup", name="Weekly Cleanup", cron="0 3 * * 0", mode="GROUP", group="cleanup"),
    Schedule(
        id="dev-quick-test",
        name="Dev Quick Test",
        description="Three harmless jobs, to see something happen",
        cron="every 15 seconds",
        mode="GROUP",
        group="quick",
        environments=["development"],
        enabled_by_default=True,
    ),
]
