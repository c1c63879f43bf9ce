import logging
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType, SimpleNamespace
from typing import Any, TypeVar

import pytest

from scheduled.running.interrupts import Interrupt, Interrupter

LONG = 20.0
T = TypeVar("T")


@pytest.fixture
def interrupter() -> Iterator[Interrupter]:
    made = Interrupter()
    made.install()
    yield made
    made.uninstall()


@contextmanager
def side_thread(interrupter: Interrupter, *kinds: str, after: float = 0.02) -> Iterator[None]:
    """Asks for `kinds` in turn, once the job runs, then ticks on until the end of the block."""
    over = threading.Event()

    def side() -> None:
        over.wait(after)
        while not interrupter.armed and not over.wait(0.003):
            pass
        for kind in kinds:
            interrupter.interrupt(kind)
        while not over.wait(0.003):
            interrupter.tick(time.monotonic())

    thread = threading.Thread(target=side)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def after(action: Callable[[], object], value: T) -> Callable[[], T]:
    """A body that acts, and then returns the value."""

    def body() -> T:
        action()
        return value

    return body


def sleep() -> None:
    time.sleep(LONG)


def spin() -> None:
    while True:
        pass


def receive() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.recv(1)


def wait_for_child() -> None:
    subprocess.run(["sleep", str(LONG)], check=True)


def wait_for_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def wait_for_event() -> None:
    threading.Event().wait()


@pytest.mark.parametrize("body", [sleep, spin, receive, wait_for_child, wait_for_lock, wait_for_event])
def test_it_interrupts(interrupter: Interrupter, body: Callable[[], None]) -> None:
    began = time.monotonic()
    with side_thread(interrupter, "cancelled"), pytest.raises(Interrupt) as caught:
        interrupter.run(body)
    assert caught.value.kind == interrupter.kind == "cancelled"
    assert time.monotonic() - began < 2
    assert not interrupter.armed


def test_it_interrupts_bodies_that_are_no_plain_functions(interrupter: Interrupter) -> None:
    class Body:
        def method(self) -> None:
            sleep()

        __call__ = method

    for body in (partial(time.sleep, LONG), Body(), Body().method, SimpleNamespace(call=sleep).call):
        with side_thread(interrupter, "cancelled"), pytest.raises(Interrupt):
            interrupter.run(body)


def test_it_returns_what_the_body_returns(interrupter: Interrupter) -> None:
    assert interrupter.run(lambda: 42) == 42
    assert interrupter.kind is None


