"""The web process among the worker instances: so that the page of workers shows who serves it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from scheduled.clock import Clock
from scheduled.errors import DatabaseError
from scheduled.events import WARNING, Events
from scheduled.lifeline import Lifeline
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.words import WorkerType

JOIN_SECONDS = 5


@contextmanager
def attending(database: Database, settings: Settings, clock: Clock, events: Events) -> Iterator[Lifeline]:
    """Be registered within the block, with a heartbeat; and be STOPPED at its end.

    It serves also while the database is away: then it registers as soon as that is back.
    """
    beat_ms = settings.heartbeat_interval_ms
    lifeline = Lifeline(clock, WorkerType.WEB, beat_ms, timedelta(days=1))
    ending = threading.Event()
    thread = threading.Thread(
        target=_live, args=(database, lifeline, clock, events, ending, beat_ms / 1000), name="presence"
    )
    thread.daemon = True
    thread.start()
    try:
        yield lifeline
    finally:
        ending.set()
        thread.join(JOIN_SECONDS)


def _live(
    database: Database,
    lifeline: Lifeline,
    clock: Clock,
    events: Events,
    ending: threading.Event,
    seconds: float,
) -> None:
    registered = False
    with database.hold() as held:
        while True:
            with _told(events):
                if registered:
                    lifeline.beat(held, clock.now())
                else:
                    lifeline.register(held, None)
                    registered = True
            if ending.wait(seconds):
                break
        if registered:
            with _told(events):
                lifeline.stop(held, clock.now())


@contextmanager
def _told(events: Events) -> Iterator[None]:
    """What the database refuses is a line of the log."""
    try:
        yield
    except DatabaseError as error:
        events.emit("sidework.failed", WARNING, work="heartbeat", error=str(error))
