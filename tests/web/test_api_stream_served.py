"""The stream as it is served: until the client leaves, the server stops, or who asked may see no more."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from scheduled.access.identity import Identity, Role
from scheduled.web.api import stream
from scheduled.web.serving import bind, serving
from tests.conftest import World
from tests.patience import PATIENCE
from tests.web.conftest import Visitor


class Asked:
    """A request to /api/stream on a server that tells when the client has gone."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._gone = asyncio.Event()
        self.sent: list[Any] = []

    async def __call__(self, until: bytes, path: str = "/api/stream", method: str = "GET") -> bytes:
        """What is sent until this was in it, and then the client left."""
        scope = {
            "type": "http", "method": method, "path": path, "query_string": b"", "headers": [],
            "root_path": "", "scheme": "http", "server": ("127.0.0.1", 8080), "client": ("127.0.0.1", 5),
        }  # fmt: skip

        async def send(message: Any) -> None:
            self.sent.append(message)
            if until in self.body:
                self._gone.set()

        async def receive() -> Any:
            await self._gone.wait()
            return {"type": "http.disconnect"}

        async with asyncio.timeout(PATIENCE):
            await self._app(scope, receive, send)
        return self.body

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


@pytest.fixture
def asked(shop: World, visit: Callable[..., Visitor]) -> Asked:
    shop.start()
    return Asked(visit().app)


def test_it_serves_news_until_the_client_leaves(asked: Asked) -> None:
    body = asyncio.run(asked(until=b"event: news"))
    assert body.startswith(b"retry: ")
    assert dict(asked.sent[0]["headers"])[b"content-type"].startswith(b"text/event-stream")
    assert asked._app.state.watcher.listeners == 0


def test_it_answers_head_without_a_stream(asked: Asked) -> None:
    assert asyncio.run(asked(until=b"nothing", method="HEAD")) == b""
    assert asked.sent[0]["status"] == 200


def test_it_keeps_a_quiet_stream_alive(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_SECONDS", 0.05)
    asyncio.run(asked(until=b": all is quiet"))


def test_who_may_no_longer_see_it_is_shown_no_more(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEEP_ALIVE_SECONDS", 0.05)
    known = [Identity("ann", Role.VIEWER, "application")]
    gate = asked._app.state.site.gate
    monkeypatch.setattr(gate, "_authenticate", lambda _request: known.pop() if known else None)
    asyncio.run(asked(until=b"nothing"))
    assert asked.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


def test_it_refuses_more_streams_than_it_can_bear(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_STREAMS", 0)
    body = asyncio.run(asked(until=b"nothing"))
    assert json.loads(body)["status"] == 503


def test_a_server_that_stops_ends_its_streams(asked: Asked, caplog: pytest.LogCaptureFixture) -> None:
    listener = bind("127.0.0.1:0")
    with (
        serving(asked._app, listener),
        socket.create_connection(listener.getsockname()[:2], PATIENCE) as client,
    ):
        client.sendall(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"event: news" not in received:
            received += client.recv(1000)
    assert not caplog.records
