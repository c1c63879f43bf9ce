"""Where the admin is served, and what is said when it cannot be."""

import socket
import threading
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from starlette.types import Receive, Scope, Send

from scheduled.errors import UsageError
from scheduled.web.serving import LEAVING_SECONDS, ServingError, bind, parse_address, serving, url_of
from tests.cli_support import Place, place_at
from tests.patience import PATIENCE


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("[::1]:9000", ("::1", 9000)),
        ("9000", ("127.0.0.1", 9000)),
        (":9000", ("127.0.0.1", 9000)),
        ("localhost", ("localhost", 8080)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_it_reads_an_address(text: str, meant: tuple[str, int]) -> None:
    assert parse_address(text) == meant


@pytest.mark.parametrize("text", ["host:port", "host:70000", "::1:8080", "host:-1", "a:b:1"])
def test_it_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(UsageError, match="write HOST:PORT, as in"):
        parse_address(text)


def test_it_says_when_an_address_is_taken() -> None:
    with closing(bind("127.0.0.1:0")) as first:
        taken = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(ServingError, match="cannot be served: Address already in use"):
            bind(taken)


def test_it_names_a_url_that_a_browser_here_can_open() -> None:
    with closing(bind("0.0.0.0:0")) as listener:
        port = listener.getsockname()[1]
        assert url_of(listener) == f"http://localhost:{port}/admin/schedules"


def test_it_serves_on_a_thread_until_the_block_ends() -> None:
    listener = bind("127.0.0.1:0")
    port = listener.getsockname()[1]
    with serving(hello, listener), urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as answer:
        assert answer.read() == b"hello"
    assert "web" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=LEAVING_SECONDS)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    with place_at(tmp_path, monkeypatch) as found:
        return found


def test_the_command_says_how_to_install_the_extra(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else object())
    told = place.error("web", status=1)
    assert "the admin needs uvicorn: install scheduled-daemon with its extra `web`" in told


@pytest.mark.parametrize("command", [("web",), ("run", "--web")])
def test_the_command_refuses_what_is_no_address(place: Place, command: tuple[str, ...]) -> None:
    assert "'nowhere:none' is no address" in place.error(*command, "nowhere:none", status=2)
