"""`scheduled list`: every schedule that the database knows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from scheduled.cli import common

HEADINGS = ("id", "name", "expression", "in words", "zone", "state", "last run", "status", "next run",
            ">runs", ">failed", ">skipped")  # fmt: skip
NARROW = ("schedule", "when", "state", "last run", "next run", ">runs", ">failed", ">skipped")


@click.command("list")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many. [default: all]")
@click.option("--after", metavar="ID", help="Only those whose id comes after this one: the next page.")
@common.json_option
def list_(limit: int | None, after: str | None, as_json: bool) -> None:
    """List all schedules, with their last and next run."""
    from scheduled.store import reads
    from scheduled.views import described

    rows = reads.all_schedules(common.open_database(common.settings()), after, limit)
    found = [described(row) for row in rows]
    if as_json:
        common.print_json(found)
    elif not found and after is not None:
        click.echo(f"no schedule's id comes after {after}")
    elif not found:
        click.echo("there are no schedules yet: `scheduled run` stores them when it starts")
    else:
        now = common.now()
        if common.on_terminal():
            common.print_table(NARROW, [_narrow(schedule, now) for schedule in found])
        else:
            common.print_table(HEADINGS, [_wide(schedule, now) for schedule in found])


def _state(schedule: Mapping[str, Any]) -> str:
    if schedule["orphaned"]:
        return "orphaned"
    if schedule["running"]:
        return "running"
    return "on" if schedule["enabled"] else "off"


def _next(moment: datetime | None, now: datetime) -> str:
    """A due instant that has passed waits for a daemon."""
    overdue = "due " if moment is not None and moment < now else ""
    return overdue + common.relative(moment, now)


def _counts(schedule: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(schedule["run_count"]), str(schedule["failure_count"]), str(schedule["skipped_count"])


def _wide(schedule: Mapping[str, Any], now: datetime) -> list[Any]:
    last = common.relative(schedule["last_run_at"], now)
    return [
        *(schedule["id"], schedule["name"], schedule["expression"], schedule["in_words"]),
        *(schedule["timezone"], _state(schedule), last, common.status_text(schedule["last_status"])),
        *(_next(schedule["next_run_at"], now), *_counts(schedule)),
    ]


def _narrow(schedule: Mapping[str, Any], now: datetime) -> list[Any]:
    """Two lines a schedule, so that it fits."""
    from rich.text import Text

    def two(first: str, second: Text | str) -> Text:
        return Text.assemble(first, "\n", second if isinstance(second, Text) else (second, "dim"))

    return [
        two(schedule["id"], schedule["name"]),
        two(schedule["in_words"], f"{schedule['expression']} {schedule['timezone']}"),
        _state(schedule),
        two(common.relative(schedule["last_run_at"], now), common.status_text(schedule["last_status"])),
        _next(schedule["next_run_at"], now),
        *_counts(schedule),
    ]
