"""`scheduled init` and `scheduled check`: what comes before the first run."""

from pathlib import Path

import click

from scheduled.cli import common


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
@common.json_option
def check(schedules: str | None, as_json: bool) -> None:
    """Load the definitions and list all their faults.

    Exits 1 if there are any. Needs no database.
    """
    from scheduled.errors import DefinitionsError

    settings = common.settings(SCHEDULE_DEFINITIONS=schedules)
    try:
        registry = common.load_definitions(settings)
    except DefinitionsError as error:
        if not as_json:
            raise
        faults = [vars(fault) for fault in error.faults]
        common.print_json({"ok": False, "schedules": None, "jobs": None, "faults": faults})
        raise SystemExit(1) from None
    if as_json:
        counts = {"schedules": len(registry.schedules), "jobs": len(registry.jobs)}
        common.print_json({"ok": True, **counts, "faults": []})
        return
    told = f"{_count(len(registry.schedules), 'schedule')}, {_count(len(registry.jobs), 'job')}"
    click.echo(f"{settings.definitions} is right: {told}")
    here = registry.for_environment(settings.environment).schedules
    if left_out := [schedule_id for schedule_id in registry.schedules if schedule_id not in here]:
        click.echo(f"not for the environment {settings.environment!r}: {', '.join(left_out)}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