def test_it_raises_what_the_body_raises_and_disarms(interrupter: Interrupter) -> None:
    with pytest.raises(ZeroDivisionError):
        interrupter.run(lambda: 1 // 0)
    assert not interrupter.armed


def test_the_first_kind_wins(interrupter: Interrupter) -> None:
    with side_thread(interrupter, "shutdown", "cancelled"), pytest.raises(Interrupt, match="shutdown"):
        interrupter.run(sleep)
    assert interrupter.kind == "shutdown"


def test_it_ignores_what_is_asked_while_disarmed(interrupter: Interrupter) -> None:
    interrupter.interrupt("cancelled")
    interrupter.repeat()
    interrupter.tick(1e9)
    assert interrupter.run(lambda: 1) == 1
    assert interrupter.kind is None


def test_it_swallows_a_signal_that_nobody_asked_for(interrupter: Interrupter) -> None:
    assert interrupter.run(after(partial(signal.raise_signal, interrupter.SIGNAL), 5)) == 5


def test_it_forgets_what_was_asked_of_the_job_before(interrupter: Interrupter) -> None:
    with pytest.raises(Interrupt):
        interrupter.run(lambda: interrupter.interrupt("cancelled"))
    assert interrupter.run(lambda: interrupter.kind) is None


def test_it_spares_the_next_job_when_told_whom_it_means(interrupter: Interrupter) -> None:
    first = interrupter.run(lambda: interrupter.current)
    assert interrupter.run(after(lambda: interrupter.interrupt("cancelled", only=first), 2)) == 2
    with pytest.raises(Interrupt):
        interrupter.run(lambda: interrupter.interrupt("cancelled", only=interrupter.current))


def test_it_raises_in_a_signal_handler_that_asks(interrupter: Interrupter) -> None:
    found = signal.signal(signal.SIGUSR1, lambda *_: interrupter.interrupt("shutdown"))
    try:
        with pytest.raises(Interrupt, match="shutdown"):
            interrupter.run(lambda: signal.raise_signal(signal.SIGUSR1))
    finally:
        signal.signal(signal.SIGUSR1, found)


def test_it_raises_no_more_after_disarm(interrupter: Interrupter) -> None:
    interrupter.arm()
    assert interrupter.armed
    with pytest.raises(Interrupt):
        interrupter.interrupt("cancelled")
    interrupter.disarm()
    interrupter.repeat()
    assert not interrupter.armed


def test_it_repeats_for_a_job_that_swallows(interrupter: Interrupter) -> None:
    caught = []

    def body() -> str:
        for monotonic in (0.0, 0.9, 1.0, 1.1, 2.0):
            try:
                interrupter.tick(monotonic)
            except Interrupt:
                caught.append(monotonic)
        return "done"

    interrupter.set_deadline(0.0)
    assert interrupter.run(body) == "done"
    assert caught == [0.0, 1.0, 2.0]
    assert interrupter.kind == "timeout"


def test_it_sends_again_what_did_not_arrive(interrupter: Interrupter) -> None:
    def body() -> None:
        with interrupter.held, suppress(Interrupt):
            interrupter.interrupt("cancelled")  # does not arrive
            interrupter.tick(0.0)
        pytest.fail("leaving the block should have raised")

    with pytest.raises(Interrupt):
        interrupter.run(body)


@pytest.mark.parametrize(("deadline", "passed"), [(None, False), (9.0, True), (10.0, True), (10.1, False)])
def test_it_tells_whether_the_deadline_passed(deadline: float | None, passed: bool) -> None:
    interrupter = Interrupter()
    interrupter.set_deadline(deadline)
    assert interrupter.deadline_passed(10.0) is passed


def test_it_times_out(interrupter: Interrupter) -> None:
    interrupter.set_deadline(time.monotonic() + 0.02)
    with side_thread(interrupter), pytest.raises(Interrupt, match="timeout"):
        interrupter.run(sleep)


def test_it_times_out_by_a_deadline_that_is_set_meanwhile(interrupter: Interrupter) -> None:
    def body() -> None:
        interrupter.set_deadline(time.monotonic() + 0.02)
        time.sleep(LONG)

    with side_thread(interrupter), pytest.raises(Interrupt, match="timeout"):
        interrupter.run(body)


def test_it_does_not_time_out_without_need(interrupter: Interrupter) -> None:
    interrupter.set_deadline(10.0)
    assert interrupter.run(after(partial(interrupter.tick, 9.9), "in time")) == "in time"


def test_held_code_is_not_interrupted_until_it_is_left(interrupter: Interrupter) -> None:
    reached = []

    def body() -> None:
        with interrupter.held:
            with interrupter.held:
                time.sleep(0.06)
                reached.append("inner")
            reached.append("outer")
        reached.append("never")

    with side_thread(interrupter, "cancelled"), pytest.raises(Interrupt):
        interrupter.run(body)
    assert reached == ["inner", "outer"]


def test_holding_on_another_thread_holds_nothing(interrupter: Interrupter) -> None:
    def hold() -> None:
        with interrupter.held:
            interrupter.interrupt("cancelled")
            time.sleep(0.2)

    def body() -> None:
        thread.start()
        sleep()

    thread = threading.Thread(target=hold)
    with pytest.raises(Interrupt):
        interrupter.run(body)
    assert thread.is_alive()
    thread.join()


def in_logging(body: Callable[[], None]) -> Callable[[], None]:
    """The function `block`, which calls `body`, as if it were in logging."""
    names: dict[str, Any] = {"__name__": logging.__name__, "body": body}
    exec("def block(): body()", names)
    block: Callable[[], None] = names["block"]
    return block


def test_it_does_not_begin_where_locks_are_taken(interrupter: Interrupter) -> None:
    reached = []

    def body() -> None:
        in_logging(partial(time.sleep, 0.06))()
        reached.append("out of logging")
        time.sleep(LONG)

    with side_thread(interrupter, "cancelled"), pytest.raises(Interrupt):
        interrupter.run(body)
    assert reached == ["out of logging"]


def test_it_does_begin_there_after_a_second(interrupter: Interrupter) -> None:
    def side() -> None:
        interrupter.interrupt("cancelled")
        for monotonic in (0.0, 0.1, 1.0):
            time.sleep(0.02)
            interrupter.tick(monotonic)

    def body() -> None:
        thread.start()
        in_logging(sleep_in_c)()

    sleep_in_c = partial(time.sleep, LONG)
    thread = threading.Thread(target=side)
    with pytest.raises(Interrupt):
        interrupter.run(body)
    thread.join()


@contextmanager
def each_line_of_run(act: Callable[[FrameType], None]) -> Iterator[None]:
    """Calls `act` just before each line of Interrupter.run, so in every gap around the body."""

    def trace(frame: FrameType, event: str, value: Any) -> Any:
        if frame.f_code is not Interrupter.run.__code__:
            return None
        if event == "line":
            act(frame)
        return trace

    found = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(found)


def test_it_loses_no_value_when_asked_just_before_or_after_the_body(interrupter: Interrupter) -> None:
    armed = []

    def ask(frame: FrameType) -> None:
        armed.append(interrupter.armed)
        interrupter.interrupt("cancelled")
        interrupter.repeat()
        interrupter._on_signal(0, frame)

    with each_line_of_run(ask):
        value = interrupter.run(lambda: "value")
    assert value == "value"
    assert interrupter.kind == "cancelled"
    assert armed.count(True) >= 3


def count_up(number: int) -> int:
    total = 0
    for _ in range(number % 97):
        total += 1
    if number % 50 == 0:
        time.sleep(LONG)  # only an interrupt gets out of here
    return total


@contextmanager
def harassed(act: Callable[[], None]) -> Iterator[None]:
    """Another thread acts, again and again, at random moments."""
    over = threading.Event()
    chance = random.Random(7)

    def side() -> None:
        while not over.is_set():
            act()
            time.sleep(chance.random() * 1e-4)

    thread = threading.Thread(target=side)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def outcomes_of(interrupter: Interrupter, runs: int) -> Counter[str]:
    counted: Counter[str] = Counter()
    for number in range(runs):
        value = None
        with suppress(Interrupt):
            value = interrupter.run(partial(count_up, number))
        if value is None:
            counted["interrupted"] += 1
            assert interrupter.kind
        else:
            counted["returned"] += 1
            assert value == number % 97
    return counted


def test_no_interrupt_leaks_or_is_lost_in_thousands_of_races(interrupter: Interrupter) -> None:
    def act() -> None:
        interrupter.interrupt("cancelled")
        interrupter.tick(time.monotonic())

    with harassed(act):
        counted = outcomes_of(interrupter, 2000)
    assert counted["interrupted"] >= 40
    assert counted["returned"] > 0
    assert counted.total() == 2000


def test_no_interrupt_leaks_when_signal_handlers_ask(interrupter: Interrupter) -> None:
    main = threading.get_ident()
    found = signal.signal(signal.SIGUSR1, lambda *_: interrupter.interrupt("shutdown"))
    try:
        with harassed(lambda: signal.pthread_kill(main, signal.SIGUSR1)):
            counted = outcomes_of(interrupter, 2000)
    finally:
        signal.signal(signal.SIGUSR1, found)
    assert counted.total() == 2000
    assert counted["interrupted"] >= 40


def test_it_gives_the_signal_back() -> None:
    found = signal.getsignal(Interrupter.SIGNAL)
    interrupter = Interrupter()
    interrupter.install()
    interrupter.install()
    assert signal.getsignal(Interrupter.SIGNAL) != found
    interrupter.uninstall()
    interrupter.uninstall()
    assert signal.getsignal(Interrupter.SIGNAL) == found
