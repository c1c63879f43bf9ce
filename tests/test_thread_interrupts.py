"""Interrupting job code on a thread that is not the main one: at its next bytecode, and nowhere else."""

import asyncio
import gc
import logging
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from types import FrameType
from typing import Any, TypeVar

import pytest

from scheduled.context import JobContext
from scheduled.running import calling
from scheduled.running.interrupts import Interrupt
from scheduled.running.thread_interrupts import ThreadInterrupter

T = TypeVar("T")
LONG = 20.0


@pytest.fixture
def interrupter() -> ThreadInterrupter:
    return ThreadInterrupter()


@pytest.fixture
def busy_switching() -> Iterator[None]:
    """Threads take turns a thousand times as often as they would, so that they meet in every gap.

    What other tests left is collected before: an Interrupt that hits a finalizer is told of as a warning.
    """
    gc.collect()
    gc.disable()
    found = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(found)
    gc.enable()


def on_a_thread(interrupter: ThreadInterrupter, action: Callable[[], T]) -> T:
    """What the action returns or raises on the thread that the interrupter is for."""
    told: list[tuple[T | None, BaseException | None]] = []

    def body() -> None:
        interrupter.install()
        try:
            told.append((action(), None))
        except BaseException as error:
            told.append((None, error))
        interrupter.uninstall()

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    value, error = told[0]
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


@contextmanager
def asked(act: Callable[[], object], after: float = 0.02, pause: float = 0.003) -> Iterator[None]:
    """A side thread acts after a moment, and then again and again."""
    over = threading.Event()

    def side() -> None:
        over.wait(after)
        while not over.is_set():
            act()
            time.sleep(pause)

    thread = threading.Thread(target=side)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def cancelling(interrupter: ThreadInterrupter) -> Callable[[], None]:
    """What a side thread does again and again."""

    def act() -> None:
        interrupter.interrupt("cancelled")
        interrupter.tick(0.0)

    return act


def spin() -> None:
    while True:
        pass


def nap() -> None:
    for _ in range(int(LONG / 0.01)):
        time.sleep(0.01)


@pytest.mark.parametrize("body", [spin, nap])
def test_it_interrupts_at_the_next_bytecode(interrupter: ThreadInterrupter, body: Callable[[], None]) -> None:
    with asked(cancelling(interrupter)), pytest.raises(Interrupt) as caught:
        on_a_thread(interrupter, lambda: interrupter.run(body))
    assert caught.value.kind == interrupter.kind == "cancelled"
    assert type(caught.value).__name__ == "Interrupt"
    assert not interrupter.armed


def test_a_call_that_blocks_is_interrupted_when_it_returns(interrupter: ThreadInterrupter) -> None:
    blocked = threading.Event()

    def body() -> None:
        assert not blocked.wait(0.1)
        spin()

    with asked(cancelling(interrupter)), pytest.raises(Interrupt, match="cancelled"):
        on_a_thread(interrupter, lambda: interrupter.run(body))


def test_an_event_loop_that_waits_is_interrupted(
    interrupter: ThreadInterrupter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "LOOK", 0.01)

    async def job() -> None:
        await asyncio.sleep(LONG)

    context = JobContext("s", 1, 1, "job", due_at=None)  # type: ignore[arg-type]
    with asked(cancelling(interrupter)), pytest.raises(Interrupt, match="cancelled"):
        on_a_thread(interrupter, lambda: interrupter.run(lambda: calling.call(job, lambda: context)))


def test_it_times_out(interrupter: ThreadInterrupter) -> None:
    interrupter.set_deadline(time.monotonic() + 0.02)
    with asked(lambda: interrupter.tick(time.monotonic())), pytest.raises(Interrupt, match="timeout"):
        on_a_thread(interrupter, lambda: interrupter.run(nap))


