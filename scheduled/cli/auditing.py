"""`scheduled health`, `verify`, `prune`, `workers` and `events`: what lets an operator trust the ledger."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from scheduled.cli import common
from scheduled.cli.durations import duration

if TYPE_CHECKING:
    from scheduled.verifying import Verdict


@click.command()
@common.json_option
def health(as_json: bool) -> None:
    """Tell whether all is well, and if not, what to do.

    Exits 1 if anything is not. Made for monitoring: quick, and one JSON object.
    """
    import gc

    gc.disable()  # it would look for cycles among what we import, which is a tenth of our time
    from scheduled.health import health as examine

    gc.enable()
    report = examine(common.settings())
    if as_json:
        common.print_json(report.as_json())
    else:
        for check in report.checks:
            common.echo(f"{'ok  ' if check.ok else 'BAD '} {check.name:13} {check.message}")
    if not report.healthy:
        raise SystemExit(1)


@click.command()
@click.option("--since", metavar="INSTANT", help="Judge only what was due from this instant on.")
@common.json_option
def verify(since: str | None, as_json: bool) -> None:
    """Hold the ledger against everything that was due.

    What was due is computed afresh, from the history of definitions and switches.

    Exits 1 if anything is missing, stands twice, or was not due.
    """
    from scheduled.verifying import verify as audit

    database = common.open_database(common.settings())
    verdict = audit(database, None if since is None else common.instant(since))
    if as_json:
        common.print_json(verdict.as_json())
    else:
        _tell(verdict)
    if not verdict.ok:
        raise SystemExit(1)


def _tell(verdict: "Verdict") -> None:
    shown = [
        [account.schedule_id, *(str(getattr(account, name)) for name in _COUNTS)]
        for account in verdict.accounts
    ]
    common.print_table(("schedule", *_COUNTS), shown)
    found = verdict.as_json()
    for kind in ("missing", "duplicate", "unexpected"):
        for sentence in found[kind]:
            common.echo(f"{kind}: {sentence}")
    told = "every due instant has its one row" if verdict.ok else "the ledger is not as it should be"
    common.echo(f"{found['accounted']} of {found['expected']} accounted for: {told}")


_COUNTS = ("expected", "ran", "skipped", "waiting", "running", "pending", "problems")


@click.command()
@click.option(
    "--older-than",
    callback=duration,
    metavar="90d",
    help="Forget what ended longer ago than this. [SCHEDULE_RETENTION_DAYS]",
)
@click.option("--dry-run", is_flag=True, help="Only count it.")
@common.json_option
def prune(older_than: int | None, dry_run: bool, as_json: bool) -> None:
    """Forget history that is old enough. A daemon may run meanwhile."""
    from dataclasses import asdict

    from scheduled.errors import UsageError
    from scheduled.retention import forget_expired
    from scheduled.retention import prune as forget

    settings = common.settings()
    if older_than is None and not settings.retention_days:
        raise UsageError("SCHEDULE_RETENTION_DAYS is 0, which keeps everything: say --older-than 90d")
    age = (
        timedelta(days=settings.retention_days) if older_than is None else timedelta(milliseconds=older_than)
    )
    cutoff = common.now() - age
    with common.open_database(settings).hold() as held:
        pruned = asdict(forget(held, cutoff, dry_run=dry_run))
        if not dry_run:
            forget_expired(held, common.now())
    if as_json:
        common.print_json({"cutoff": cutoff, "dry_run": dry_run, **pruned})
        return
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in pruned.items())
    common.echo(f"{'would forget' if dry_run else 'forgot'} {counts} from before {cutoff:%Y-%m-%d %H:%M} UTC")


@click.command()
@common.json_option
def workers(as_json: bool) -> None:
    """List the daemons, alive and gone, and what they do."""
    from scheduled.store.reads import worker_instances

    now = common.now()
    rows = worker_instances(common.open_database(common.settings()))
    if as_json:
        common.print_json(rows)
        return
    headings = ("name", "type", "status", "started", "heartbeat", "clock", "runs now", "jobs done", "version")
    common.print_table(headings, [_worker(row, now) for row in rows])


def _worker(row: dict[str, Any], now: Any) -> list[Any]:
    return [
        f"{row['hostname']}/{row['pid']}",
        row["worker_type"],
        common.status_text(row["status"]),
        common.relative(row["started_at"], now),
        common.relative(row["last_heartbeat_at"], now),
        "-" if row["clock_skew_ms"] is None else f"{row['clock_skew_ms'] / 1000:+.1f} s",
        row["current_schedule_id"] or "-",
        str(row["jobs_processed"]),
        row["version"],
    ]


def _facts(data: Mapping[str, Any]) -> str:
    """What an event is about, in short."""
    told = {"occurrence_id": "occurrence", "due_at": "for", "user": "user", "role": "as", "called": "called"}
    return " ".join(f"{word} {data[key]}" for key, word in told.items() if data.get(key)) or "-"


@click.command()
@click.argument("schedule_id", metavar="[ID]", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@common.json_option
def events(schedule_id: str | None, limit: int, as_json: bool) -> None:
    """List who changed what should run, when and why."""
    from scheduled.errors import UnknownNameError, did_you_mean
    from scheduled.store.reads import known_schedules, schedule_events

    now = common.now()
    database = common.open_database(common.settings())
    rows = schedule_events(database, schedule_id, limit)
    if schedule_id and not rows and schedule_id not in (known := known_schedules(database)):
        raise UnknownNameError(f"there is no schedule {schedule_id!r}: {did_you_mean(schedule_id, known)}")
    if as_json:
        common.print_json(rows)
        return
    shown = [
        (
            common.relative(row["at"], now),
            row["schedule_id"] or "-",
            row["event"],
            row["actor"],
            row["reason"] or _facts(row["data"] or {}),
        )
        for row in rows
    ]
    common.print_table(("when", "schedule", "event", "by", "why"), shown)
