"""`scheduled run`: the daemon."""

import click

from scheduled.cli import common
from scheduled.cli.durations import duration


@click.command()
@click.option("--once", is_flag=True, help="Run what is due now, and exit: for a crontab or a CronJob.")
@click.option(
    "--poll-interval",
    callback=duration,
    metavar="10s",
    help="Look for work at least this often. [SCHEDULE_POLL_INTERVAL_MS]",
)
@common.schedules_option
def run(once: bool, poll_interval: int | None, schedules: str | None) -> None:
    """Run what is due, until told to stop: the daemon.

    It creates the database if there is none. SIGTERM or Ctrl-C stop it in good order; SIGHUP reloads the
    definitions.
    """
    overrides = {"SCHEDULE_POLL_INTERVAL_MS": poll_interval, "SCHEDULE_DEFINITIONS": schedules}
    settings = common.settings(**overrides)
    if not settings.daemon_enabled:
        click.echo("the daemon is disabled: SCHEDULE_DAEMON_ENABLED is false")
        return

    from scheduled.host import require_platform

    require_platform()

    from scheduled.daemon import Daemon, start_afresh
    from scheduled.events import WARNING
    from scheduled.loading import load
    from scheduled.logs import log_to_stderr
    from scheduled.store.schema import prepare

    registry = load(settings.definitions, settings.environment)
    database = common.connect(settings, create=True)
    prepare(database, settings.migrates)
    log = log_to_stderr(settings.log_format, settings.log_level)
    click.get_current_context().call_on_close(log.close)
    events = log.events()
    check_options = () if schedules is None else ("--schedules", schedules)
    daemon = Daemon(settings, registry, database, events, once=once, check_options=check_options)
    log.worker_id = daemon.worker_id
    for variable, meant in common.sources().suspicious().items():
        events.emit("settings.suspicious", WARNING, variable=variable, did_you_mean=meant)
    if daemon.run():
        start_afresh()
