"""Captures what a job prints and logs.

By thread and not by file descriptor: so the daemon's own threads, which run meanwhile, keep their streams.
"""

import codecs
import io
import logging
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from threading import Thread, current_thread, get_ident
from threading import enumerate as enumerate_threads
from typing import Any, TextIO, cast
from weakref import WeakSet

from scheduled.running.tail import Tail, clean

__all__ = ["Capture", "OnLine", "Router", "Tail", "clean"]

CHUNK = 65_536  # how much text is looked at in one go
PIECE = 8_192  # the longest line that is passed on in one piece

OnLine = Callable[[str], None]


class _Run:
    """What is captured from one start to its stop."""

    def __init__(self, tail: Tail, on_line: OnLine | None, strangers: list[Thread]) -> None:
        self.tail = tail
        self.strangers = strangers
        self.main = get_ident()
        self.telling: set[int] = set()
        self._on_line = on_line
        self._partial: dict[tuple[str, int], str] = {}
        self._decoders: dict[tuple[str, int], codecs.IncrementalDecoder] = {}

    def take(self, stream: str, text: str) -> None:
        self.tail.write(text)
        if self._on_line is not None:
            # By thread too, so that the lines of several are not mixed up.
            key = (stream, get_ident())
            for start in range(0, len(text), CHUNK):
                self._split(key, text[start : start + CHUNK])

    def take_bytes(self, stream: str, data: bytes) -> None:
        decoder = self._decoders.setdefault(
            (stream, get_ident()), codecs.getincrementaldecoder("utf-8")("replace")
        )
        self.take(stream, decoder.decode(data))

    def take_record(self, text: str) -> None:
        """A log record: it begins on a line of its own, also after a print that ended none."""
        self.tail.write(f"\n{text}\n" if self.tail.within_line else f"{text}\n")
        for line in text.split("\n"):
            self._tell(line)

    def finish(self) -> None:
        for (stream, _), decoder in list(self._decoders.items()):
            self.take(stream, decoder.decode(b"", final=True))
        for key in list(self._partial):
            if line := self._partial.pop(key, ""):
                self._tell(line)

    def _split(self, key: tuple[str, int], text: str) -> None:
        *lines, rest = (self._partial.pop(key, "") + text).split("\n")
        for line in lines:
            self._tell(line)
        while len(rest) > PIECE:
            self._tell(rest[:PIECE])
            rest = rest[PIECE:]
        if rest:
            self._partial[key] = rest

    def _tell(self, line: str) -> None:
        if self._on_line is None:
            return
        thread = get_ident()
        self.telling.add(thread)  # what on_line itself prints or logs must not come back here
        try:
            for start in range(0, len(line) or 1, PIECE):
                self._on_line(line[start : start + PIECE])
        except Exception:  # noqa: S110 - the daemon's log is in trouble; the job is not
            pass
        finally:
            self.telling.discard(thread)


class _Bytes(io.BufferedIOBase):
    """What stands at `sys.stdout.buffer`."""

    def __init__(self, router: "Router") -> None:
        self._router = router
        self.raw = cast(io.RawIOBase, self)

    def write(self, data: Any, /) -> int:
        return self._router.write_bytes(bytes(data))

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._router.flush()

    def fileno(self) -> int:
        return self._router.fileno()

    def close(self) -> None:
        """Nothing: whoever wraps it closes it when the wrapper is forgotten."""

    @property
    def closed(self) -> bool:
        return False


class Router(io.TextIOBase):
    """Stands at sys.stdout or sys.stderr: captures during a run, else passes through to the original."""

    encoding = "utf-8"
    errors = "replace"
    line_buffering = True
    mode = "w"

    def __init__(self, capture: "Capture", name: str, original: TextIO | None) -> None:
        self._capture = capture
        self._original = original
        self.name = name
        self.buffer = _Bytes(self)

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        run = self._capture.current()
        if run is not None:
            with self._capture.hold:
                run.take(self.name, text)
        elif self._original is not None:
            self._original.write(text)
        return len(text)

    def write_bytes(self, data: bytes) -> int:
        run = self._capture.current()
        if run is not None:
            with self._capture.hold:
                run.take_bytes(self.name, data)
        elif (raw := getattr(self._original, "buffer", None)) is not None:
            raw.write(data)
        elif self._original is not None:
            self._original.write(data.decode(errors="replace"))
        return len(data)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._original is not None and self._capture.current() is None:
            self._original.flush()

    def fileno(self) -> int:
        if self._original is None:
            raise io.UnsupportedOperation("fileno")
        return self._original.fileno()

    def writable(self) -> bool:
        return True

    def reconfigure(self, **options: object) -> None:
        """Nothing: it takes all text, and keeps none back."""

    def close(self) -> None:
        """Nothing: the daemon needs its streams after the job."""

    @property
    def closed(self) -> bool:
        return False


