"""The commands that change something: enable, disable, trigger, rerun, cancel."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.requesting import Requested


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--reason", help="Why: kept with the event.")
def enable(ids: tuple[str, ...], reason: str | None) -> None:
    """Switch schedules on. They owe nothing for the time before."""
    changed = _commands().enable(ids, reason)
    for schedule_id in dict.fromkeys(ids):
        click.echo(f"{schedule_id} is enabled" + ("" if schedule_id in changed else " already"))


@click.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--reason", help="Why: kept with the event.")
def disable(ids: tuple[str, ...], reason: str | None) -> None:
    """Switch schedules off. What runs now, runs on."""
    changed = _commands().disable(ids, reason)
    for schedule_id in dict.fromkeys(ids):
        click.echo(f"{schedule_id} is disabled" + ("" if schedule_id in changed else " already"))


@click.command()
@click.argument("schedule_id", metavar="ID")
@click.option(
    "--job", "jobs", multiple=True, metavar="NAME", help="Only this job, and what it depends on. Repeatable."
)
@click.option("--param", "params", multiple=True, metavar="K=V", help="A parameter for the jobs. Repeatable.")
@click.option(
    "--for",
    "for_instant",
    metavar="INSTANT",
    help="A past due instant that it is for, as a re-run for yesterday; without an offset, in the schedule's "
    "time zone. The jobs see it as ctx.due_at.",
)
@click.option("--wait", is_flag=True, help="Follow it, and exit by its outcome.")
@click.option("--inline", is_flag=True, help="Run it here and now, needing no daemon.")
@click.option("--schedules", help="Where the schedules are defined (with --inline).")
def trigger(
    schedule_id: str,
    jobs: tuple[str, ...],
    params: tuple[str, ...],
    for_instant: str | None,
    wait: bool,
    inline: bool,
    schedules: str | None,
) -> None:
    """Run a schedule now, also while it is disabled."""
    from scheduled.commands import read_params

    given = read_params(params)
    moment = None if for_instant is None else _moment(for_instant)
    if inline:
        _run_inline(schedule_id, jobs, given, moment, schedules)
        return
    _tell(_commands().trigger(schedule_id, jobs, given, for_instant=moment), wait)


@click.command()
@click.argument("occurrence", type=int)
@click.option("--failed", is_flag=True, help="Only the jobs that did not complete: go on from the failure.")
@click.option("--wait", is_flag=True, help="Follow it, and exit by its outcome.")
def rerun(occurrence: int, failed: bool, wait: bool) -> None:
    """Run once more what has ended: the same jobs, with the same parameters, for the same instant.

    OCCURRENCE is its number, as `scheduled history --occurrences` lists it. What becomes of it is an
    occurrence of its own. With --failed, the jobs that completed are not repeated; those that run are handed
    their results.
    """
    _tell(_commands().run_again(occurrence, from_failed=failed), wait)


@click.command()
@click.argument("occurrence", type=int)
def cancel(occurrence: int) -> None:
    """End an occurrence that waits or runs."""
    done = _commands().cancel(occurrence)
    told = "is cancelled" if done.at_once else "is asked to stop"
    click.echo(f"occurrence {occurrence} of {done.schedule_id} {told}")


def _tell(asked: "Requested", wait: bool) -> None:
    """Say what waits now; with `wait`, follow it and exit by its outcome."""
    told = "was asked for already, and waits" if asked.already else "waits for a daemon"
    due = "" if asked.for_instant is None else f", for {asked.for_instant:%Y-%m-%d %H:%M:%S} UTC,"
    click.echo(f"occurrence {asked.occurrence_id} of {asked.schedule_id}{due} {told}")
    if wait:
        _exit_by(_follow(asked.occurrence_id), asked.occurrence_id)


def _commands() -> Any:
    from scheduled.commands import Commands, who

    settings = common.settings()
    return Commands(common.open_database(settings), who(), settings.missed_grace_ms / 1000)


def _moment(text: str) -> datetime:
    """An instant; naive if it has no offset, because only the database knows the schedule's time zone."""
    common.instant(text, option="--for")
    return datetime.fromisoformat(text)


def _run_inline(
    schedule_id: str,
    jobs: tuple[str, ...],
    params: dict[str, Any],
    for_instant: datetime | None,
    definitions: str | None,
) -> None:
    from scheduled.commands import who
    from scheduled.inline import run_inline
    from scheduled.loading import load
    from scheduled.logs import log_to_stderr

    settings = common.settings(SCHEDULE_DEFINITIONS=definitions)
    registry = load(settings.definitions, settings.environment)
    registry.schedule(schedule_id)
    database = common.open_database(settings)
    log = log_to_stderr(settings.log_format, settings.log_level)
    click.get_current_context().call_on_close(log.close)
    occurrence_id, status = run_inline(
        database, settings, registry, log.events(), who(), schedule_id, jobs, params, for_instant
    )
    _exit_by(status, occurrence_id)


def _follow(occurrence_id: int) -> str:
    """Wait until the occurrence has ended; its status."""
    from scheduled.store import schedules
    from scheduled.words import GOING_ON

    shown = ""
    with common.open_database(common.settings()).hold() as held:
        while True:
            row: Any = held.row(schedules.OCCURRENCE, the_id=occurrence_id)
            if row.status not in GOING_ON:
                return str(row.status)
            if row.status != shown:
                shown = row.status
                click.echo(f"occurrence {occurrence_id} is {shown}", err=True)
            time.sleep(0.2)


def _exit_by(status: str, occurrence_id: int) -> None:
    click.echo(f"occurrence {occurrence_id} is {status}")
    if status != "COMPLETED":
        raise SystemExit(1)
