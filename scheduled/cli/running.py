"""`scheduled run`: the daemon."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from scheduled.cli import common
from scheduled.cli.durations import duration

if TYPE_CHECKING:
    from scheduled.events import Events
    from scheduled.settings import Settings
    from scheduled.store.database import Database


@click.command()
@click.option("--once", is_flag=True, help="Run what is due now, and exit: for a crontab or a CronJob.")
@click.option(
    "--poll-interval",
    callback=duration,
    metavar="10s",
    help="Look for work at least this often. [SCHEDULE_POLL_INTERVAL_MS]",
)
@click.option(
    "--web",
    is_flag=False,
    flag_value="",
    metavar="[HOST:PORT]",
    help="Serve the admin, too, on a thread of its own. [SCHEDULE_WEB_ADDRESS]",
)
@common.schedules_option
def run(once: bool, poll_interval: int | None, web: str | None, schedules: str | None) -> None:
    """Run what is due, until told to stop: the daemon.

    It creates the database if there is none. SIGTERM or Ctrl-C stop it in good order; SIGHUP reloads the
    definitions.
    """
    overrides = {
        "SCHEDULE_POLL_INTERVAL_MS": poll_interval,
        "SCHEDULE_DEFINITIONS": schedules,
        "SCHEDULE_WEB_ADDRESS": web or None,
    }
    settings = common.settings(**overrides)
    if not settings.daemon_enabled:
        click.echo("the daemon is disabled: SCHEDULE_DAEMON_ENABLED is false")
        return

    from scheduled.host import require_platform

    require_platform()

    from scheduled.daemon import Daemon, start_afresh
    from scheduled.errors import DefinitionsError
    from scheduled.events import WARNING
    from scheduled.loading import load
    from scheduled.logs import log_to_stderr
    from scheduled.rejecting import note_failed_start
    from scheduled.store.schema import prepare

    try:
        registry = load(settings.definitions, settings.environment)
    except DefinitionsError as error:
        note_failed_start(settings.database_url, common.now(), str(error))
        raise
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
    admin = nullcontext() if web is None else _admin(settings, events)
    gc.freeze()  # what is there now stays: to look for garbage among it would keep jobs waiting
    with _metrics(settings, database, events), admin:
        reload = daemon.run()
    if reload:
        start_afresh()


@contextmanager
def _metrics(settings: "Settings", database: "Database", events: "Events") -> Iterator[None]:
    """Metrics are served within the block, if the setting says where."""
    if settings.metrics_address is None:
        yield
        return
    from importlib.util import find_spec

    from scheduled.errors import ScheduledError

    if find_spec("prometheus_client") is None:
        raise ScheduledError(
            "SCHEDULE_METRICS_PORT needs prometheus_client: install scheduled-daemon with its extra `web`"
        )
    from scheduled.metrics import Metrics, served

    host, port = settings.metrics_address
    with served(Metrics(database), host, port) as bound:
        shown = f"[{host}]" if ":" in host else host
        events.emit("metrics.started", url=f"http://{shown}:{bound}/metrics")
        yield


@contextmanager
def _admin(settings: "Settings", events: "Events") -> Iterator[None]:
    """The admin is served within the block, on connections of its own."""
    from scheduled.cli.web import require_extra, tell_of_setup

    require_extra()

    from scheduled.web.app import create_app
    from scheduled.web.inviting import invitation
    from scheduled.web.serving import bind, serving, url_of

    listener = bind(settings.web_address)
    app = create_app(settings)
    setup = invitation(app.state.site.gate, listener)
    with serving(app, listener):
        events.emit("web.started", url=url_of(listener))
        tell_of_setup(events, setup)
        yield
    app.state.site.database.close()
