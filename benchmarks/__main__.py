"""`python -m benchmarks`: one table, and the same as JSON. Exits 1 if a target is missed."""

import json
import os
import platform
import signal
import sqlite3
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from benchmarks.figures import HEADINGS, Figure, Options
from scheduled.cli.common import print_table

MEASURES = {
    "throughput": "throughput",
    "fsyncs": "fsyncs",
    "find-due": "find_due",
    "lateness": "lateness",
    "idle": "idle",
    "startup": "startup",
    "requests": "requests_",
    "servers": "servers",
}
"""Each measure, and its module: `measure(options)` answers its figures."""
LARGE = {"history-page": "history_page", "large": "large", "admin": "admin"}
"""Only by name: they need millions of rows, so minutes, and gigabytes of disk."""
BUSY = 0.7
"""A load above this, before we begin, is others at work. A disk that they keep busy flatters our side."""


@click.command()
@click.argument("measures", nargs=-1, type=click.Choice([*MEASURES, *LARGE]))
@click.option("--best-of", default=5, show_default=True, help="How often each side of a race runs.")
@click.option("--scale", default=1.0, show_default=True, help="How much of everything: 0.01 is a smoke test.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures there, too.")
@click.option("--no-fail", is_flag=True, help="Exit 0 also if a target is missed.")
def main(
    measures: tuple[str, ...], best_of: int, scale: float, json_file: Path | None, no_fail: bool
) -> None:
    """Measure speed and size, each against the physical limit.

    By default all MEASURES but `history-page`, `large` and `admin`.
    """
    machine = told_of_the_machine()
    figures: list[Figure] = []
    for name in measures or MEASURES:
        began = time.monotonic()
        click.echo(f"{name} … ", err=True, nl=False)
        figures += measured(name, best_of, scale)
        click.echo(f"{time.monotonic() - began:.0f} s", err=True)
    machine["load_after"] = os.getloadavg()[0]
    click.echo(", ".join(f"{key}: {value}" for key, value in machine.items()))
    if machine["load_before"] > BUSY:
        click.echo("The machine was busy before: do not trust these figures.")
    click.echo()
    print_table(HEADINGS, [figure.as_row for figure in figures])
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        told = {"machine": machine, "figures": [figure.as_json for figure in figures]}
        json_file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if any(figure.met is False for figure in figures) and not no_fail:
        sys.exit(1)


def measured(name: str, best_of: int, scale: float) -> list[Figure]:
    """The figures of one measure, taken in a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="scheduled-bench-") as folder:
        options = Options(Path(folder), best_of, scale)
        figures: list[Figure] = import_module(f"benchmarks.{(MEASURES | LARGE)[name]}").measure(options)
        return figures


def told_of_the_machine() -> dict[str, Any]:
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_before": os.getloadavg()[0],
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what we made is removed then, too
    main(prog_name="python -m benchmarks")
