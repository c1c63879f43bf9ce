"""`scheduled init` and `scheduled check`: what comes before the first run."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scheduled.cli import common

if TYPE_CHECKING:
    from scheduled.cautions import Caution
    from scheduled.registry import Registry
    from scheduled.settings import Settings


@click.command()
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> None:
    """Write a small schedules.py, Procfile and .env to begin with.

    What exists already is left as it is.
    """
    from scheduled.cli.examples import FILES

    directory.mkdir(parents=True, exist_ok=True)
    written = [name for name, text in FILES.items() if _write(directory / name, text)]
    if not written:
        raise SystemExit(1)
    there = "" if directory == Path() else f"cd {directory}, then "
    click.echo(f"Next: {there}`scheduled check`, and `scheduled run`.")


def _write(file: Path, text: str) -> bool:
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        click.echo(f"{file} exists: it is left as it is", err=True)
        return False
    click.echo(f"{file} is written")
    return True


@click.command()
@common.schedules_option
@click.option("--strict", is_flag=True, help="Exit 1 on warnings, too.")
@common.json_option
def check(schedules: str | None, strict: bool, as_json: bool) -> None:
    """Load the definitions and list all their faults.

    Exits 1 if there are any. It also warns of what may surprise: times that a clock change skips or repeats,
    fields that cron reads otherwise than people do, jobs in no schedule, schedules that are due before their
    jobs are done. Needs no database, but knows from one how long the jobs take.
    """
    from scheduled.errors import DefinitionsError

    settings = common.settings(SCHEDULE_DEFINITIONS=schedules)
    try:
        registry = common.load_definitions(settings)
    except DefinitionsError as error:
        if not as_json:
            raise
        faults = [vars(fault) for fault in error.faults]
        found = {"ok": False, "schedules": None, "jobs": None, "faults": faults, "warnings": []}
        common.print_json(found)
        raise SystemExit(1) from None
    warnings = _warnings(settings, registry)
    passes = not (strict and warnings)
    if as_json:
        counts = {"schedules": len(registry.schedules), "jobs": len(registry.jobs)}
        listed = [vars(warning) for warning in warnings]
        common.print_json({"ok": passes, **counts, "faults": [], "warnings": listed})
    else:
        _tell(settings, registry, warnings)
    if not passes:
        raise SystemExit(1)


def _warnings(settings: "Settings", registry: "Registry") -> list["Caution"]:
    from scheduled.cautions import cautions
    from scheduled.store.durations import seconds_if_known

    return cautions(registry, common.now(), seconds_if_known(settings.database_url, registry.jobs))


def _tell(settings: "Settings", registry: "Registry", warnings: list["Caution"]) -> None:
    told = f"{_count(len(registry.schedules), 'schedule')}, {_count(len(registry.jobs), 'job')}"
    click.echo(f"{settings.definitions} is right: {told}")
    here = registry.for_environment(settings.environment).schedules
    if left_out := [schedule_id for schedule_id in registry.schedules if schedule_id not in here]:
        click.echo(f"not for the environment {settings.environment!r}: {', '.join(left_out)}")
    for warning in warnings:
        common.echo(f"warning: {warning}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