def test_it_returns_and_raises_what_the_body_does(interrupter: ThreadInterrupter) -> None:
    assert on_a_thread(interrupter, lambda: interrupter.run(lambda: 42)) == 42
    with pytest.raises(ZeroDivisionError):
        on_a_thread(interrupter, lambda: interrupter.run(lambda: 1 // 0))
    assert (interrupter.armed, interrupter.kind) == (False, None)


def test_it_ignores_what_is_asked_while_no_job_runs(interrupter: ThreadInterrupter) -> None:
    interrupter.interrupt("cancelled")
    interrupter.tick(1e9)
    assert on_a_thread(interrupter, lambda: interrupter.run(lambda: 1)) == 1
    interrupter.interrupt("cancelled")


def test_the_job_itself_may_ask(interrupter: ThreadInterrupter) -> None:
    with pytest.raises(Interrupt, match="shutdown"):
        on_a_thread(interrupter, lambda: interrupter.run(lambda: interrupter.interrupt("shutdown")))


@pytest.fixture
def traced() -> Iterator[None]:
    """A debugger, or coverage, watches every thread."""

    def trace(_frame: FrameType, _event: str, _value: object) -> None:
        return None

    found, found_in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(trace)
    threading.settrace(trace)
    yield
    sys.settrace(found)
    threading.settrace(found_in_threads)


@pytest.mark.usefixtures("traced")
def test_those_who_are_traced_go_on(interrupter: ThreadInterrupter) -> None:
    def body() -> None:
        time.sleep(0.3)  # an Interrupt waits for its end
        nap()

    with asked(cancelling(interrupter)), pytest.raises(Interrupt):
        on_a_thread(interrupter, lambda: interrupter.run(body))
    assert sorted(str(digit) for digit in range(3)) == ["0", "1", "2"]


def test_it_repeats_each_second_for_a_job_that_swallows(interrupter: ThreadInterrupter) -> None:
    now, caught = [0.0], list[float]()

    def tick() -> None:
        now[0] += 0.1
        interrupter.tick(now[0])

    def body() -> None:
        while len(caught) < 3:
            try:
                spin()
            except Interrupt:
                caught.append(now[0])

    interrupter.set_deadline(0.0)
    with asked(tick):
        on_a_thread(interrupter, lambda: interrupter.run(body))
    assert all(after - before >= 0.9 for before, after in pairwise(caught))


def test_what_the_job_does_in_answer_is_not_interrupted_too(interrupter: ThreadInterrupter) -> None:
    """The held code of its last words, say, where an Interrupt that was raised already is not due again."""
    words = []

    def body() -> None:
        try:
            nap()
        finally:
            for word in ("one", "two"):
                with interrupter.held:
                    words.append(word)

    with asked(cancelling(interrupter)), pytest.raises(Interrupt):
        on_a_thread(interrupter, lambda: interrupter.run(body))
    assert words == ["one", "two"]


def test_held_code_is_not_interrupted_until_it_is_left(interrupter: ThreadInterrupter) -> None:
    reached = []

    def body() -> None:
        with interrupter.held:
            with interrupter.held:
                time.sleep(0.06)
                reached.append("inner")
            reached.append("outer")
        reached.append("never")

    with asked(cancelling(interrupter)), pytest.raises(Interrupt):
        on_a_thread(interrupter, lambda: interrupter.run(body))
    assert reached == ["inner", "outer"]


def test_holding_on_another_thread_holds_nothing(interrupter: ThreadInterrupter) -> None:
    def ask() -> None:
        with interrupter.held:
            cancelling(interrupter)()

    with asked(ask), pytest.raises(Interrupt):
        on_a_thread(interrupter, lambda: interrupter.run(nap))


def test_it_raises_no_more_after_disarm(interrupter: ThreadInterrupter) -> None:
    def body() -> None:
        interrupter.arm()
        with suppress(Interrupt):
            interrupter.interrupt("cancelled")
        interrupter.disarm()
        interrupter.repeat()
        nap_shortly()

    on_a_thread(interrupter, body)
    assert interrupter.kind == "cancelled"


def nap_shortly() -> None:
    for _ in range(5):
        time.sleep(0.001)


def test_nobody_is_hit_when_the_thread_is_gone(interrupter: ThreadInterrupter) -> None:
    on_a_thread(interrupter, interrupter.arm)
    interrupter.interrupt("cancelled")
    interrupter.thread = 2**40
    interrupter.repeat()


def in_logging(seconds: float) -> None:
    """Sleep as if it were logging that sleeps."""
    names: dict[str, Any] = {"__name__": logging.__name__, "sleep": time.sleep}
    exec(f"for _ in range({int(seconds * 100)}): sleep(0.01)", names)


def test_it_is_not_left_where_locks_are_taken(interrupter: ThreadInterrupter) -> None:
    reached = []

    def body() -> None:
        in_logging(0.1)
        reached.append("out of logging")
        nap()

    with asked(cancelling(interrupter)), pytest.raises(Interrupt):
        on_a_thread(interrupter, lambda: interrupter.run(body))
    assert reached == ["out of logging"]


def test_it_is_left_there_after_a_second(interrupter: ThreadInterrupter) -> None:
    now = [0.0]

    def act() -> None:
        now[0] += 0.3
        interrupter.interrupt("cancelled")
        interrupter.tick(now[0])

    with asked(act), pytest.raises(Interrupt):
        on_a_thread(interrupter, lambda: interrupter.run(lambda: in_logging(LONG)))


def counted(interrupter: ThreadInterrupter, body: Callable[[], T], seconds: float) -> Counter[str]:
    """How often the body returned and how often it was interrupted; nothing else may happen."""
    counts: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            interrupter.run(body)
            counts["returned"] += 1
        except Interrupt:
            counts["interrupted"] += 1
        assert sum(range(20)) == 190  # our own code, which no Interrupt may ever hit
    return counts


@pytest.mark.usefixtures("busy_switching")
def test_our_own_code_is_never_hit_in_thousands_of_races(interrupter: ThreadInterrupter) -> None:
    chance, pairs = random.Random(7), [0, 0]

    def body() -> None:
        for number in range(chance.randrange(60)):
            with interrupter.held:
                pairs[0] += 1
                [digit for digit in str(number)]  # noqa: C416 - somewhere for an Interrupt to strike
                pairs[1] += 1

    act = cancelling(interrupter)
    with asked(act, after=0, pause=1e-6), asked(act, after=0, pause=1e-5):
        counts = on_a_thread(interrupter, lambda: counted(interrupter, body, 1.0))
    assert pairs[0] == pairs[1]
    assert counts["interrupted"] > 5
    assert counts["returned"] > 5


@pytest.mark.usefixtures("busy_switching")
def test_the_locks_of_the_applications_logging_are_never_left_held(interrupter: ThreadInterrupter) -> None:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            self.format(record)

    handler, logger = Handler(), logging.Logger("application")
    logger.addHandler(handler)

    def body() -> None:
        while True:
            logger.info("hello %d", 1)
            for _ in range(300):  # an Interrupt is to find us elsewhere, too
                pass

    def each_time() -> None:
        for _ in range(20 if sys.gettrace() else 200):
            with suppress(Interrupt):
                interrupter.run(body)

    with asked(cancelling(interrupter), after=0, pause=1e-5):
        on_a_thread(interrupter, each_time)
    assert handler.lock is not None
    assert handler.lock.acquire(timeout=1)
