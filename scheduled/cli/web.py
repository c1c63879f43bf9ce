"""`scheduled web`: the admin as a process of its own."""

from typing import TYPE_CHECKING

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.events import Events


@click.command()
@click.argument("address", metavar="[HOST:PORT]", required=False)
def web(address: str | None) -> None:
    """Serve the admin: pages for people, an API for programs.

    It runs no job and checks no schedule. [SCHEDULE_WEB_ADDRESS]
    """
    settings = common.settings(SCHEDULE_WEB_ADDRESS=address)
    require_extra()

    from scheduled.logs import log_to_stderr
    from scheduled.store.schema import prepare
    from scheduled.web.app import create_app
    from scheduled.web.attending import attending
    from scheduled.web.inviting import invitation
    from scheduled.web.serving import bind, serve, url_of

    database = common.connect(settings, create=True)
    prepare(database, settings.migrates)
    app = create_app(settings, database=database)
    listener = bind(settings.web_address)
    setup = invitation(app.state.site.gate, listener)
    log = log_to_stderr(settings.log_format, settings.log_level)
    click.get_current_context().call_on_close(log.close)
    log.events().emit("web.started", url=url_of(listener), database=database.name)
    tell_of_setup(log.events(), setup)
    with attending(database, settings, app.state.site.clock, log.events()):
        serve(app, listener)
    log.events().emit("web.stopped")


def tell_of_setup(events: "Events", url: str | None) -> None:
    """Tell whoever looks at the terminal where the first user is let in; they alone have the code."""
    from scheduled.events import WARNING

    if url is not None:
        events.emit("web.setup", WARNING, why="there are no users yet: let yourself in", url=url)


def require_extra() -> None:
    """Refuses to go on where the packages of the extra `web` are not installed.

    Raises:
        ScheduledError: how to install them.
    """
    from importlib.util import find_spec

    from scheduled.errors import ScheduledError

    missing = [name for name in ("fastapi", "jinja2", "uvicorn", "argon2") if find_spec(name) is None]
    if missing:
        raise ScheduledError(
            f"the admin needs {', '.join(missing)}: install scheduled-daemon with its extra `web`"
        )
