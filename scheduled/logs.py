"""Events as log lines: readable on a terminal, JSON elsewhere, on a private duplicate of stderr."""

import io
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Any, TextIO

from pythonjsonlogger.json import JsonEncoder, JsonFormatter

from scheduled.clock import Clock
from scheduled.events import Event, Events

LOGGER = "scheduled.daemon"
CLOCK = Clock()
ENCODE = JsonEncoder().encode
COLOURS = {10: "2", 20: "", 30: "33", 40: "31"}
QUIET = frozenset({"worker_id", "occurrence_id", "job_run_id"})
"""Fields that readers of a terminal can do without, unless something is wrong."""


class _Record(logging.LogRecord):
    """An event as a record, with what our formatters and handlers look at, and no more.

    Logging's own also finds out which file, thread and process it is from: that takes longer than the rest.
    """

    filename, lineno, args, exc_info, exc_text, stack_info = "", 0, (), None, None, None

    def __init__(self, event: Event, fields: Mapping[str, Any]) -> None:
        self.name = LOGGER
        self.levelno, self.levelname = event.level, logging.getLevelName(event.level)
        self.msg = event.name
        self.at = CLOCK.now()
        self.fields = fields


class _Text(logging.Formatter):
    """`02:00:00 job.finished schedule_id=… status=COMPLETED`, for people."""

    def __init__(self, colour: bool) -> None:
        super().__init__()
        self._colour = colour

    def format(self, record: logging.LogRecord) -> str:
        assert isinstance(record, _Record)  # noqa: S101 - nobody else's come here
        fields = record.fields
        time = record.at.astimezone().strftime("%H:%M:%S")
        quiet = QUIET if record.levelno < logging.WARNING else frozenset[str]()
        if record.getMessage() == "job.output":
            return f"{time} {fields.get('job')} | {fields.get('line')}"
        shown = " ".join(
            f"{key}={_shown(value)}"
            for key, value in fields.items()
            if value is not None and key not in quiet
        )
        line = f"{time} {record.levelname.lower():7} {record.getMessage():20} {shown}".rstrip()
        code = COLOURS.get(record.levelno, "") if self._colour else ""
        return f"\x1b[{code}m{line}\x1b[0m" if code else line


class _Json(JsonFormatter):
    """One object a line: `timestamp`, `level`, `event`, and the event's fields."""

    def format(self, record: logging.LogRecord) -> str:
        # Our records hold nothing but an event: none of what a formatter looks for in others is there.
        assert isinstance(record, _Record)  # noqa: S101 - nobody else's come here
        told = {"timestamp": record.at.isoformat(), "level": record.levelname, "event": record.msg}
        for key, value in record.fields.items():
            if value is not None:
                told[key] = value
        return ENCODE(told)


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to a stream that is flushed at the end of each line, and once is enough."""

    def flush(self) -> None:
        """Nothing is left to be done."""


class LogSubscriber:
    """Writes each event as one line."""

    def __init__(self, stream: TextIO, *, as_json: bool, level: str, worker_id: str | None = None) -> None:
        """`stream` is flushed at the end of each line, by itself."""
        self._logger = logging.getLogger(LOGGER)
        self._logger.propagate = False
        self._logger.setLevel(level)
        self._stream = stream
        self._handler: logging.Handler = _Handler(stream)
        self._handler.setFormatter(_Json() if as_json else _Text(stream.isatty()))
        self._logger.handlers[:] = [self._handler]
        self._least = logging.getLevelNamesMapping()[level]
        self.worker_id = worker_id

    def events(self) -> Events:
        """Events of which this is told those that it would log."""
        return Events(self, least=self._least)

    def close(self) -> None:
        """Log nothing more, and close the stream. What finds no room there any more is lost."""
        self._handler = logging.NullHandler()
        self._logger.handlers[:] = [self._handler]
        with suppress(OSError):
            self._stream.close()

    def __call__(self, event: Event) -> None:
        if event.level < self._least:
            return
        self._handler.handle(_Record(event, {"worker_id": self.worker_id, **event.fields}))


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
