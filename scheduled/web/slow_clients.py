"""Lets go of clients that keep the server waiting, and of more of them than it can spare descriptors for.

Without it each request that is never finished would stay open for ever; a daemon that serves the admin beside
its jobs would have no descriptors left for them.
"""

import asyncio
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long the head of a request may take, from the connection or its first byte on."""
BODY_SECONDS = 20.0
"""How long its body may take, from the head on."""
MOST_CONNECTIONS = 500
"""How many connections may be open at once, streams included."""
ACCEPTED_AT_ONCE = 16
"""How many connections the event loop takes in a turn: they are counted some turns later."""


def connections_allowed() -> int:
    """At most half the descriptors that this process may have."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if descriptors == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(MOST_CONNECTIONS, descriptors // 2)


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1 with clients that must say in time what they want; answers may take as long as they like."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._awaited: object = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > connections_allowed():
            transport.abort()
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_for(None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        self._watch()

    def _watch(self) -> None:
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            self._wait_for(self.cycle, BODY_SECONDS)
        # Between two requests uvicorn has a timer of its own, until the first byte of the next.
        elif state is h11.IDLE and self.timeout_keep_alive_task is None:
            self._wait_for(h11.IDLE, HEAD_SECONDS)
        else:
            self._wait_for(None)

    def _wait_for(self, awaited: object, seconds: float = 0) -> None:
        """What was awaited before, and still is, gets no more time by that."""
        if awaited is self._awaited:
            return
        self._awaited = awaited
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if awaited is not None:
            # Not close(): that would wait until the client has read what it was told so far.
            self._timer = self.loop.call_later(seconds, self.transport.abort)