class _Handler(logging.Handler):
    """Captures the log records of jobs. It has no lock that an interrupted job could leave locked."""

    def __init__(self, capture: "Capture") -> None:
        super().__init__()
        self._capture = capture
        self.formatter = logging.Formatter("%(levelname)s %(name)s: %(message)s")

    def createLock(self) -> None:  # noqa: N802 - logging's name
        self.lock = None

    def handle(self, record: logging.LogRecord) -> bool:
        run = self._capture.current()
        others = [handler for handler in logging.root.handlers if handler is not self]
        if run is None:
            # But for this handler, logging would have done the same.
            last = logging.lastResort
            if not others and last is not None and record.levelno >= last.level:
                last.handle(record)
        elif not any(_prints(handler, record) for handler in others):
            with self._capture.hold:
                run.take_record(self._line(record))
        return True

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record)
        except Exception as error:
            fault = f"a log call that fails with {type(error).__name__}, at {record.pathname}:{record.lineno}"
            return f"{record.levelname} {record.name}: ({fault})"


def _prints(handler: logging.Handler, record: logging.LogRecord) -> bool:
    """Whether the record is captured anyway, since this handler of the user's prints it to a router."""
    return isinstance(getattr(handler, "stream", None), Router) and record.levelno >= handler.level


class Capture:
    """Routes what jobs print and log to the tail of their run, and line by line to the daemon's log.

    `hold` is entered around each write: Interrupter.held, so that no Interrupt strikes in the midst of one.
    """

    def __init__(self, hold: AbstractContextManager[None] | None = None) -> None:
        self.hold = hold if hold is not None else nullcontext()
        self._run: _Run | None = None
        self._own: WeakSet[Thread] = WeakSet()
        self._handler = _Handler(self)
        self._found: tuple[TextIO, TextIO, int] | None = None

    def install(self) -> None:
        """Stand at sys.stdout and sys.stderr, and at the root logger, whose level becomes INFO at most."""
        if self._found is None:
            self._found = (sys.stdout, sys.stderr, logging.root.level)
            sys.stdout = cast(TextIO, Router(self, "<stdout>", sys.stdout))
            sys.stderr = cast(TextIO, Router(self, "<stderr>", sys.stderr))
            self._attend()

    def uninstall(self) -> None:
        """Put everything back as it was found."""
        if self._found is not None:
            self.stop()
            logging.root.removeHandler(self._handler)
            sys.stdout, sys.stderr, level = self._found
            logging.root.setLevel(level)
            self._found = None

    def own(self, thread: Thread | None = None) -> None:
        """Declare a thread (by default this one) the daemon's own: what it prints is never captured."""
        # A new set, since others may be reading the old one.
        self._own = WeakSet([*self._own, thread or current_thread()])

    def start(self, limit: int, on_line: OnLine | None) -> Tail:
        """Capture from now on what this thread, and any that is not the daemon's own, prints and logs.

        Each line (cut at 8 KiB) is also passed to `on_line`, which may print and log: that is not captured.
        """
        tail = Tail(limit)
        self._attend()
        # Threads that an earlier job left behind: what they print is not this run's.
        strangers = [thread for thread in enumerate_threads() if thread is not current_thread()]
        self._run = _Run(tail, on_line, strangers)
        return tail

    def stop(self) -> None:
        """End the capture; `on_line` gets what is left of unended lines."""
        run, self._run = self._run, None
        if run is not None:
            run.finish()

    def current(self) -> _Run | None:
        """The run that the output of this thread belongs to."""
        run = self._run
        if run is None:
            return None
        ident = get_ident()
        if run.telling and ident in run.telling:
            return None
        if ident != run.main and any(
            thread.ident == ident and thread.is_alive() for thread in (*self._own, *run.strangers)
        ):
            return None
        return run

    def _attend(self) -> None:
        # Again at every start: basicConfig(force=True) and fileConfig in a job throw out every handler.
        if self._handler not in logging.root.handlers:
            logging.root.addHandler(self._handler)
        if logging.root.level > logging.INFO:
            logging.root.setLevel(logging.INFO)
