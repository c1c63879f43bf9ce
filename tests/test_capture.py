import contextlib
import gc
import io
import logging
import signal
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from scheduled.running.capture import Capture, OnLine, Router, Tail, clean
from scheduled.running.interrupts import Interrupt, Interrupter
from tests.patience import PATIENCE

log = logging.getLogger("shop.sync")
Capsys = pytest.CaptureFixture[str]


@contextlib.contextmanager
def installed() -> Iterator[Capture]:
    """No fixture, as pytest changes sys.stdout between the set-up and the test."""
    capture = Capture()
    capture.install()
    try:
        yield capture
    finally:
        capture.uninstall()


@contextlib.contextmanager
def captured(on_line: OnLine | None = None, limit: int = 1000) -> Iterator[Tail]:
    with installed() as capture:
        yield capture.start(limit, on_line)


@pytest.fixture
def lines() -> list[str]:
    return []


@contextlib.contextmanager
def bare_root() -> Iterator[None]:
    """A root logger without handlers, as in a process that pytest does not watch."""
    found, logging.root.handlers = logging.root.handlers, []
    try:
        yield
    finally:
        logging.root.handlers = found


def in_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def say(text: str) -> None:
    sys.stdout.write(text)


def python(code: str) -> bytes:
    """What a process of its own prints; it has an installed `capture` and a started `tail`."""
    begin = "from scheduled.running.capture import Capture\ncapture = Capture()\ncapture.install()\n"
    begin += "tail = capture.start(1000, None)\n"
    return subprocess.run([sys.executable, "-c", begin + code], capture_output=True, check=True).stdout


def test_it_captures_what_is_printed() -> None:
    with captured() as tail:
        say("out\n")
        sys.stderr.write("err\n")
    assert tail.text() == "out\nerr\n"
    assert not tail.truncated


def test_it_passes_through_outside_of_a_run(capsys: Capsys) -> None:
    with installed() as capture:
        capture.start(1000, None)
        capture.stop()
        say("plain\n")
        sys.stdout.flush()
        assert sys.stdout.buffer.write(b"bytes\n") == 6
    assert capsys.readouterr().out == "plain\nbytes\n"


def test_it_does_without_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with installed():
        say("into nothing")
        sys.stdout.buffer.write(b"into nothing")
        sys.stdout.flush()
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.fileno()
    assert sys.stdout is None


def test_it_passes_bytes_to_a_stream_that_takes_text(monkeypatch: pytest.MonkeyPatch) -> None:
    original = io.StringIO()
    monkeypatch.setattr(sys, "stdout", original)
    with installed():
        sys.stdout.buffer.write(b"ok\xff")
    assert original.getvalue() == "ok\ufffd"


def test_it_puts_everything_back() -> None:
    with bare_root():
        found = (sys.stdout, sys.stderr, logging.root.level)
        with installed() as capture:
            capture.install()
            assert isinstance(sys.stdout, Router)
            assert logging.root.level <= logging.INFO
        capture.uninstall()
        assert (sys.stdout, sys.stderr, logging.root.level) == found
        assert logging.root.handlers == []


def test_each_run_has_its_own_tail() -> None:
    with installed() as capture:
        first = capture.start(1000, None)
        say("one")
        capture.stop()
        second = capture.start(1000, None)
        say("two")
    assert (first.text(), second.text()) == ("one", "two")


def test_it_captures_threads_of_the_job() -> None:
    with captured() as tail:
        in_thread(lambda: say("from a thread"))
    assert tail.text() == "from a thread"


def test_it_leaves_the_daemons_own_threads_alone(capsys: Capsys) -> None:
    with installed() as capture:

        def own() -> None:
            capture.own()
            say("mine")
            log.info("mine too")

        tail = capture.start(1000, None)
        in_thread(own)
    assert tail.empty
    assert capsys.readouterr().out == "mine"


def test_a_thread_can_be_declared_by_another() -> None:
    with installed() as capture:
        thread = threading.Thread(target=lambda: say("mine"))
        capture.own(thread)
        tail = capture.start(1000, None)
        thread.start()
        thread.join()
        in_thread(lambda: say("the job's"))  # may well have the ident that the other had
    assert tail.text() == "the job's"


def test_it_tells_each_line(lines: list[str]) -> None:
    with captured(lines.append):
        say("one\ntw")
        assert lines == ["one"]
        say("o\n\nrest")
    assert lines == ["one", "two", "", "rest"]


def test_it_tells_long_lines_in_pieces(lines: list[str]) -> None:
    with captured(lines.append):
        say("x" * 20_000)
        assert [len(line) for line in lines] == [8192, 8192]
        say("y" * 100_000 + "\n" + "z" * 8192 + "\n")
    assert sum(map(len, lines)) == 20_000 + 100_000 + 8192
    assert max(map(len, lines)) == 8192
    assert lines[-1] == "z" * 8192


