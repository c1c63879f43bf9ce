"""A side thread that hands a child's output and progress on, feeds it its payload and keeps its outcome."""

import codecs
import logging
import os
import selectors
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

CHUNK = 65536
LAST_CHUNKS = 16
"""How much is still read from pipes that somebody keeps open after the end (a full pipe holds one chunk)."""
OUTCOME_LIMIT = 1 << 20


class Pump:
    """Owns the descriptors that it is given, and closes them.

    `on_output` is called on the pump's thread, and so is `on_news`, with the newest of the lines in which the
    child tells how far it has come. When one raises, that is logged once, and the rest is read and dropped,
    for the child must not block.
    """

    def __init__(
        self,
        output: int,
        on_output: Callable[[str], None],
        on_news: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.outcome = bytearray()
        self._on_output = on_output
        self._on_news = on_news
        self._news = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._selector = selectors.DefaultSelector()
        woken, self._waker = os.pipe()
        self._left = LAST_CHUNKS
        self._started = False
        self._ending = False
        self._payload = memoryview(b"")
        self._thread = Thread(target=self._run, name="scheduled-output", daemon=True)
        self._register(woken, selectors.EVENT_READ, self._wake)
        self._register(output, selectors.EVENT_READ, self._read_output)

    def exchange(self, content: bytes) -> tuple[int, int, int]:
        """Also feed the child `content`, keep its outcome and hear its news. Before start().

        Returns the child's ends: what it reads from, and what it writes its outcome and its news to. They are
        the caller's to close.
        """
        reading, payload = os.pipe()
        outcome, writing = os.pipe()
        news, telling = os.pipe()
        self._payload = memoryview(content)
        self._register(payload, selectors.EVENT_WRITE, self._write_payload)
        self._register(outcome, selectors.EVENT_READ, self._read_outcome)
        self._register(news, selectors.EVENT_READ, self._read_news)
        return reading, writing, telling

    def start(self) -> None:
        self._started = True
        self._thread.start()

    def finish(self, patience: float) -> None:
        """The child ended: wait until all it wrote is handed on, and end in any case. May be called again.

        Only where something hangs on to the pipes, or `on_output` does not return, is there any waiting.
        """
        if not self._started:
            self._close_all()
        elif not self._joined(patience):
            os.write(self._waker, b"!")
            self._joined(patience)
        if self._waker >= 0 and not self._thread.is_alive():
            waker, self._waker = self._waker, -1
            os.close(waker)

    def _joined(self, patience: float) -> bool:
        with suppress(RuntimeError):  # an interrupt came between start() and the thread's first step
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _register(self, fd: int, events: int, handle: Callable[[int], None]) -> None:
        os.set_blocking(fd, False)
        self._selector.register(fd, events, handle)

    def _run(self) -> None:
        while len(self._selector.get_map()) > 1:
            ready = self._selector.select(0 if self._ending else None)
            if not ready or self._left < 0:
                break
            for key, _events in ready:
                key.data(key.fd)
        self._deliver(b"", final=True)
        self._close_all()

    def _wake(self, fd: int) -> None:
        os.read(fd, CHUNK)
        self._ending = True

    def _read_output(self, fd: int) -> None:
        data = os.read(fd, CHUNK)
        self._count(fd, data)
        self._deliver(data)

    def _read_outcome(self, fd: int) -> None:
        data = os.read(fd, CHUNK)
        self._count(fd, data)
        self.outcome += data[: OUTCOME_LIMIT - len(self.outcome)]

    def _read_news(self, fd: int) -> None:
        data = os.read(fd, CHUNK)
        self._count(fd, data)
        *lines, rest = (self._news + data).split(b"\n")
        self._news = rest[-CHUNK:]
        if lines:
            self._hand_on("_on_news", lines[-1].decode(errors="replace"))

    def _count(self, fd: int, data: bytes) -> None:
        self._left -= self._ending
        if not data:
            self._close(fd)

    def _write_payload(self, fd: int) -> None:
        try:
            self._payload = self._payload[os.write(fd, self._payload[:CHUNK]) :]
        except BrokenPipeError:
            self._payload = memoryview(b"")
        if not self._payload:
            self._close(fd)

    def _deliver(self, data: bytes, *, final: bool = False) -> None:
        text = self._decoder.decode(data, final)
        if text:
            self._hand_on("_on_output", text)

    def _hand_on(self, taker: str, text: str) -> None:
        try:
            getattr(self, taker)(text)
        except Exception:
            logging.getLogger(__name__).exception(
                "the output of a child could not be handed on; it is dropped"
            )
            setattr(self, taker, _drop)

    def _close(self, fd: int) -> None:
        self._selector.unregister(fd)
        os.close(fd)

    def _close_all(self) -> None:
        for key in list((self._selector.get_map() or {}).values()):
            self._close(key.fd)
        self._selector.close()


def _drop(_text: str) -> None:
    """Output that nobody can take."""
