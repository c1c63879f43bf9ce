"""The same on servers: no-op jobs a second, to find out that nothing is due, and from a request to its job.

Where a server is absent, its figures say so. Both sides of a race speak to the same server in turn, on tables
that were emptied before; each counts by its best run.
"""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from typing import Any

from benchmarks import find_due, requests_
from benchmarks.figures import Figure, Options, Target, at_least, at_most, percentile
from benchmarks.filling import filled
from benchmarks.place import module
from benchmarks.served import NAMES, ServedPlace, served, unless_absent
from benchmarks.throughput import Shape, arrange, call, crowd, require_done, require_the_same, run_ours
from scheduled.store.database import Database
from tests.servers import fresh_url

REQUESTS_MS = 20
MOST_ROUNDS = 3
"""Of ten jobs a schedule, so that all benchmarks together take less than five minutes."""
NO_RIVAL = "" if find_spec("procrastinate") else "procrastinate is not installed: `make bench` does that"


def measure(options: Options) -> list[Figure]:
    fewer = replace(options, best_of=min(options.best_of, MOST_ROUNDS))
    return [
        _against_raw("postgresql", "autocommit", at_least(0.30), fewer),
        _against_procrastinate(at_least(1.3), options),
        _against_raw("mysql", "folded", at_least(0.35), fewer),
        *(_find_due(kind, at_most(1.2), options) for kind in ("postgresql", "mysql")),
        _requests(at_most(REQUESTS_MS), options),
    ]


def _against_raw(kind: str, how: str, target: Target, options: Options) -> Figure:
    shape = crowd(10, options)
    name = f"{NAMES[kind]}: {shape}"
    return unless_absent(
        kind, name, "jobs/s", target, partial(_race, kind, how, name, shape, target, options)
    )


def _race(kind: str, how: str, name: str, shape: Shape, target: Target, options: Options) -> Figure:
    ours, raw = [], []
    with served(kind, options.folder / kind, shape.definitions) as place:
        arrange(shape, place)
        for _ in range(options.best_of):
            place.forget_runs()
            ours.append(run_ours(shape, place)["seconds"])
            left = require_done(shape, place)
            place.forget_runs()
            raw.append(call(place, module("raw_server", place.url, shape.rounds, how))["seconds"])
            require_the_same(left, require_done(shape, place))
    note = f"best of {options.best_of} on both sides; the limit is a raw {_driver(kind)}, {_told(how)}"
    return Figure(name, shape.runs / min(ours), "jobs/s", target, shape.runs / min(raw), note)


def _driver(kind: str) -> str:
    return "psycopg" if kind == "postgresql" else "pymysql"


def _told(how: str) -> str:
    return "folded" if how == "folded" else "each statement a commit (autocommit)"


def _against_procrastinate(target: Target, options: Options) -> Figure:
    shape = crowd(1, options)
    name = f"PostgreSQL: {shape} / procrastinate"

    def taken() -> Figure:
        ours, theirs = [], []
        with ExitStack() as stack:
            place, other = (
                stack.enter_context(served("postgresql", options.folder / side, shape.definitions))
                for side in ("ours", "theirs")
            )
            arrange(shape, place)
            call(other, module("theirs", other.url, 0))
            for turn in range(1, options.best_of + 1):
                place.forget_runs()
                ours.append(run_ours(shape, place)["seconds"])
                require_done(shape, place)
                theirs.append(_seconds_of_theirs(other, shape.runs, turn))
        note = f"best of {options.best_of} on both sides; theirs with concurrency=1"
        return Figure(name, shape.runs / min(ours), "jobs/s", target, shape.runs / min(theirs), note)

    return unless_absent("postgresql", name, "jobs/s", target, taken, needs=NO_RIVAL)


def _seconds_of_theirs(place: ServedPlace, jobs: int, turn: int) -> float:
    told: dict[str, Any] = call(place, module("theirs", place.url, jobs))
    if told["succeeded"] != jobs * turn:
        raise RuntimeError(f"procrastinate did {told['succeeded']} of {jobs * turn} jobs:\n{place.log()}")
    return float(told["seconds"])


def _find_due(kind: str, target: Target, options: Options) -> Figure:
    many = options.scaled(find_due.MANY, least=find_due.FEW)
    name = f"{NAMES[kind]}: {find_due.name(many)}"

    def taken() -> Figure:
        with ExitStack() as stack:
            databases: list[Database] = []
            for count in (many, find_due.FEW):
                url = stack.enter_context(fresh_url(kind, options.folder))
                databases.append(filled(url, count, runs=0))
            return find_due.compared(name, databases, target, options)

    return unless_absent(kind, name, "µs", target, taken)


def _requests(target: Target, options: Options) -> Figure:
    name = "PostgreSQL: request to job start, p50"

    def taken() -> Figure:
        with served("postgresql", options.folder / "requests", requests_.DEFINITIONS) as place:
            took = requests_.taken(place, place.url, options)
        note = f"{len(took)} requests, at random moments; most {max(took):.2g} ms"
        return Figure(name, percentile(took, 0.50), "ms", target, note=note)

    return unless_absent("postgresql", name, "ms", target, taken)
