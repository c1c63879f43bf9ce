"""What the commands share: settings, the database, the definitions, and what stands on the page.

Imported by every command, so it imports only what is light; the rest when it is used.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from rich.text import Text

    from scheduled.registry import Registry
    from scheduled.settings import Settings, Sources
    from scheduled.store.database import Database

C = TypeVar("C", bound=Callable[..., Any])

WIDE = 10_000
"""The columns of a page that nobody looks at: no id is ever cut or wrapped when the output is piped."""
NOTHING = "-"
COLOURS = {
    "COMPLETED": "green", "FAILED": "red", "TIMED_OUT": "red", "INTERRUPTED": "yellow",
    "CANCELLED": "yellow", "SKIPPED": "dim", "RUNNING": "cyan", "QUEUED": "cyan",
}  # fmt: skip


def json_option(command: C) -> C:
    """Add `--json` to a command; its parameter is `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def schedules_option(command: C) -> C:
    """Add `--schedules` to a command; its parameter is `schedules`."""
    told = "Where the schedules are defined: a file, a module or module:attribute. [SCHEDULE_DEFINITIONS]"
    return click.option("--schedules", metavar="WHERE", help=told)(command)


def sources() -> "Sources":
    """Where settings come from: the environment, and the .env file of the working directory.

    Raises:
        SettingsError: the file is no text.
    """
    from scheduled.errors import Fault, SettingsError
    from scheduled.settings import Sources

    try:
        return Sources()
    except UnicodeDecodeError as error:
        raise SettingsError([Fault(".env", f"it is no UTF-8 text: {error}")]) from None


def settings(**overrides: Any) -> "Settings":
    """All settings; `overrides` are by variable, and those that are None do not count."""
    from scheduled.settings import load_settings

    return load_settings(sources(), **overrides)


def open_database(settings: "Settings") -> "Database":
    """The database, whose tables are those that this version expects; closed when the command ends.

    Raises:
        DatabaseError: there is none, or it does not answer.
        SchemaError: its tables are not up to date.
    """
    from scheduled.store.schema import require_current

    database = connect(settings)
    require_current(database)
    return database


def connect(settings: "Settings", *, create: bool = False) -> "Database":
    """The database, whatever is in it; closed when the command ends."""
    from scheduled.store.database import Database

    database = Database(settings.database_url, create=create)
    ctx = click.get_current_context()
    ctx.meta["scheduled.database"] = database.name
    ctx.call_on_close(database.close)
    return database


def load_definitions(settings: "Settings", environment: str | None = None) -> "Registry":
    """The definitions. What the user's code prints on the way goes to stderr: stdout is for our answer."""
    from scheduled.loading import load

    with redirect_stdout(sys.stderr):
        return load(settings.definitions, environment)


def now() -> datetime:
    from scheduled.clock import Clock

    return Clock().now()


# --- what stands on the page ------------------------------------------------------------------------------


def instant(text: str, zone: tzinfo = UTC, option: str = "--since") -> datetime:
    """An ISO 8601 instant; without an offset, as the clocks of `zone` show it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no instant: write 2026-03-29, 2026-03-29T01:00 or 2026-03-29T01:00+02:00",
            param_hint=option,
        ) from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def echo(text: str) -> None:
    """Print text on stdout, whatever its encoding can hold."""
    click.echo(text.encode(_encoding(), "replace").decode(_encoding()))


def _encoding() -> str:
    return sys.stdout.encoding or "utf-8"


def print_json(value: Any) -> None:
    """Print JSON: instants as ISO 8601 with their offset."""
    echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def on_terminal() -> bool:
    return sys.stdout.isatty()


def print_table(headings: Sequence[str], rows: Iterable[Sequence["Text | str"]]) -> None:
    """Print a calm table: as wide as the terminal, or as wide as it needs when nobody looks."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False, header_style="bold")
    for heading in headings:
        numeric = heading.startswith(">")
        table.add_column(
            heading.removeprefix(">"), justify="right" if numeric else "left", overflow="fold",
            no_wrap=not on_terminal(),
        )  # fmt: skip
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    echo(_rendered(table))


def print_page(renderable: Any) -> None:
    """Print what rich can render, as wide as a table would be."""
    echo(_rendered(renderable))


def _rendered(renderable: Any) -> str:
    """As text; with colours and within the width only for a terminal, and never with trailing blanks."""
    import io

    from rich.console import Console

    terminal = on_terminal()
    page = io.BytesIO()
    width = None if terminal else WIDE
    with io.TextIOWrapper(page, encoding=_encoding(), errors="replace") as file:
        console = Console(file=file, width=width, force_terminal=terminal, highlight=False)
        console.print(renderable)
        file.flush()
        text = page.getvalue().decode(_encoding())
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n"))


def status_text(status: str | None) -> "Text":
    """A status in its colour."""
    from rich.text import Text

    return Text(status or NOTHING, style=COLOURS.get(status or "", ""))


def relative(moment: datetime | None, now: datetime) -> str:
    """'in 22 hours', '3 minutes ago', 'now'."""
    if moment is None:
        return NOTHING
    from humanize import naturaldelta

    distance = moment - now
    if abs(distance) < timedelta(seconds=1):
        return "now"
    words = naturaldelta(abs(distance))
    return f"in {words}" if distance > timedelta(0) else f"{words} ago"


def with_relative(moment: datetime | None, now: datetime) -> str:
    """'2026-03-29 02:00:00 UTC (in 22 hours)'."""
    if moment is None:
        return NOTHING
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({relative(moment, now)})"


def duration(milliseconds: int | None) -> str:
    """'812 ms', '3.2 s', '2 min 5 s', '1 h 3 min'."""
    from scheduled.phrases import lasting

    return NOTHING if milliseconds is None else lasting(timedelta(milliseconds=milliseconds))


def one_line(text: str | None, limit: int = 200) -> str:
    """The first line, without what would move a cursor."""
    first = next((line for line in (text or "").splitlines() if line.strip()), "")
    shown = "".join(letter if letter.isprintable() else " " for letter in first).strip()
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
