"""The admin before a long history: what each page and each read of the API takes, in time and in bytes.

The app is called in this process, as a server would call it; what the client does is counted, too.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from httpx2 import Response
from starlette.testclient import TestClient

from benchmarks.figures import Figure, Options, Target, at_most, percentile
from benchmarks.filling import FIRST, LAST, filled
from benchmarks.streams import slowed_by_streams
from scheduled.access.identity import Identity, Role
from scheduled.settable import SettableClock
from scheduled.settings import Settings
from scheduled.web import create_app
from scheduled.web.serving import avoid_pauses

SCHEDULES, RUNS, TIMES = 1000, 1_000_000, 200
PAGE_MS, READ_MS, KILOBYTES = at_most(100), at_most(50), at_most(300)
OCCURRENCE, RUN = "{occurrence}", "{run}"
PAGES = (
    "schedules", "schedules?q=schedule-00001", f"schedules/{FIRST}", f"schedules/{FIRST}/run",
    f"occurrences/{OCCURRENCE}", f"runs/{RUN}", "timeline?span=hour", "timeline?span=day",
    "timeline?span=week", "runs", "runs?status=FAILED", "runs?q=nothing",
    "schedules?state=failing", f"runs?schedule={FIRST}",
    "workers", "events",
)  # fmt: skip
READS = (
    "schedules", f"schedules/{FIRST}", f"schedules/{FIRST}/history", "occurrences",
    f"occurrences/{OCCURRENCE}", "runs", "runs?status=FAILED", "runs?q=nothing",
    f"runs/{RUN}", f"schedules/{FIRST}/why", "jobs", "workers",
    "scheduler", "events", "timeline",
)  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """What an address answered, time after time."""

    milliseconds: list[float]
    kilobytes: float


def measure(options: Options) -> list[Figure]:
    """Of each page and read: its slowest percent, and how large it is; and what 200 streams cost the jobs."""
    return [*_of_pages_and_reads(options), *slowed_by_streams(options)]


def _of_pages_and_reads(options: Options) -> Iterator[Figure]:
    schedules, runs = options.scaled(SCHEDULES, least=10), options.scaled(RUNS, least=1000)
    about = f"{schedules:,} schedules and {runs:,} runs"
    clock = SettableClock(LAST + timedelta(minutes=1))
    url = f"sqlite:///{options.folder / 'admin.db'}"
    with closing(filled(url, schedules, runs)) as database:
        app = create_app(
            Settings(database_url=url),
            authenticate=lambda _: Identity("bench", Role.ADMIN, "application"),
            database=database,
            clock=clock,
        )
        client = TestClient(app)
        avoid_pauses()
        named = {OCCURRENCE: str(runs // 10), RUN: str(runs)}

        def asked(kind: str, path: str, target: Target) -> Iterator[Figure]:
            for word, number in named.items():
                path = path.replace(word, number)
            found = _ask(lambda: client.get(f"/{kind}/{path}"), options.scaled(TIMES, least=3))
            note = f"p99 of {len(found.milliseconds)}, {about}"
            yield Figure(f"/{kind}/{path}", percentile(found.milliseconds, 0.99), "ms", target, note=note)
            if kind == "admin":
                yield Figure(f"/{kind}/{path}: size", found.kilobytes, "kB", KILOBYTES)

        for page in PAGES:
            yield from asked("admin", page, PAGE_MS)
        for read in READS:
            yield from asked("api", read, READ_MS)


def _ask(get: Callable[[], Response], times: int) -> Answers:
    took, size = [], 0.0
    for number in range(times + 1):
        began = time.perf_counter()
        answer = get()
        if number:  # the first one imports, compiles and opens
            took.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.url} answered {answer.status_code}: {answer.text[:500]}")
        size = len(answer.content) / 1000
    return Answers(took, size)
