"""Watches the database for those who stream its news: one watcher for all of them, and only while there are.

It has a thread of its own, because an application that this one is mounted in may have any event loop, and
tells us neither when it starts nor when it ends.
"""

import asyncio
import json
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from scheduled.clock import Clock
from scheduled.errors import DatabaseError
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.newest import Newest, begun, newest, output_of
from scheduled.store.watching import Watch
from scheduled.web.curtain import Curtain
from scheduled.words import Status

GLANCE_SECONDS = 0.2
"""How often SQLite is asked whether anything has changed, which costs microseconds."""
ASK_SECONDS = 1.0
"""How often a server is asked what is newest."""
CALM_SECONDS = 0.5
"""News come this far apart at least: a second change within them is told with the first."""
CALM_A_LISTENER = 0.0025
"""And so much farther for each who listens: two hundred must not take a core from the jobs."""
SHOWN = 32_768
"""Of what a job prints, so many characters are streamed: the last ones."""


class Listener:
    """One stream. Of what it has not taken yet only the newest is kept, however slow it is."""

    def __init__(self, occurrence_id: int | None, seen: str | None) -> None:
        """`seen`: the token of the newest that it knows; then that is no news to it."""
        self.occurrence_id = occurrence_id
        self._seen = seen
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._guard = threading.Lock()
        self._news: Newest | None = None
        self._outputs: dict[int, str] = {}
        self._told: dict[int, str] = {}
        self._ended = False

    async def take(self, patience: float) -> list[bytes] | None:
        """The events that have come, as they are sent; none if `patience` seconds passed, None at the end."""
        try:
            await asyncio.wait_for(self._woken.wait(), patience)
        except TimeoutError:
            return []
        with self._guard:
            self._woken.clear()
            if self._ended:
                return None
            news, self._news = self._news, None
            outputs, self._outputs = self._outputs, {}
        events = [event("output", text) for text in outputs.values()]
        if news is not None:
            ids = {name: value for name, value in asdict(news).items() if name != "token"}
            events.append(event("news", json.dumps(ids), news.token))
        return events

    def offer(self, news: Newest, outputs: dict[int, str]) -> None:
        """Tell it what is newest, and what each run has printed so far; unless it knows."""
        with self._guard:
            said = {run: text for run, text in outputs.items() if self._told.get(run) != text}
            if not said and news.token == self._seen:
                return
            self._told |= said
            self._outputs |= said
            if news.token != self._seen:
                self._seen, self._news = news.token, news
        self._wake()

    def end(self) -> None:
        """There will be no more news."""
        self._ended = True
        self._wake()

    @property
    def gone(self) -> bool:
        """Whether its loop has ended without a word."""
        return self._loop.is_closed()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # its loop is closed, and nobody listens any more
            self._loop.call_soon_threadsafe(self._woken.set)


class Watcher:
    """Tells every listener what is new in one database."""

    def __init__(self, database: Database, redact: str | None = None) -> None:
        """`redact`: a pattern of further names whose values are hidden in what runs print."""
        self._database = database
        self._curtain = Curtain.of(redact)
        self._clock = Clock()
        self._guard = threading.Lock()
        self._listeners: set[Listener] = set()
        self._somebody_came = threading.Event()
        self._look_again = False
        self._thread: threading.Thread | None = None

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def listen(self, occurrence_id: int | None = None, seen: str | None = None) -> Listener:
        """A new listener, on the event loop that runs; to the output of that occurrence, too."""
        listener = Listener(occurrence_id, seen)
        with self._guard:
            self._listeners.add(listener)
            self._somebody_came.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="web-news", daemon=True)
                self._thread.start()
        return listener

    def leave(self, listener: Listener) -> None:
        """It listens no longer. With the last one, the watch ends."""
        with self._guard:
            self._listeners.discard(listener)
            self._somebody_came.set()

    def close(self) -> None:
        """End all streams, and the watch."""
        with self._guard:
            listeners, self._listeners = self._listeners, set()
            self._thread = None
            self._somebody_came.set()
        for listener in listeners:
            listener.end()

    def _watch(self) -> None:
        held = self._database.hold()
        # In memory, all share one connection, which never sees that another has changed anything.
        watch = Watch(held) if self._database.file is not None else None
        try:
            while self._somebody_listens():
                came = self._somebody_came.is_set() or self._look_again
                self._somebody_came.clear()
                self._look_again = False
                pause = GLANCE_SECONDS if watch is not None else ASK_SECONDS
                if watch is None or watch.changed() or came:
                    pause = self._tell(held, pause)
                self._somebody_came.wait(pause)
        except BaseException:  # then whoever wants more connects again
            self.close()
            raise
        finally:
            held.close()

    def _tell(self, held: Held, pause: float) -> float:
        """Look, and tell everybody; how long to wait then, in seconds."""
        began = self._clock.monotonic()
        try:
            news = newest(held)
            outputs = {one: _outputs(held, one, self._curtain) for one in self._asked_for()}
        except DatabaseError:
            held.close()
            self._look_again = True  # whatever a counter of changes tells
            return ASK_SECONDS
        for listener in self._all():
            listener.offer(news, outputs.get(listener.occurrence_id or 0, {}))
        calm = CALM_SECONDS + CALM_A_LISTENER * self.listeners
        return max(pause, calm, 3 * (self._clock.monotonic() - began))

    def _all(self) -> list[Listener]:
        with self._guard:
            return list(self._listeners)

    def _asked_for(self) -> set[int]:
        return {one.occurrence_id for one in self._all() if one.occurrence_id is not None}

    def _somebody_listens(self) -> bool:
        """Whether to go on; else whoever comes next begins anew."""
        with self._guard:
            if self._thread is not threading.current_thread():
                return False
            self._listeners = {one for one in self._listeners if not one.gone}
            if not self._listeners:
                self._thread = None
            return bool(self._listeners)


def event(name: str, data: str, id: str = "") -> bytes:
    """One server-sent event. `data` is JSON, and so has no line breaks."""
    number = f"id: {id}\n" if id else ""
    return f"event: {name}\n{number}data: {data}\n\n".encode()


def _outputs(held: Held, occurrence_id: int, curtain: Curtain) -> dict[int, str]:
    """What each run that runs has printed, and the newest one also when it has ended; as JSON."""
    attempts = begun(held, occurrence_id)
    going_on = [one for one in attempts if one.status == Status.RUNNING] or attempts[-1:]
    return {one.id: json.dumps(_told(held, one, curtain), ensure_ascii=False) for one in going_on}


def _told(held: Held, attempt: Any, curtain: Curtain) -> dict[str, Any]:
    printed, truncated = output_of(held, attempt.id)
    output = curtain.tail(printed, SHOWN, cut=truncated)
    return {
        "run": attempt.id,
        "job": attempt.job_name,
        "attempt": attempt.attempt,
        "status": attempt.status,
        "progress_done": attempt.progress_done,
        "progress_total": attempt.progress_total,
        "output": output.text,
        "truncated": output.cut,
    }
