"""How long `scheduled --help` takes, against the `--help` of a click program of one command."""

import subprocess
import sys
import time

from benchmarks.figures import Figure, Options, at_most
from benchmarks.place import COMMAND

TIMES = 15
HELLO = '''
import click

@click.command()
@click.option("--name", help="Who is greeted.")
def hello(name):
    """Greet somebody."""
    click.echo(f"Hello {name}")

hello()
'''


def measure(options: Options) -> list[Figure]:
    hello = options.folder / "hello.py"
    hello.write_text(HELLO)
    took: list[list[float]] = [[], []]
    for _ in range(options.scaled(TIMES)):
        for argv, times in zip(([str(COMMAND)], [sys.executable, str(hello)]), took, strict=True):
            times.append(_milliseconds([*argv, "--help"]))
    note = f"best of {len(took[0])} on both sides"
    return [Figure("scheduled --help / click --help", min(took[0]), "ms", at_most(1.5), min(took[1]), note)]


def _milliseconds(argv: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
    return 1000 * (time.perf_counter() - began)
