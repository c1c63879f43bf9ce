"""Writes, while a job runs, what it has printed and told so far: for whoever watches."""

from typing import Any

from scheduled.clock import Clock
from scheduled.control import Control
from scheduled.errors import FencedError
from scheduled.lock import fence
from scheduled.running.live import Live, Progress
from scheduled.running.tail import clean
from scheduled.store import runs
from scheduled.store.held import Held

EVERY_SECONDS = 1.0
"""How often that is, and how long a run must have gone on before it is worth the writing."""
AFTER_TROUBLE_SECONDS = 10.0
LIMIT = 65_536
"""How many bytes of a long output: the whole is written once, in the end."""


class _EndedError(Exception):
    """The attempt is over: what it came to is written by who ran it."""


class Reporter:
    """`due` is asked several times a second; when it says so, `write` is to be called, on any thread."""

    def __init__(self, held: Held, control: Control, clock: Clock) -> None:
        self._held = held
        self._control = control
        self._clock = clock
        self._live: Live | None = None
        self._next = 0.0
        self._progress: Progress | None = None
        self._written = 0

    def due(self) -> bool:
        """Whether a run has gone on for long enough, and has news."""
        live, now = self._control.live, self._clock.monotonic()
        if live is not self._live:
            self._live, self._next = live, now + EVERY_SECONDS
            self._progress, self._written = None, 0
        if live is None or now < self._next:
            return False
        self._next = now + EVERY_SECONDS
        return live.progress != self._progress or live.tail.written != self._written

    def write(self) -> None:
        """One small transaction: the fence; the progress, if the attempt still runs; and its output."""
        live = self._live
        if live is None:
            return
        progress, written = live.progress, live.tail.written
        try:
            with self._held.transaction():
                fence(self._held, live.occurrence_id, live.holder, live.sequence.counts)
                self._write_progress(live, progress)
                if written != self._written:
                    self._write_output(live)
        except _EndedError:
            return
        except FencedError:
            if self._control.live is live:
                self._control.fence(live.occurrence_id)
            return
        except BaseException:
            self._next = self._clock.monotonic() + AFTER_TROUBLE_SECONDS
            raise
        if self._live is live:
            self._progress, self._written = progress, written

    def _write_progress(self, live: Live, progress: Progress | None) -> None:
        done, total = progress or (None, None)
        values: dict[str, Any] = {"progress_done": done, "progress_total": total}
        if self._held.run(runs.COME_SO_FAR, the_id=live.job_run_id, **values) != 1:
            raise _EndedError

    def _write_output(self, live: Live) -> None:
        if not live.may_print():
            raise _EndedError
        text, truncated = live.tail.newest(LIMIT)
        runs.write_output(self._held, live.job_run_id, output=clean(text), truncated=truncated)
