"""`scheduled history` and `scheduled run-log`: what ran, and one run whole."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from scheduled.cli import common
from scheduled.cli.durations import duration
from scheduled.phrases import lasting

if TYPE_CHECKING:
    from scheduled.store.database import Database

HEADINGS = (">run", "schedule", "job", ">attempt", "status", "started", ">took", "why")
LEDGER_HEADINGS = (
    ">occurrence",
    "schedule",
    "due",
    ">instants",
    "by",
    "status",
    "started",
    ">took",
    "jobs",
    "why",
)


@click.command()
@click.argument("schedule_id", metavar="[ID]", required=False)
@click.option("--status", "statuses", multiple=True, help="Only runs that are or ended so. Repeatable.")
@click.option("--job", metavar="NAME", help="Only runs of this job.")
@click.option("--occurrences", is_flag=True, help="List the ledger instead: due instants, also skipped ones.")
@click.option("--last", callback=duration, metavar="7d", help="Only runs of this last stretch of time.")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="At most so many."
)
@common.json_option
def history(
    schedule_id: str | None,
    statuses: tuple[str, ...],
    job: str | None,
    occurrences: bool,
    last: int | None,
    limit: int,
    as_json: bool,
) -> None:
    """List what ran, newest first: each attempt to run a job.

    With ID, only what ran for that schedule. With --occurrences, one line for each due instant and each
    request instead, and for each stretch of instants that were skipped.
    """
    from scheduled.errors import UsageError
    from scheduled.store import reads

    if occurrences and job is not None:
        raise UsageError(
            "--job chooses among runs; an occurrence runs several jobs: leave one of the two out"
        )
    chosen = tuple(_status(status) for status in statuses)
    database = common.open_database(common.settings())
    now = common.now()
    since = None if last is None else now - timedelta(milliseconds=last)
    wanted = reads.Wanted(schedule_id, job, chosen, since, limit)
    found = reads.occurrence_history(database, wanted) if occurrences else reads.history(database, wanted)
    if not found:
        _require_known(database, schedule_id, job)
    if as_json:
        common.print_json(found)
    elif found and occurrences:
        common.print_table(LEDGER_HEADINGS, [ledger_line(row, now) for row in found])
    elif found:
        common.print_table(HEADINGS, [_line(run, now) for run in found])
    else:
        nothing = "nothing stands in the ledger" if occurrences else "nothing ran"
        click.echo(nothing + (" that fits" if wanted != reads.Wanted(limit=limit) else " yet"))


@click.command("run-log")
@click.argument("job_run", type=click.IntRange(min=1))
@common.json_option
def run_log(job_run: int, as_json: bool) -> None:
    """Show one run whole: times, attempts, error, output, result.

    JOB_RUN is its number, as `scheduled history` lists it.
    """
    from scheduled.errors import UnknownNameError
    from scheduled.store import reads

    # No database holds a number beyond 64 bits, and some refuse to be asked.
    database = common.open_database(common.settings())
    run = reads.one_run(database, job_run) if job_run < 2**63 else None
    if run is None:
        raise UnknownNameError(f"there is no run {job_run}: `scheduled history` lists them")
    run["result"] = None if run["result"] is None else json.loads(run["result"])
    if as_json:
        common.print_json(run)
    else:
        common.echo(_page(run, common.now()))


def _status(given: str) -> str:
    from scheduled.errors import UnknownNameError, did_you_mean
    from scheduled.words import Status

    name = given.upper().replace("-", "_")
    known = [status.value for status in Status]
    if name not in known:
        raise UnknownNameError(f"there is no status {given!r}: {did_you_mean(name, known)}")
    return name


def _require_known(database: "Database", schedule_id: str | None, job: str | None) -> None:
    """Nothing was found: is it that the schedule or the job does not exist?"""
    from scheduled.errors import UnknownNameError, did_you_mean
    from scheduled.store import reads

    if schedule_id is not None and schedule_id not in (known := reads.known_schedules(database)):
        raise UnknownNameError(f"there is no schedule {schedule_id!r}: {did_you_mean(schedule_id, known)}")
    if (
        job is not None
        and job not in (known := reads.known_jobs(database))
        and not reads.ever_ran(database, job)
    ):
        raise UnknownNameError(f"there is no job {job!r}: {did_you_mean(job, known)}")


def _line(run: Mapping[str, Any], now: datetime) -> list[Any]:
    return [
        *(str(run["id"]), run["schedule_id"], run["job_name"], str(run["attempt"])),
        *(common.status_text(run["status"]), common.relative(run["started_at"], now)),
        *(common.duration(run["duration_ms"]), _why(run)),
    ]


def ledger_line(row: Mapping[str, Any], now: datetime) -> list[Any]:
    started, finished = row["started_at"], row["finished_at"]
    took = lasting(finished - started) if started and finished else common.NOTHING
    jobs = f"{row['jobs_completed']}/{row['jobs_total']}" if started else ""
    return [
        *(str(row["id"]), row["schedule_id"], _due(row), str(row["due_count"]), row["trigger"]),
        *(common.status_text(row["status"]), common.relative(started, now), took, jobs),
        _reason(row),
    ]


def _reason(row: Mapping[str, Any]) -> str:
    """The reason's code, and the sentence; the code alone where that says it again."""
    code, sentence = row["reason"] or "", common.one_line(row["detail"], 100)
    return sentence if code and sentence.startswith(code) else ": ".join(filter(None, (code, sentence)))


