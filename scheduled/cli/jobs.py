"""`scheduled jobs`: groups and dependencies as a tree, and how each job did lately."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from scheduled.joblist import JobEntry
    from scheduled.settings import Settings
    from scheduled.store.database import Database


@click.command()
@common.schedules_option
@common.json_option
def jobs(schedules: str | None, as_json: bool) -> None:
    """Show groups and dependencies as a tree, with last outcomes.

    What hangs below a job runs before it. The median is that of its newest 50 completed runs.
    """
    from scheduled.joblist import job_list

    settings = common.settings(SCHEDULE_DEFINITIONS=schedules)
    registry = common.load_definitions(settings)
    database = _history(settings)
    entries = job_list(registry, database)
    if as_json:
        common.print_json([entry.as_json() for entry in entries])
    elif not entries:
        click.echo(f"there are no jobs in {settings.definitions}: decorate a function with @job")
    else:
        title = f"{settings.definitions}: {len(entries)} jobs; what hangs below a job runs before it"
        common.print_page(_tree(title, entries, common.now(), has_history=database is not None))


def _history(settings: "Settings") -> "Database | None":
    from scheduled.errors import DatabaseError

    try:
        return common.open_database(settings)
    except DatabaseError as error:
        click.echo(f"no history: {error}", err=True)
        return None


def _tree(title: str, entries: list["JobEntry"], now: datetime, has_history: bool) -> "Tree":
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(title))
    lines = {entry.name: _line(entry, now, has_history) for entry in entries}
    known = {entry.name: entry for entry in entries}
    for group in dict.fromkeys(entry.group for entry in entries):
        branch = root.add(Text(group or "in no group", style="bold"))
        members = [entry for entry in entries if entry.group == group]
        needed = {name for entry in members for name in entry.depends_on}
        told: set[str] = set()
        for entry in members:
            if entry.name not in needed:
                _hang(branch, entry, known, lines, told)
    return root


def _hang(
    branch: "Tree",
    entry: "JobEntry",
    known: Mapping[str, "JobEntry"],
    lines: dict[str, "Text"],
    told: set[str],
) -> None:
    """Hang a job and what it depends on below `branch`: once whole, else its name, in its own group whole."""
    told.add(entry.name)
    node = branch.add(lines[entry.name])
    for name in entry.depends_on:
        if known[name].group != entry.group:
            node.add(_dim(f"{name} (in {known[name].group or 'no group'})"))
        elif name in told:
            node.add(_dim(f"{name} (above)"))
        else:
            _hang(node, known[name], known, lines, told)


def _dim(text: str) -> "Text":
    from rich.text import Text

    return Text(text, style="dim")


def _line(entry: "JobEntry", now: datetime, has_history: bool) -> "Text":
    """'backup-database: COMPLETED 2 hours ago, 1.2 s as a rule'."""
    from rich.text import Text

    last = entry.last_run
    line = Text(entry.name)
    if last is not None:
        line.append("  ").append_text(common.status_text(last.status))
        if last.reason:
            line.append(f" ({last.reason})")
        if moment := last.finished_at or last.started_at:
            line.append(f" {common.relative(moment, now)}")
    elif has_history:
        line.append("  never ran", style="dim")
    if entry.median_ms is not None:
        line.append(f", median {common.duration(entry.median_ms)}")
    if not entry.schedules:
        line.append("  in no schedule", style="yellow")
    return line
