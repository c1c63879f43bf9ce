"""Hears, in a server's database, that somebody asked for something."""

import select
from collections.abc import Callable
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as sql_select

from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import events

CHANNEL = "scheduled"
LINES = 100
_newest = sql_select(events.c.id).order_by(events.c.id.desc()).limit(LINES).subquery()
NEWEST_EVENTS = Statement(sql_select(func.sum(_newest.c.id).label("fingerprint")))


class Ear:
    """PostgreSQL's LISTEN, on a connection that others of our threads write with.

    Whoever waits does so beside the connection, not within it: so that the others need not wait for them.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._heard = False
        self._listens: Any = None

    def wait(self, seconds: float) -> bool:
        """Wait so long at most; whether word came, or may have come while nobody listened.

        Raises:
            DatabaseUnavailableError: the connection cannot be opened (again).
        """
        with self._held.driver() as driver:
            if driver is not self._listens:  # others may have opened it, for the first time or again
                self._listen(driver)
            number = driver.fileno()
        if not self._heard:
            self._await(number, seconds)
        heard, self._heard = self._heard, False
        return heard

    def _await(self, number: int, seconds: float) -> None:
        waiting = select.poll()  # unlike select.select, it knows descriptors above 1023
        waiting.register(number, select.POLLIN)
        ready = waiting.poll(seconds * 1000)
        if ready:
            with self._held.driver() as driver:
                driver.pgconn.consume_input()
                while driver.pgconn.notifies():
                    self._heard = True

    def _listen(self, driver: Any) -> None:
        driver.add_notify_handler(self._note)  # for what comes along with the answer to a query
        driver.execute(f"LISTEN {CHANNEL}")
        self._listens = driver
        self._heard = True

    def _note(self, _notify: object) -> None:
        self._heard = True


class Newspaper:
    """Where no server calls: one look at the newest lines of the audit, which has all that is asked for.

    At all of them, as who began first to write one need not be the first to commit.
    """

    def __init__(self, held: Held) -> None:
        self._held = held
        self._seen: int | None = None

    def read(self, heed: Callable[[], None]) -> None:
        """Call `heed`, if there is a line that was not there when that was done last."""
        newest = int(self._held.row(NEWEST_EVENTS).fingerprint or 0)
        if newest != self._seen:
            heed()
            self._seen = newest


def tell(held: Held) -> None:
    """Within a transaction that asks for something: call those who listen, once it is committed."""
    if held.dialect_name == "postgresql":
        held.command(f"NOTIFY {CHANNEL}")