def _due(row: Mapping[str, Any]) -> str:
    """The instant, or the first and the last of a stretch."""
    first, last = row["due_at"], row["due_until"]
    shown = f"{first:%Y-%m-%d %H:%M:%S}"
    if last == first:
        return shown
    return (
        f"{shown} to {last:%H:%M:%S}"
        if last.date() == first.date()
        else f"{shown} to {last:%Y-%m-%d %H:%M:%S}"
    )


def _why(run: Mapping[str, Any]) -> str:
    """The reason's code, and the error's first line."""
    error = common.one_line(run["error_message"], 100)
    if run["error_type"]:
        error = f"{run['error_type']}: {error}" if error else run["error_type"]
    return ": ".join(part for part in (run["reason"], error) if part)


def _progress(done: float | None, total: float | None) -> str:
    """How far the job told that it had come."""
    if done is None:
        return ""
    return f"{done:,.15g}" if total is None else f"{done:,.15g} of {total:,.15g}"


def _page(run: Mapping[str, Any], now: datetime) -> str:
    """A run for people: facts, then whatever it left behind, each under a heading."""
    occurrence = run["occurrence"]
    asked = f", asked for by {occurrence['requested_by']}" if occurrence["requested_by"] else ""
    facts = {
        "run": f"{run['id']}: {run['job_name']} of {run['schedule_id']}, attempt {run['attempt']}",
        "status": run["status"],
        "why": _why(run),
        "occurrence": f"{occurrence['id']} by {occurrence['trigger']}{asked}: {occurrence['status']}",
        "again": f"what occurrence {occurrence['rerun_of']} ran" if occurrence["rerun_of"] else "",
        "due": common.with_relative(occurrence["due_at"], now),
        "started": common.with_relative(run["started_at"], now),
        "finished": common.with_relative(run["finished_at"], now),
        "took": common.duration(run["duration_ms"]),
        "progress": _progress(run["progress_done"], run["progress_total"]),
        "worker": run["worker_id"] or common.NOTHING,
        "params": json.dumps(occurrence["params"]) if occurrence["params"] else "",
    }
    parts = ["\n".join(f"{name:11} {value}" for name, value in facts.items() if value)]
    if len(run["attempts"]) > 1:
        lines = (
            f"{attempt['attempt']:>3}  run {attempt['id']}  {attempt['status']:11}  "
            f"{common.relative(attempt['started_at'], now)}, {common.duration(attempt['duration_ms'])}"
            for attempt in run["attempts"]
        )
        parts.append("attempts\n" + "\n".join(lines))
    if run["error_message"] and "\n" in run["error_message"]:
        parts.append("error\n" + run["error_message"].rstrip())
    if run["traceback"]:
        parts.append("traceback\n" + run["traceback"].rstrip())
    if run["output"]:
        cut = " (only its end was kept)" if run["truncated"] else ""
        parts.append(f"output{cut}\n" + run["output"].rstrip())
    if run["result"] is not None:
        parts.append("result\n" + json.dumps(run["result"], indent=2, ensure_ascii=False))
    return "\n\n".join(parts)