def test_it_does_not_mix_up_lines(lines: list[str]) -> None:
    with captured(lines.append):
        say("out ")
        sys.stderr.write("err ")
        in_thread(lambda: say("thread\n"))
        say("1\n")
        sys.stderr.write("2\n")
    assert lines == ["thread", "out 1", "err 2"]


def test_a_log_in_trouble_does_not_break_the_job() -> None:
    def broken(line: str) -> None:
        raise OSError(28, "No space left on device")

    with captured(broken) as tail:
        say("a\nb\n")
        log.info("c")
    assert tail.text() == "a\nb\nINFO shop.sync: c\n"


def test_what_the_log_prints_is_not_captured(capsys: Capsys) -> None:
    def loud(line: str) -> None:
        say(f"daemon: {line}\n")
        log.error("%s", line)

    with captured(loud) as tail:
        say("job\n")
    assert tail.text() == "job\n"
    assert capsys.readouterr().out == "daemon: job\n"


def test_it_captures_log_records() -> None:
    with captured() as tail:
        log.debug("too fine")
        log.info("synced %d", 3)
        logging.getLogger().warning("root")
    assert tail.text() == "INFO shop.sync: synced 3\nWARNING root: root\n"


def test_it_captures_what_a_logger_of_a_finer_level_lets_through() -> None:
    fine = logging.getLogger("shop.fine")
    fine.setLevel(logging.DEBUG)
    with captured() as tail:
        fine.debug("fine")
    assert tail.text() == "DEBUG shop.fine: fine\n"


def test_it_captures_tracebacks_line_by_line(lines: list[str]) -> None:
    with captured(lines.append) as tail:
        try:
            raise ValueError("no such shop")
        except ValueError:
            log.exception("failed")
    assert tail.text().startswith("ERROR shop.sync: failed\nTraceback (most recent call last):\n")
    assert lines[-1] == "ValueError: no such shop"


def test_a_record_begins_on_a_line_of_its_own() -> None:
    with captured() as tail:
        say("working…")
        log.info("hello")
    assert tail.text() == "working…\nINFO shop.sync: hello\n"


def test_a_broken_log_call_is_told_and_does_not_raise(capsys: Capsys) -> None:
    with bare_root(), captured() as tail:
        log.info("%d apples", "many")
    assert tail.text().startswith("INFO shop.sync: (a log call that fails with TypeError, at ")
    assert capsys.readouterr().err == ""


def test_it_does_not_capture_twice_what_a_handler_prints() -> None:
    with bare_root(), captured() as tail:
        handler = logging.StreamHandler(sys.stderr)
        handler.setLevel(logging.WARNING)
        logging.root.addHandler(handler)
        log.info("ours")
        log.warning("theirs")
    assert tail.text() == "INFO shop.sync: ours\ntheirs\n"


def test_it_comes_back_after_a_job_that_configured_logging() -> None:
    with bare_root(), installed() as capture:
        capture.start(1000, None)
        logging.basicConfig(force=True, level=logging.ERROR, handlers=[logging.NullHandler()])
        tail = capture.start(1000, None)
        log.info("still here")
    assert tail.text() == "INFO shop.sync: still here\n"


def test_warnings_outside_of_a_run_reach_stderr(capsys: Capsys) -> None:
    with bare_root(), installed():
        log.info("for nobody")
        log.warning("for somebody")
    assert capsys.readouterr().err == "for somebody\n"


def test_it_captures_bytes() -> None:
    with captured() as tail:
        for byte in "naïve…".encode() + b"\xff":
            sys.stdout.buffer.write(bytes([byte]))
        sys.stdout.buffer.write(memoryview(b"!\xe2"))
    assert tail.text() == "naïve…\ufffd!\ufffd"


def test_the_routers_are_streams() -> None:
    with captured():
        assert (sys.stdout.encoding, sys.stdout.errors) == ("utf-8", "replace")
        assert (sys.stdout.isatty(), sys.stdout.writable(), sys.stdout.readable()) == (False, True, False)
        assert sys.stdout.buffer.writable()
        cast(io.TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)
        sys.stdout.buffer.flush()
        with pytest.raises(TypeError, match="must be str, not bytes"):
            sys.stdout.write(cast(Any, b"bytes"))


def test_closing_a_router_changes_nothing() -> None:
    with captured() as tail:
        with sys.stdout as out:
            out.writelines(["a", "b"])
        sys.stdout.close()
        sys.stdout.buffer.close()
        assert not sys.stdout.closed
        assert not sys.stdout.buffer.closed
        say("c")
    assert tail.text() == "abc"


def test_a_router_can_be_wrapped_and_redirected() -> None:
    with captured() as tail:
        wrapped = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", line_buffering=True)
        wrapped.write("wrapped\n")
        del wrapped
        with contextlib.redirect_stdout(sys.stderr):
            say("redirected\n")
    assert tail.text() == "wrapped\nredirected\n"


