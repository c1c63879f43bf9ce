"""`python -m benchmarks.soak`: exits 1 if the ledger does not add up, or anything began twice."""

import random
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from benchmarks.soak.account import account, tell
from benchmarks.soak.stay import Stay


@click.command()
@click.option("--seconds", type=click.IntRange(20, 86_400), default=600, show_default=True, help="How long.")
@click.option("--schedules", type=click.IntRange(1, 1000), default=100, show_default=True, help="How many.")
@click.option(
    "--seed", type=int, default=None, help="What chance begins with; by default, each time another."
)
def main(seconds: int, schedules: int, seed: int | None) -> None:
    """Let two daemons be killed, suspended, reloaded, switched and asked; then hold the ledger to account."""
    seed = random.randrange(1_000_000) if seed is None else seed
    click.echo(f"a soak of {seconds} s with {schedules} schedules, seed {seed}", err=True)
    with TemporaryDirectory(prefix="scheduled-soak-") as folder:
        stay = Stay(Path(folder), schedules, random.Random(seed))
        stay.last(seconds)
        found = account(stay)
    tell(found)
    sys.exit(0 if found.holds else 1)


if __name__ == "__main__":
    main()
