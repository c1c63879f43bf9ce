"""`scheduled settings` and `scheduled version`."""

import re
from typing import TYPE_CHECKING, Any

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.settings import Settings, Sources

PASSWORD = re.compile(r"(://[^:/?#@]*:)[^?]*@")
SECRET = re.compile(r"(?<=[?&])(\w*(?:password|passwd|secret|token)\w*)=[^&]*", re.IGNORECASE)


@click.command()
@common.json_option
def settings(as_json: bool) -> None:
    """Show each setting, where it came from and what it does.

    Passwords and secrets are masked.
    """
    found = common.sources()
    for variable, meant in found.suspicious().items():
        click.echo(f"warning: {variable} is no setting: did you mean {meant}?", err=True)
    rows = _rows(common.settings(), found)
    if as_json:
        common.print_json(rows)
        return
    shown = [(row["variable"], _shown(row["value"]), row["source"], row["description"]) for row in rows]
    common.print_table(("variable", "value", "from", "what it does"), shown)


def _rows(settings: "Settings", sources: "Sources") -> list[dict[str, Any]]:
    """Each setting as JSON has it. The keys are stable."""
    from scheduled.settings import SECRETS, VARIABLES, Settings

    values: dict[str, Any] = dict(settings) | {
        "auto_migrate": settings.migrates,
        "database_url": _masked(settings.database_url),
    }
    values |= {name: "set" for name in SECRETS if values[name] is not None}
    given = sources.values()
    return [
        {
            "variable": variable,
            "value": values[name],
            "source": sources.of(variable) if variable in given else "default",
            "description": Settings.model_fields[name].description,
        }
        for variable, name in VARIABLES.items()
    ]


def _masked(url: str) -> str:
    """The URL without its secrets, also when a password has characters that should have been escaped."""
    return SECRET.sub(r"\1=***", PASSWORD.sub(r"\1***@", url))


def _shown(value: object) -> str:
    if value is None:
        return common.NOTHING
    return str(value).lower() if isinstance(value, bool) else str(value)


@click.command()
@common.json_option
def version(as_json: bool) -> None:
    """Show the version."""
    import platform

    from scheduled.clock import zone_data_version
    from scheduled.version import VERSION

    if as_json:
        python = {"python": platform.python_version(), "platform": platform.platform()}
        common.print_json({"version": VERSION, **python, "zone_data": zone_data_version()})
    else:
        click.echo(
            f"scheduled {VERSION} (Python {platform.python_version()}, zone data {zone_data_version()})"
        )
