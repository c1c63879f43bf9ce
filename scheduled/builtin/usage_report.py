"""Reports from the history how often everything ran, how well, how long and how late."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from scheduled.builtin.files import write_atomically
from scheduled.builtin.making import JobOptions, make, not_whole
from scheduled.builtin.percentiles import Histogram
from scheduled.builtin.usage_pages import as_markdown
from scheduled.clock import Clock
from scheduled.context import JobContext
from scheduled.definitions import Job
from scheduled.words import REQUESTS, RETRIED, Status

if TYPE_CHECKING:
    from scheduled.store.database import Database
    from scheduled.store.usage import KnownSchedule, OccurrenceFigures, RunFigures

MILLISECOND = timedelta(milliseconds=1)
UNFINISHED = (Status.QUEUED, Status.RUNNING)
RAN = (Status.COMPLETED, *RETRIED, Status.CANCELLED, Status.INTERRUPTED)


def write_usage_report(
    *, days: int = 7, folder: str | Path = "reports", file: str = "usage", **options: Unpack[JobOptions]
) -> Job:
    """A job that writes `usage.json` and `usage.md` into `folder`: the last `days` days, by schedule and job.

    A job's run counts once, by its last attempt; a schedule's run is an occurrence. The success rate is
    completed / (completed + failed + timed out). Durations are those of completed attempts and occurrences.
    Lateness is from the due instant to the start (of a job: of its first attempt, so that it holds the wait
    for the jobs before it), without requests, which are due when they are made. Percentiles are by nearest
    rank, exact below two seconds and within 0.1 % above. A stretch of skipped instants that reaches into
    the days counts whole. Returns the files and the totals.
    """

    def run(ctx: JobContext) -> dict[str, Any]:
        from scheduled.settings import load_settings
        from scheduled.store.database import Database

        until = Clock().now()
        database = Database(load_settings().database_url)
        try:
            report = usage(database, until - timedelta(days=days), until)
        finally:
            database.close()
        pages = {
            "json": json.dumps(report, indent=2, ensure_ascii=False) + "\n",
            "markdown": as_markdown(report),
        }
        files = {"json": Path(folder, f"{file}.json"), "markdown": Path(folder, f"{file}.md")}
        for kind, path in files.items():
            write_atomically(path, pages[kind])
        return {kind: str(path) for kind, path in files.items()} | {"days": days, "totals": report["totals"]}

    about = f"Report the last {days} days' runs, success rates, durations and lateness"
    wrong = not_whole("days", days, 1)
    return make(run, "write-usage-report", about, options, own=("days", "folder", "file"), wrong=wrong)


def usage(database: "Database", since: datetime, until: datetime) -> dict[str, Any]:
    """The report, as JSON values."""
    from scheduled.store import usage as history

    known = history.known_schedules(database)
    jobs = tally_runs(history.runs_queued_since(database, since), known)
    schedules = tally_occurrences(history.occurrences_due_since(database, since), known)
    enabled = {schedule.id: schedule.enabled for schedule in known}
    totals = Tally()
    for tally in schedules.values():
        totals.include(tally)
    return {
        "from": since.isoformat(),
        "until": until.isoformat(),
        "totals": totals.figures(),
        "schedules": [
            {"id": schedule_id, "enabled": enabled.get(schedule_id)} | schedules[schedule_id].figures()
            for schedule_id in sorted(schedules)
        ],
        "jobs": [
            {"name": name, "attempts": jobs[name].attempts} | jobs[name].figures() for name in sorted(jobs)
        ],
    }


@dataclass
class Tally:
    """What is counted of one schedule or one job."""

    outcomes: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    durations: Histogram = field(default_factory=Histogram)
    lateness: Histogram = field(default_factory=Histogram)

    def count(self, status: str, reason: str | None, times: int = 1) -> None:
        if status == Status.SKIPPED:
            self.skipped[reason or "unknown"] += times
        elif status not in UNFINISHED:
            self.outcomes[status] += times

    def be_late(self, due_at: datetime, started_at: datetime | None, trigger: str) -> None:
        if started_at is not None and trigger not in REQUESTS:
            self.lateness.add(max(0, (started_at - due_at) // MILLISECOND))

    def include(self, other: "Tally") -> None:
        """Add the other's counts; its durations and lateness would mean nothing together with these."""
        self.outcomes += other.outcomes
        self.skipped += other.skipped

    def figures(self) -> dict[str, Any]:
        judged = sum(self.outcomes[status] for status in (Status.COMPLETED, *RETRIED))
        rate = round(self.outcomes[Status.COMPLETED] / judged, 4) if judged else None
        found: dict[str, Any] = {"runs": self.outcomes.total(), "success_rate": rate}
        found |= {status.lower(): self.outcomes[status] for status in RAN}
        found |= {"skipped": self.skipped.total(), "skipped_by_reason": dict(self.skipped.most_common())}
        for name, histogram in (("duration_ms", self.durations), ("lateness_ms", self.lateness)):
            if histogram.count:
                found[name] = {f"p{percent}": histogram.percentile(percent) for percent in (50, 95)}
        return found


def tally_runs(attempts: Iterable["RunFigures"], known: Iterable["KnownSchedule"]) -> dict[str, Tally]:
    """By job. The attempts come newest first, so that the first one of a job's run is its last."""
    tallies = {name: Tally() for schedule in known for name in schedule.jobs}
    superseded: set[tuple[int, str, str]] = set()
    for run in attempts:
        tally = tallies.setdefault(run.job_name, Tally())
        key = (run.occurrence_id, run.job_name, run.tenant)
        if key not in superseded:
            tally.count(run.status, run.reason)
        if run.attempt > 1:
            superseded.add(key)
        else:
            superseded.discard(key)
            tally.be_late(run.due_at, run.started_at, run.trigger)
        tally.attempts += run.started_at is not None
        if run.status == Status.COMPLETED and run.duration_ms is not None:
            tally.durations.add(run.duration_ms)
    return tallies


def tally_occurrences(
    found: Iterable["OccurrenceFigures"], known: Iterable["KnownSchedule"]
) -> dict[str, Tally]:
    """By schedule."""
    tallies = {schedule.id: Tally() for schedule in known}
    for occurrence in found:
        tally = tallies.setdefault(occurrence.schedule_id, Tally())
        tally.count(occurrence.status, occurrence.reason, occurrence.due_count)
        tally.be_late(occurrence.due_at, occurrence.started_at, occurrence.trigger)
        started_at, finished_at = occurrence.started_at, occurrence.finished_at
        if occurrence.status == Status.COMPLETED and started_at is not None and finished_at is not None:
            tally.durations.add(max(0, (finished_at - started_at) // MILLISECOND))
    return tallies
