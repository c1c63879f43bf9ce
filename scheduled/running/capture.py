"""Captures what a job prints and logs.

By thread and not by file descriptor: so the daemon's own threads, which run meanwhile, keep their streams.
"""

import codecs
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Thread, current_thread, get_ident
from threading import enumerate as enumerate_threads
from typing import TextIO, cast
from weakref import WeakSet

from scheduled.running.router import Router
from scheduled.running.tail import Tail, clean

__all__ = ["Capture", "OnLine", "Router", "Tail", "clean"]

CHUNK = 65_536  # how much text is looked at in one go
PIECE = 8_192  # the longest line that is passed on in one piece

OnLine = Callable[[str], None]


class _Run:
    """What is captured from one start to its stop."""

    def __init__(self, tail: Tail, on_line: OnLine | None, strangers: list[Thread] | None) -> None:
        self.tail = tail
        self.strangers = strangers
        """Threads that are none of the job's; None: all but the one that runs it."""
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
        if self.strangers is not None:  # an application's own logging has the record already
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
    `shared`: the process is an application's. Then of all its threads only the one that runs the job is
    captured, and its logging is left as it is configured.
    """

    def __init__(self, hold: AbstractContextManager[None] | None = None, *, shared: bool = False) -> None:
        self.hold = hold if hold is not None else nullcontext()
        self._shared = shared
        self._run: _Run | None = None
        self._own: WeakSet[Thread] = WeakSet()
        self._handler = _Handler(self)
        self._found: tuple[TextIO, TextIO] | None = None
        self._level: int | None = None
        self._standing: tuple[Router, Router]

    def install(self) -> None:
        """Stand at sys.stdout and sys.stderr, and at the root logger, whose level becomes INFO at most."""
        if self._found is None:
            self._found = (sys.stdout, sys.stderr)
            self._standing = (Router(self, "<stdout>", sys.stdout), Router(self, "<stderr>", sys.stderr))
            sys.stdout, sys.stderr = cast(tuple[TextIO, TextIO], self._standing)
            if not self._shared:
                self._attend()

    def uninstall(self) -> None:
        """Put everything back as it was found; in a shared process, unless somebody else stands there now."""
        self.stop()
        logging.root.removeHandler(self._handler)
        if self._level is not None:
            logging.root.setLevel(self._level)
            self._level = None
        if self._found is not None:
            stdout, stderr = self._found
            if not self._shared or sys.stdout is self._standing[0]:
                sys.stdout = stdout
            if not self._shared or sys.stderr is self._standing[1]:
                sys.stderr = stderr
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
        strangers: list[Thread] | None = None
        if not self._shared:
            # Threads that an earlier job left behind: what they print is not this run's.
            own = current_thread()
            strangers = [thread for thread in enumerate_threads() if thread is not own]
        self._run = _Run(tail, on_line, strangers)
        return tail

    def writer(self) -> OnLine:
        """What takes text for the run that goes on now as if the job had printed it: from any thread."""
        run = self._run

        def write(text: str) -> None:
            if run is None:
                sys.stdout.write(text)
                return
            with self.hold:
                run.take("<stdout>", text)

        return write

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What this thread prints and logs within the block is the daemon's own word, and not captured."""
        run, ident = self._run, get_ident()
        if run is None or ident in run.telling:
            yield
            return
        with self.hold:
            run.telling.add(ident)
            try:
                yield
            finally:
                run.telling.discard(ident)

    def stop(self) -> None:
        """End the capture; `on_line` gets what is left of unended lines."""
        run, self._run = self._run, None
        if run is not None:
            run.finish()
        if self._shared:
            logging.root.removeHandler(self._handler)

    def current(self) -> _Run | None:
        """The run that the output of this thread belongs to."""
        run = self._run
        if run is None:
            return None
        ident = get_ident()
        if run.telling and ident in run.telling:
            return None
        if ident == run.main:
            return run
        if run.strangers is None or any(
            thread.ident == ident and thread.is_alive() for thread in (*self._own, *run.strangers)
        ):
            return None
        return run

    def _attend(self) -> None:
        # Again at every start: basicConfig(force=True) and fileConfig in a job throw out every handler.
        if self._handler not in logging.root.handlers:
            logging.root.addHandler(self._handler)
        if self._shared:
            return
        if self._level is None:
            self._level = logging.root.level
        if logging.root.level > logging.INFO:
            logging.root.setLevel(logging.INFO)
