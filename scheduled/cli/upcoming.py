"""`scheduled next`: when a schedule or an expression is due."""

from typing import TYPE_CHECKING

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.expressions import Expression


@click.command("next")
@click.argument("what", metavar="SCHEDULE|EXPRESSION", nargs=-1, required=True)
@click.option(
    "--tz", metavar="ZONE", help="The time zone of an expression; for a schedule, the one to tell in."
)
@click.option("--after", metavar="INSTANT", help="Later than this, as in 2026-03-29T01:00. Default: now.")
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=5, show_default=True, help="Tell so many instants."
)
@common.schedules_option
@common.json_option
def next_(
    what: tuple[str, ...], tz: str | None, after: str | None, count: int, schedules: str | None, as_json: bool
) -> None:
    """Tell when a schedule or an expression is due next.

    Needs no database. Quote an expression that has a star: scheduled next '*/15 9-17 * * mon-fri'
    """
    from scheduled.expressions import parse
    from scheduled.instants import upcoming

    expression = _found(" ".join(what), tz, schedules)
    zone = parse("* * * * *", tz).zone if tz else expression.zone
    now = common.now()
    since = now if after is None else common.instant(after, expression.zone, "--after")
    instants = upcoming(expression.text, expression.timezone, since, count)
    told = [instant.astimezone(zone) for instant in instants]
    if as_json:
        common.print_json(told)
        return
    click.echo(f"{expression.describe()} ({expression.timezone})")
    for instant in told:
        click.echo(f"{instant:%a} {instant.isoformat(sep=' ')}  {common.relative(instant, now)}")
    if not told:
        click.echo("it is not due again: the calendar ends with the year 9998")


def _found(what: str, tz: str | None, definitions: str | None) -> "Expression":
    """What is meant: the schedule of that id, if the definitions load and have it, else an expression.

    Only what could be an id makes us load the user's code.

    Raises:
        ExpressionError: it is neither.
    """
    from scheduled.definitions import NAME
    from scheduled.errors import ExpressionError, FaultsError, UnknownNameError
    from scheduled.expressions import parse

    if not NAME.fullmatch(what):
        return parse(what, tz or "UTC")
    try:
        return (
            common.load_definitions(common.settings(SCHEDULE_DEFINITIONS=definitions))
            .schedule(what)
            .expression
        )
    except FaultsError as error:
        no_schedule = "; ".join(map(str, error.faults))
    except UnknownNameError as error:
        no_schedule = str(error)
    try:
        return parse(what, tz or "UTC")
    except ExpressionError as error:
        raise ExpressionError(
            f"{what!r} is neither a schedule nor an expression.\n"
            f"  As a schedule: {no_schedule}\n  As an expression: {error}"
        ) from None
