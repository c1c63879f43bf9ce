"""Clients that keep the server waiting are let go, and never hold more of it than it can spare."""

import asyncio
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from starlette.types import Receive, Scope, Send

from scheduled.web import slow_clients
from scheduled.web.serving import bind, serving
from scheduled.web.slow_clients import connections_allowed
from tests.patience import PATIENCE

LIMIT = 0.2
"""Of a machine that has much else to do."""
REQUEST = b"GET / HTTP/1.1\r\nHost: it\r\n\r\n"
LAST_REQUEST = b"GET / HTTP/1.1\r\nHost: it\r\nConnection: close\r\n\r\n"
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost:"
HALF_A_BODY = b"POST / HTTP/1.1\r\nHost: it\r\nContent-Length: 6\r\n\r\nabc"

Connect = Callable[[], socket.socket]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Says what came; under /early before it came; under /long in two parts, far from each other."""
    assert scope["type"] == "http"
    body = b""
    while scope["path"] != "/early":
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] == "/long":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await asyncio.sleep(4 * LIMIT)
        await send({"type": "http.response.body", "body": b"ended"})
        return
    said = b"got:" + body + b"!"
    headers = [(b"content-length", str(len(said)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    monkeypatch.setattr(slow_clients, "HEAD_SECONDS", LIMIT)
    monkeypatch.setattr(slow_clients, "BODY_SECONDS", LIMIT)
    listener = bind("127.0.0.1:0")
    where = listener.getsockname()
    with ExitStack() as opened, serving(app, listener):
        yield lambda: opened.enter_context(socket.create_connection(where, PATIENCE))


@pytest.fixture
def patient(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Of a server whose limits never matter."""
    monkeypatch.setattr(slow_clients, "HEAD_SECONDS", 10 * PATIENCE)
    monkeypatch.setattr(slow_clients, "BODY_SECONDS", 10 * PATIENCE)
    return connect


def talk(client: socket.socket, *said: bytes, until: bytes = b"!") -> bytes:
    """What it hears, up to this."""
    client.sendall(b"".join(said))
    heard = b""
    while until not in heard:
        part = client.recv(4096)
        assert part, heard
        heard += part
    return heard


def heard_until_closed(client: socket.socket) -> bytes:
    heard = b""
    while part := client.recv(4096):
        heard += part
    return heard


def dribble(client: socket.socket) -> None:
    """Send byte after byte until the other side has had enough."""
    client.settimeout(LIMIT / 10)
    for _ in range(int(10 * PATIENCE / LIMIT)):
        try:
            client.sendall(b"a")
            if client.recv(1) == b"":
                return
        except TimeoutError:
            continue
        except ConnectionError:
            return
    raise AssertionError("it listened all the time")


@pytest.mark.parametrize("said", [b"", HALF_A_HEAD, HALF_A_BODY], ids=["nothing", "head", "body"])
def test_who_says_too_little_is_let_go(connect: Connect, said: bytes) -> None:
    client = connect()
    client.sendall(said)
    assert heard_until_closed(client) == b""


@pytest.mark.parametrize(
    "said",
    [
        HALF_A_HEAD,
        b"POST / HTTP/1.1\r\nHost: it\r\nContent-Length: 60000\r\n\r\n",
        b"POST /early HTTP/1.1\r\nHost: it\r\nContent-Length: 60000\r\n\r\n",
    ],
    ids=["head", "body", "body that nobody waits for"],
)
def test_who_says_it_byte_by_byte_is_let_go(connect: Connect, said: bytes) -> None:
    client = connect()
    client.sendall(said)
    dribble(client)


def test_it_waits_no_longer_for_a_second_head(connect: Connect) -> None:
    client = connect()
    talk(client, REQUEST)
    client.sendall(HALF_A_HEAD)
    assert heard_until_closed(client) == b""


def test_it_waits_for_no_more_once_a_late_body_is_there(connect: Connect) -> None:
    client = connect()
    talk(client, HALF_A_BODY.replace(b"/ ", b"/early "))
    client.sendall(b"def")
    assert heard_until_closed(client) == b""


def test_who_idles_between_requests_is_left_to_the_keep_alive(connect: Connect) -> None:
    client, other = connect(), connect()
    talk(client, REQUEST)
    talk(other, REQUEST.replace(b"/ ", b"/long "), until=b"ended")
    assert b"got:!" in talk(client, REQUEST)


def test_who_is_in_time_is_answered(patient: Connect) -> None:
    client = patient()
    client.sendall(HALF_A_HEAD)
    assert b"got:!" in talk(client, b" it\r\n\r\n")
    client.sendall(HALF_A_BODY)
    assert b"got:abcdef!" in talk(client, b"def")


def test_a_long_answer_outlives_the_limits(connect: Connect) -> None:
    assert b"begun" in talk(connect(), REQUEST.replace(b"/ ", b"/long "), until=b"ended")


def test_it_holds_no_more_connections_than_are_allowed(
    patient: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_clients, "MOST_CONNECTIONS", 2)
    first, second = patient(), patient()
    talk(first, REQUEST)
    talk(second, REQUEST.replace(b"/ ", b"/long "), until=b"begun")
    assert heard_until_closed(patient()) == b""
    assert b"got:!" in talk(first, REQUEST)


def test_who_leaves_makes_room(patient: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_clients, "MOST_CONNECTIONS", 1)
    first = patient()
    first.sendall(LAST_REQUEST)
    assert b"got:!" in heard_until_closed(first)
    assert b"got:!" in talk(patient(), REQUEST)


@pytest.mark.parametrize(
    ("descriptors", "allowed"), [(64, 32), (1024, 500), (4096, 500), (resource.RLIM_INFINITY, 500)]
)
def test_it_leaves_half_the_descriptors_to_the_jobs(
    descriptors: int, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (descriptors, resource.RLIM_INFINITY))
    assert connections_allowed() == allowed
