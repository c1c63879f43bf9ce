"""The command line. A command's module is loaded when that command is used, and not before.

So this module imports click and nothing else of weight: `scheduled --help` is as quick as click itself.
"""

import errno
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("starting:init", "Write a small schedules.py, Procfile and .env to begin with."),
    "check": ("starting:check", "Load the definitions and list all their faults."),
    "run": ("running:run", "Run what is due, until told to stop: the daemon."),
    "web": ("web:web", "Serve the admin: pages for people, an API for programs."),
    "list": ("listing:list_", "List all schedules, with their last and next run."),
    "jobs": ("jobs:jobs", "Show groups and dependencies as a tree, with last outcomes."),
    "next": ("upcoming:next_", "Tell when a schedule or an expression is due next."),
    "enable": ("switches:enable", "Switch schedules on."),
    "disable": ("switches:disable", "Switch schedules off."),
    "trigger": ("switches:trigger", "Run a schedule now."),
    "rerun": ("switches:rerun", "Run once more what has ended."),
    "cancel": ("switches:cancel", "End an occurrence that waits or runs."),
    "history": ("history:history", "List what ran, newest first."),
    "run-log": ("history:run_log", "Show one run whole: times, attempts, error, output, result."),
    "show": ("explaining:show", "Show all about one schedule."),
    "why": ("explaining:why", "Explain why a schedule ran or did not."),
    "health": ("auditing:health", "Tell whether all is well, and if not, what to do."),
    "verify": ("auditing:verify", "Hold the ledger against everything that was due."),
    "workers": ("auditing:workers", "List the daemons, alive and gone, and what they do."),
    "events": ("auditing:events", "List who changed what should run, when and why."),
    "prune": ("auditing:prune", "Forget history that is old enough."),
    "db": ("migrating:db", "Create, upgrade, downgrade or copy the database's tables."),
    "user": ("users:user", "Say who may use the admin, and what they may do there."),
    "settings": ("about:settings", "Show each setting, where it came from and what it does."),
    "version": ("about:version", "Show the version."),
}
"""Each command: where it lives below this package, and what it does in a few words."""


def entry() -> None:
    """The command as a process of its own, which ends when it is done, whatever a job left behind in it."""
    import sys

    status: object = 1
    try:
        main(prog_name="scheduled")
    except SystemExit as end:
        status = end.code
        if "scheduled.health" in sys.modules and isinstance(status, int | None):
            _end_at_once(status or 0)
        raise
    finally:
        if "scheduled.daemon" in sys.modules:
            from scheduled.daemon import leave

            leave(status if isinstance(status, int) else 0)


def _end_at_once(status: int) -> None:
    """End without taking all modules apart, which takes a sixth of the time that a monitor waits for us."""
    import os
    import sys

    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads: the interpreter knows what to make of that
        return
    os._exit(status)


class LazyGroup(click.Group):
    """Loads its commands one by one; turns the errors that we raise on purpose into a line and a status."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), function)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name in COMMANDS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from scheduled.errors import did_you_mean

        return ctx.fail(f"there is no command {name!r}: {did_you_mean(name, COMMANDS)}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            status = _tell(ctx, error)
            if status is None:
                raise
            ctx.exit(status)


def _tell(ctx: click.Context, error: Exception) -> int | None:
    """Say what was wrong; the exit status. None for what is no fault of the user's but ours."""
    from scheduled.errors import DatabaseError, ScheduledError

    if isinstance(error, OSError) and error.errno != errno.EPIPE:
        click.echo(f"Error: {error}", err=True)
        return 1
    if not isinstance(error, ScheduledError):
        return None
    text = str(error)
    name = ctx.meta.get("scheduled.database")
    if isinstance(error, DatabaseError) and name is not None and name not in text:
        text = f"the database {name} cannot be used: {text}"
    click.echo(f"Error: {text}", err=True)
    return error.exit_status


def _show_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from scheduled.version import VERSION

        click.echo(f"scheduled {VERSION}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
    help="Show the version and exit.",
)  # fmt: skip
def main() -> None:
    """Runs an application's background jobs on a schedule, from one small process.

    Begin with `scheduled init`, `scheduled check` and `scheduled run`.
    """
