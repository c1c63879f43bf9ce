"""Log lines: readable on a terminal, JSON elsewhere."""

import errno
import io
import json
from datetime import UTC, datetime

import pytest

from scheduled.events import DEBUG, ERROR, INFO, WARNING
from scheduled.logs import LogSubscriber


class Page:
    """What is logged, as text or JSON."""

    def __init__(self, *, as_json: bool, level: str = "INFO", terminal: bool = False) -> None:
        self.stream = io.StringIO()
        self.stream.isatty = lambda: terminal  # type: ignore[method-assign]
        self.log = LogSubscriber(self.stream, as_json=as_json, level=level, worker_id="w1")
        self.events = self.log.events()

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def text() -> Page:
    return Page(as_json=False)


@pytest.fixture
def page() -> Page:
    return Page(as_json=True)


def test_a_line_is_one_json_object(page: Page) -> None:
    page.events.emit("job.finished", INFO, job="work", job_run_id=7, duration_ms=12, error=None)
    line = json.loads(page.lines[0])
    assert datetime.fromisoformat(line.pop("timestamp")).tzinfo is not None
    assert line == {
        "level": "INFO",
        "event": "job.finished",
        "worker_id": "w1",
        "job": "work",
        "job_run_id": 7,
        "duration_ms": 12,
    }


def test_instants_are_iso_in_json(page: Page) -> None:
    page.events.emit("occurrence.started", INFO, due_at=datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert json.loads(page.lines[0])["due_at"] == "2026-03-02T12:00:00+00:00"


def test_what_is_below_the_level_is_not_logged(page: Page) -> None:
    page.events.emit("job.started", DEBUG)
    assert page.lines == []


def test_text_leaves_out_what_readers_can_do_without(text: Page) -> None:
    text.events.emit("job.finished", INFO, job="work", occurrence_id=4, status="COMPLETED", error=None)
    assert text.lines[0][9:] == "info    job.finished         job=work status=COMPLETED"


def test_text_tells_all_when_something_is_wrong(text: Page) -> None:
    text.events.emit("job.finished", WARNING, job="work", occurrence_id=4, error="no such table")
    assert text.lines[0][9:].endswith("worker_id=w1 job=work occurrence_id=4 error='no such table'")


def test_text_shows_the_output_of_a_job_as_it_is(text: Page) -> None:
    text.events.emit("job.output", INFO, job="work", line="hello = world")
    assert text.lines[0][9:] == "work | hello = world"


def test_instants_are_short_in_text(text: Page) -> None:
    text.events.emit("occurrence.started", INFO, due_at=datetime(2026, 3, 2, 12, tzinfo=UTC))
    assert text.lines[0].endswith("due_at=2026-03-02T12:00:00+00:00")


def test_a_terminal_gets_colours() -> None:
    page = Page(as_json=False, terminal=True)
    page.events.emit("schedule.faulty", ERROR)
    assert page.lines[0].startswith("\x1b[31m")
    assert page.lines[0].endswith("\x1b[0m")


def test_closing_a_log_on_a_full_disk_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(as_json=True)

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(page.stream, "close", full)
    page.log.close()
    page.events.emit("daemon.stopped", INFO)
    assert page.lines == []