def test_a_router_can_be_given_to_a_command() -> None:
    code = (
        "import subprocess, sys; subprocess.run(['echo', str(sys.stdout.buffer.fileno())], stdout=sys.stdout)"
    )
    assert python(code) == b"1\n"


def test_a_forked_child_can_print() -> None:
    code = """
import os
if child := os.fork():
    assert os.waitpid(child, 0)[1] == 0
else:
    print("child")
    os._exit(tail.text() != "child\\n")
"""
    assert python(code) == b""


def test_it_takes_text_that_cannot_be_encoded(lines: list[str]) -> None:
    with bare_root(), captured(lines.append) as tail:
        say("nul \x00 lone \udcff\n")
        log.info("lone \ud800")
    assert clean(tail.text()) == "nul \ufffd lone \ufffd\nINFO shop.sync: lone \ufffd\n"
    assert len(lines) == 2


def test_signal_handlers_and_finalizers_may_print_meanwhile() -> None:
    class Farewell:
        def __init__(self) -> None:
            self.itself = self  # only the garbage collector finds it

        def __del__(self) -> None:
            say("bye\n")

    found = signal.signal(signal.SIGALRM, lambda *_: say("ring\n"))
    with captured(limit=1 << 20) as tail:
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for number in range(3000):
            Farewell()
            say(f"{number}\n")
        signal.setitimer(signal.ITIMER_REAL, 0)
        gc.collect()
    signal.signal(signal.SIGALRM, found)
    written = tail.text().splitlines()
    assert [line for line in written if line.isdigit()] == [str(number) for number in range(3000)]
    assert written.count("bye") == 3000
    assert "ring" in written


def test_threads_lose_nothing_of_one_another(lines: list[str]) -> None:
    def chatter() -> None:
        for number in range(500):
            say(f"{number}\n")

    with captured(lines.append, limit=1 << 20) as tail:
        threads = [threading.Thread(target=chatter) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(tail.text().split()) == sorted(lines) == sorted([*map(str, range(500))] * 8)


def test_an_interrupt_waits_until_the_lines_are_told(lines: list[str]) -> None:
    def tell(line: str) -> None:
        interrupter.interrupt("timeout")
        lines.append(line)

    interrupter = Interrupter()
    capture = Capture(interrupter.held)
    interrupter.install()
    capture.install()
    tail = capture.start(1000, tell)
    try:
        with pytest.raises(Interrupt):
            interrupter.run(lambda: say("one\ntwo\nthree\n"))
    finally:
        capture.uninstall()
        interrupter.uninstall()
    assert lines == ["one", "two", "three"]
    assert tail.text() == "one\ntwo\nthree\n"


def test_the_tail_keeps_the_newest_bytes() -> None:
    tail = Tail(10)
    assert tail.empty
    for number in range(100):
        tail.write(f"{number:03} ")
    assert tail.text() == "7 098 099 "
    assert tail.truncated
    assert not tail.empty


@pytest.mark.parametrize("text", ["…" * 50, "aé" * 50, "😀" * 50])
@pytest.mark.parametrize("piece", [1, 7, 100])
@pytest.mark.parametrize("limit", [4, 5, 6, 7, 101])
def test_the_tail_begins_with_a_whole_character(text: str, piece: int, limit: int) -> None:
    tail = Tail(limit)
    for start in range(0, len(text), piece):
        tail.write(text[start : start + piece])
    assert text.endswith(tail.text())
    assert limit - 3 <= len(tail.text().encode()) <= limit
    assert tail.truncated


def test_a_tail_that_is_just_full_is_not_truncated() -> None:
    tail = Tail(4)
    tail.write("abcd")
    assert (tail.text(), tail.truncated) == ("abcd", False)
    tail.write("e")
    assert (tail.text(), tail.truncated) == ("bcde", True)


def test_a_tail_of_no_length_tells_that_there_was_something() -> None:
    tail = Tail(0)
    tail.write("x")
    assert (tail.text(), tail.truncated, tail.empty) == ("", True, False)


def test_memory_is_bounded() -> None:
    megabyte = "x" * (1 << 20)
    with captured(lambda line: None, limit=65_536) as tail:
        tracemalloc.start()
        for _ in range(50):
            say(megabyte)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(tail.text()) == 65_536
    assert most < 1 << 20


def test_it_leaves_out_what_a_thread_of_an_earlier_run_prints() -> None:
    go = threading.Event()

    def late() -> None:
        go.wait(PATIENCE)
        sys.stdout.write("late")

    capture = Capture()
    capture.install()
    capture.start(1000, None)
    thread = threading.Thread(target=late)
    thread.start()
    capture.stop()
    tail = capture.start(1000, None)
    go.set()
    thread.join()
    capture.uninstall()
    assert tail.text() == ""
