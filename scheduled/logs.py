"""Events as log lines: readable on a terminal, JSON elsewhere, on a private duplicate of stderr."""

import io
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import TextIO

from pythonjsonlogger.json import JsonEncoder

from scheduled.clock import Clock
from scheduled.events import DEBUG, ERROR, INFO, WARNING, Event, Events

CLOCK = Clock()
ENCODE = JsonEncoder().encode
LEVELS = {DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARNING", ERROR: "ERROR"}
COLOURS = {DEBUG: "2", WARNING: "33", ERROR: "31"}
QUIET = frozenset({"worker_id", "occurrence_id", "job_run_id"})
"""Fields that readers of a terminal can do without, unless something is wrong."""


_guard = threading.RLock()


def _guard_anew() -> None:
    """In a child that job code forked: whoever held it is not there any more."""
    global _guard
    _guard = threading.RLock()


os.register_at_fork(after_in_child=_guard_anew)


class LogSubscriber:
    """Writes each event as one line. By itself: a record of logging's takes longer to make than to write."""

    def __init__(self, stream: TextIO, *, as_json: bool, level: str, worker_id: str | None = None) -> None:
        """`stream` is flushed at the end of each line, by itself."""
        self._stream: TextIO | None = stream
        self._coloured = not as_json and stream.isatty()
        self._line = _as_json if as_json else self._as_text
        self._least = logging.getLevelNamesMapping()[level]
        self.worker_id = worker_id

    def events(self) -> Events:
        """Events of which this is told those that it would log."""
        return Events(self, least=self._least)

    def close(self) -> None:
        """Log nothing more, and close the stream. What finds no room there any more is lost."""
        stream, self._stream = self._stream, None
        with suppress(OSError):
            if stream is not None:
                stream.close()

    def __call__(self, event: Event) -> None:
        if event.level < self._least:
            return
        line = self._line(event, self.worker_id, CLOCK.now())
        with _guard:
            if self._stream is not None:
                self._stream.write(f"{line}\n")

    def _as_text(self, event: Event, worker_id: str | None, at: datetime) -> str:
        line = _as_text(event, worker_id, at)
        code = COLOURS.get(event.level, "") if self._coloured else ""
        return f"\x1b[{code}m{line}\x1b[0m" if code else line


def _as_json(event: Event, worker_id: str | None, at: datetime) -> str:
    """One object: `timestamp`, `level`, `event`, and the event's fields."""
    level = LEVELS[event.level]
    told = {"timestamp": at.isoformat(), "level": level, "event": event.name, "worker_id": worker_id}
    told.update(event.fields)
    if None in told.values():
        told = {name: value for name, value in told.items() if value is not None}
    return ENCODE(told)


def _as_text(event: Event, worker_id: str | None, at: datetime) -> str:
    """`02:00:00 job.finished schedule_id=… status=COMPLETED`, for people."""
    fields = {"worker_id": worker_id, **event.fields}
    time = f"{at.astimezone():%H:%M:%S}"
    if event.name == "job.output":
        return f"{time} {fields.get('job')} | {fields.get('line')}"
    quiet = QUIET if event.level < WARNING else frozenset[str]()
    shown = " ".join(
        f"{name}={_shown(value)}" for name, value in fields.items() if value is not None and name not in quiet
    )
    return f"{time} {LEVELS[event.level].lower():7} {event.name:20} {shown}".rstrip()


class ApplicationLog:
    """Hands each event to an application's own logging: as a record of the logger `scheduled`.

    The message is the event's name and its facts; `record.event` and `record.fields` have them one by one.
    """

    def __init__(self, aside: Callable[[], AbstractContextManager[None]]) -> None:
        """`aside` keeps what handlers print from being captured as a job's."""
        self._logger = logging.getLogger("scheduled")
        self._aside = aside

    def __call__(self, event: Event) -> None:
        if not self._logger.isEnabledFor(event.level):
            return
        told = [f"{key}={_shown(value)}" for key, value in event.fields.items() if value is not None]
        message = " ".join([event.name, *told])
        record = logging.LogRecord(self._logger.name, event.level, "", 0, message, None, None)
        record.event, record.fields = event.name, dict(event.fields)
        with self._aside():
            self._logger.handle(record)


def private_stderr() -> TextIO:
    """A duplicate of stderr that jobs do not know of: what they do to fd 2 does not touch our log."""
    try:
        descriptor = os.dup(sys.__stderr__.fileno() if sys.__stderr__ else 2)
    except (OSError, io.UnsupportedOperation, ValueError):
        descriptor = os.open(os.devnull, os.O_WRONLY)
    return open(descriptor, "w", encoding="utf-8", errors="backslashreplace", buffering=1)


def log_to_stderr(log_format: str, level: str, worker_id: str | None = None) -> LogSubscriber:
    """Log lines of `level` and above on a private stderr; `log_format` is auto, json or text."""
    stream = private_stderr()
    as_json = log_format == "json" or (log_format == "auto" and not stream.isatty())
    return LogSubscriber(stream, as_json=as_json, level=level, worker_id=worker_id)


def log_events(log_format: str, level: str, worker_id: str | None = None) -> Events:
    """Events that are logged to stderr at `level` and above."""
    return log_to_stderr(log_format, level, worker_id).events()


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    text = str(value)
    return f"{text!r}" if " " in text else text
