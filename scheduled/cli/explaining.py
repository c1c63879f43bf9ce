"""`scheduled why` and `scheduled show`: what became of an instant, and all about one schedule."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.explain.answer import Explanation
    from scheduled.store.database import Database

TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")


@click.command()
@click.argument("schedule_id", metavar="ID")
@click.option(
    "--at",
    metavar="INSTANT",
    help="As in 2026-03-29T02:00, by the schedule's clock, or 02:00 for the last one. Default: the newest.",
)
@common.json_option
def why(schedule_id: str, at: str | None, as_json: bool) -> None:
    """Explain why a schedule ran or did not.

    It says what became of the instant, what caused it, and what happens next.
    """
    from scheduled.explain.why import why as explain

    settings = common.settings()
    database = common.open_database(settings)
    moment = None if at is None else _within_calendar(_moment(database, schedule_id, at))
    found = explain(database, schedule_id, moment, grace_seconds=settings.grace_seconds, clock=_clock())
    if as_json:
        common.print_json(found.as_json())
    else:
        _tell(found)


@click.command()
@click.argument("schedule_id", metavar="ID")
@common.json_option
def show(schedule_id: str, as_json: bool) -> None:
    """Show all about one schedule.

    Its definition and state, the next ten instants, and its newest occurrences and events.
    """
    from scheduled.views import show as all_about

    settings = common.settings()
    found = all_about(
        common.open_database(settings), schedule_id, grace_seconds=settings.grace_seconds, clock=_clock()
    )
    if as_json:
        common.print_json(found)
    else:
        _page(found, common.now())


def _clock() -> Any:
    """A clock that reads what this command takes for now."""
    from scheduled.clock import Clock

    now = common.now()

    class Read(Clock):
        def now(self) -> datetime:
            return now

    return Read()


def _moment(database: "Database", schedule_id: str, text: str) -> datetime:
    """The instant that is meant, by the clocks of the schedule's zone.

    Raises:
        UsageError: no clock there ever showed it.
    """
    from scheduled.errors import UsageError
    from scheduled.explain.misfit import skipped_wall_time
    from scheduled.expressions import parse
    from scheduled.store import reads

    row = reads.schedule_row(database, schedule_id)
    definition = {} if row is None else row["definition"]
    zone = parse("* * * * *", definition.get("timezone", "UTC")).zone
    if TIME_OF_DAY.fullmatch(text):
        now = common.now().astimezone(zone)
        today = common.instant(f"{now:%Y-%m-%d}T{text}", zone, "--at")
        return today if today <= now else today - timedelta(days=1)
    moment = common.instant(text, zone, "--at")
    if moment.tzinfo is zone and (skipped := skipped_wall_time(moment.replace(tzinfo=None), zone)):
        raise UsageError(f"{skipped}; give the instant with its offset, as in 2026-03-29T01:00+00:00")
    return moment


def _within_calendar(moment: datetime) -> datetime:
    from scheduled.errors import UsageError

    if not 2 <= moment.year <= 9997:
        raise UsageError(f"{moment.isoformat()} lies outside of the calendar, the years 2 to 9997")
    return moment


def _tell(found: "Explanation") -> None:
    at = "it has not been due yet" if found.at is None else f"{found.at:%Y-%m-%d %H:%M:%S %Z}"
    which = "" if found.occurrence_id is None else f", occurrence {found.occurrence_id}"
    common.echo(
        f"{found.schedule_id} at {at}: {found.outcome}{which}" if found.at else f"{found.schedule_id}: {at}"
    )
    for cause in found.causes:
        common.echo(f"  - {cause.message}")
    common.echo("next")
    for cause in found.coming:
        common.echo(f"  - {cause.message}")


def _page(found: Mapping[str, Any], now: datetime) -> None:
    from scheduled.cli.history import LEDGER_HEADINGS, ledger_line
    from scheduled.expressions import parse

    state = "orphaned" if found["orphaned"] else "on" if found["enabled"] else "off"
    facts = {
        "schedule": f"{found['id']}: {found['name']}",
        "what for": found["description"],
        "due": f"{found['in_words']}  ({found['expression']}, {found['timezone']})",
        "jobs": ", ".join(found["jobs"]),
        "state": f"{state}, running" if found["running"] else state,
        "if missed": found["missed"],
        "if it overlaps": found["overlap"],
        "counts": "{run_count} runs, {failure_count} failed, {skipped_count} skipped".format(**found),
        "last run": " ".join((common.with_relative(found["last_run_at"], now), found["last_status"] or "")),
    }
    common.echo("\n".join(f"{name:15} {value}" for name, value in facts.items() if value))
    common.echo("\nnow")
    for cause in found["now"]:
        common.echo(f"  - {cause['message']}")
    common.echo("\nnext instants" + ("" if found["enabled"] and not found["orphaned"] else ", were it on"))
    zone = parse("* * * * *", found["timezone"]).zone
    for instant in found["upcoming"]:
        common.echo(f"  {instant.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}  {common.relative(instant, now)}")
    if found["recent"]:
        common.echo("\nnewest occurrences")
        common.print_table(LEDGER_HEADINGS, [ledger_line(row, now) for row in found["recent"]])
    if found["events"]:
        common.echo("\nevents")
        for event in found["events"]:
            told = f" ({event['reason']})" if event["reason"] else ""
            common.echo(f"  {event['at']:%Y-%m-%d %H:%M:%S} {event['event']} by {event['actor']}{told}")
