"""Capturing a job within an application's process, whose own output and logging are none of our business."""

import io
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

import pytest

from scheduled.running.capture import Capture
from scheduled.running.tail import Tail

log = logging.getLogger("shop.sync")
Capsys = pytest.CaptureFixture[str]


@contextmanager
def shared() -> Iterator[Capture]:
    capture = Capture(shared=True)
    capture.install()
    try:
        yield capture
    finally:
        capture.uninstall()


def in_job(capture: Capture, action: Callable[[], object], lines: list[str] | None = None) -> Tail:
    """What is captured of an action that runs as a job, on a thread of its own."""
    tails: list[Tail] = []

    def body() -> None:
        tails.append(capture.start(1000, None if lines is None else lines.append))
        action()
        capture.stop()

    in_thread(body)
    return tails[0]


def in_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def say(text: str) -> None:
    sys.stdout.write(text)


def test_it_captures_the_thread_that_runs_the_job_alone(capsys: Capsys) -> None:
    def job() -> None:
        say("the job's")
        in_thread(lambda: say("a request's"))

    with shared() as capture:
        assert in_job(capture, job).text() == "the job's"
        say(" and main's")
    assert capsys.readouterr().out == "a request's and main's"


def test_other_threads_see_the_original_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    original = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", errors="ignore")
    monkeypatch.setattr(original, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdout", original)
    seen = []

    def look() -> None:
        seen.append((sys.stdout.encoding, sys.stdout.errors, sys.stdout.isatty(), sys.stdout.line_buffering))

    with shared() as capture:
        in_job(capture, look)
        in_job(capture, lambda: in_thread(look))
        sys.stdout.reconfigure(errors="strict")  # type: ignore[union-attr]
    assert seen == [("utf-8", "replace", False, True), ("latin-1", "ignore", True, False)]
    assert original.errors == "strict"


def test_it_leaves_the_level_of_the_applications_logging_alone() -> None:
    def job() -> None:
        log.info("quiet")
        log.warning("loud")

    found = logging.root.level
    logging.root.setLevel(logging.WARNING)
    try:
        with shared() as capture:
            tail = in_job(capture, job)
            assert logging.root.level == logging.WARNING
    finally:
        logging.root.setLevel(found)
    assert tail.text() == "WARNING shop.sync: loud\n"


def test_it_stands_at_the_root_logger_only_while_a_job_runs() -> None:
    found = list(logging.root.handlers)
    with shared() as capture:
        assert logging.root.handlers == found
        within: list[int] = []
        in_job(capture, lambda: within.append(len(logging.root.handlers)))
        assert within == [len(found) + 1]
        assert logging.root.handlers == found


def test_a_log_record_is_not_told_again_line_by_line() -> None:
    def job() -> None:
        log.error("logged")
        say("printed\n")

    lines: list[str] = []
    with shared() as capture:
        tail = in_job(capture, job, lines)
    assert lines == ["printed"]
    assert tail.text() == "ERROR shop.sync: logged\nprinted\n"


def test_what_is_said_aside_is_not_captured(capsys: Capsys) -> None:
    with shared() as capture:

        def job() -> None:
            with capture.aside(), capture.aside():
                say("aside\n")
                log.error("aside")
            say("aloud\n")

        assert in_job(capture, job).text() == "aloud\n"
        with capture.aside():
            say("between jobs\n")
    assert capsys.readouterr().out == "aside\nbetween jobs\n"


def test_others_may_write_for_the_job() -> None:
    with shared() as capture:

        def job() -> None:
            write = capture.writer()
            in_thread(lambda: write("a command's"))

        tail = in_job(capture, job)
        assert tail.text() == "a command's"


def test_without_a_job_what_is_written_for_it_is_printed(capsys: Capsys) -> None:
    Capture(shared=True).writer()("nobody's")
    assert capsys.readouterr().out == "nobody's"


def test_it_gives_the_streams_back() -> None:
    found = sys.stdout, sys.stderr
    with shared():
        assert sys.stdout is not found[0]
    assert (sys.stdout, sys.stderr) == found


def test_it_does_not_push_aside_who_stands_there_by_now(
    capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", sys.stdout)
    capture, page = Capture(shared=True), io.StringIO()
    capture.install()
    with redirect_stdout(page):
        capture.uninstall()
        assert sys.stdout is page
    say("through")  # what redirect_stdout put back is our router, which still passes everything on
    assert capsys.readouterr().out == "through"
