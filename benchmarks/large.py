"""What daemon and commands ask, with a history of years beside one of a day: it must cost nearly the same.

Both databases are asked in turn, in this process, on a connection held open or as the command does it; each
counts by the median. What costs more by its nature is told, and not judged.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from benchmarks.figures import Figure, Options, Target, at_most
from benchmarks.filling import FIRST, LAST, filled, no_op
from benchmarks.served import NAMES, unless_absent
from scheduled.definitions import Job, Schedule
from scheduled.explain.why import why
from scheduled.health import health
from scheduled.history import Ending, Finished, finish_occurrence
from scheduled.lock import Holder
from scheduled.missed_runs import Interval
from scheduled.planner import plan
from scheduled.registry import Registry
from scheduled.running.calling import Outcome
from scheduled.settable import SettableClock
from scheduled.settings import Settings
from scheduled.store import reads
from scheduled.store.database import Database
from scheduled.store.marks import situation
from scheduled.words import Status
from tests.servers import fresh_url

SIZES = {"postgresql": (100_000, 10_000_000), "mysql": (100_000, 1_000_000), "sqlite": (100_000, 1_000_000)}
SMALL = (10, 10_000)
"""Small, but with as many runs as `health` looks at, so that both sides count the same."""
PAGE = SMALL[0]
TIMES = 30
EVERY = timedelta(minutes=5)
SAME = at_most(1.5)


def measure(options: Options) -> list[Figure]:
    return [figure for kind in SIZES for figure in _on(kind, options)]


def _on(kind: str, options: Options) -> Iterator[Figure]:
    schedules, runs = (
        options.scaled(size, least=least) for size, least in zip(SIZES[kind], SMALL, strict=True)
    )
    about = f"{schedules:,} schedules and {runs:,} runs / {SMALL[0]} and {SMALL[1]:,}"
    with ExitStack() as stack:
        sides: list[Side] = []

        def asked(name: str) -> Figure:
            if not sides:
                for size, folder in (((schedules, runs), "large"), (SMALL, "small")):
                    (options.folder / kind / folder).mkdir(parents=True)
                    url = stack.enter_context(fresh_url(kind, options.folder / kind / folder))
                    sides.append(stack.enter_context(closing(Side(filled(url, *size)))))
            return compared(f"{NAMES[kind]}: {name}", name, sides, about)

        for name in QUESTIONS:
            if kind == "sqlite":
                yield asked(name)
            else:
                figure = f"{NAMES[kind]}: {name}"
                yield unless_absent(kind, figure, "ms", JUDGED.get(name), partial(asked, name))


def compared(figure: str, name: str, sides: "list[Side]", about: str) -> Figure:
    took: list[list[float]] = [[], []]
    for _ in range(TIMES):
        for side, times in zip(sides, took, strict=True):
            times.append(1000 * QUESTIONS[name](side))
    got, limit = map(statistics.median, took)
    note = f"median of {TIMES}; {about}" + (f"; {UNJUDGED[name]}" if name in UNJUDGED else "")
    return Figure(figure, got, "ms", JUDGED.get(name), limit, note)


@dataclass
class Side:
    """A database, and where its first schedule stands."""

    database: Database

    def __post_init__(self) -> None:
        self.held = self.database.hold()
        self.settings = Settings(database_url=self.database.url)
        self.registry = _one_job()
        self.holder = Holder("benchmark", self.registry, timedelta(minutes=5))
        self.due = LAST + EVERY
        with self.database.writing() as connection:
            connection.exec_driver_sql(
                f"UPDATE job_schedule SET definition_hash = '{self.registry.hashes[FIRST]}',"
                f" next_run_at = '{self.due:%Y-%m-%d %H:%M:%S.%f}' WHERE id = '{FIRST}'"
            )

    @property
    def now(self) -> datetime:
        """Shortly before the first schedule is due again."""
        return self.due - timedelta(seconds=1)

    def close(self) -> None:
        self.held.close()
        self.database.close()


def _one_job() -> Registry:
    first = Schedule(FIRST, "First", cron="*/5 * * * *", mode="ALL_JOBS", enabled_by_default=True)
    return Registry.of([first], [Job("job-0", function=no_op)])


def _find_due(side: Side) -> float:
    began = time.perf_counter()
    situation(side.held, side.now)
    return time.perf_counter() - began


def _claim_and_finish(side: Side) -> float:
    """It is planned beforehand."""
    now = side.due + timedelta(seconds=1)
    where = situation(side.held, now, side.registry.hashes)
    lives = [Interval(LAST, now)]
    marks = [mark for mark in where.marks if mark.schedule_id == FIRST]
    start = plan(side.registry.schedules, marks, lives, where.busy, now, grace=60).starts[0]
    began = time.perf_counter()
    claim = side.holder.claim(side.held, start, now)
    assert claim is not None
    claim.sequence.begin(claim.job)
    claim.sequence.note(claim.job, Status.COMPLETED)
    finished = Finished(claim.job, claim.job_run_id, now, now, Outcome(Status.COMPLETED))
    finish_occurrence(side.held, claim, finished, [], Ending(Status.COMPLETED), now, lambda _: [])
    seconds = time.perf_counter() - began
    side.due += EVERY
    return seconds


def _timed(ask: Callable[[Side], object]) -> Callable[[Side], float]:
    def seconds(side: Side) -> float:
        began = time.perf_counter()
        ask(side)
        return time.perf_counter() - began

    return seconds


QUESTIONS: dict[str, Callable[[Side], float]] = {
    "find-due": _find_due,
    "claim and finish": _claim_and_finish,
    "history": _timed(lambda side: reads.history(side.database, reads.Wanted())),
    "history of a schedule": _timed(lambda side: reads.history(side.database, reads.Wanted(FIRST))),
    "why": _timed(lambda side: why(side.database, FIRST, clock=SettableClock(side.now))),
    "health": _timed(lambda side: health(side.settings, SettableClock(side.now))),
    "list, a page": _timed(lambda side: reads.all_schedules(side.database, limit=PAGE)),
    "list": _timed(lambda side: reads.all_schedules(side.database)),
}
UNJUDGED = {"list": "all schedules"}
JUDGED: dict[str, Target] = {name: SAME for name in QUESTIONS if name not in UNJUDGED}
