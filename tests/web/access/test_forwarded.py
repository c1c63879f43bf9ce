"""Behind proxies: who asked, by which name and scheme; believed of trusted ones alone."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from scheduled.web.forwarded import Forwarded
from tests.web.access.conftest import Door


def passed_on(trusted: str | None, peer: str | None, **headers: str) -> tuple[Any, str, str]:
    """What the application sees: the client's address, the scheme and the host."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> Message:
        return {}

    told = {"host": "inside:8080"} | {f"x-forwarded-{name}": value for name, value in headers.items()}
    raw = [(name.encode(), value.encode()) for name, value in told.items()]
    client = None if peer is None else (peer, 4711)
    scope = {"type": "http", "headers": raw, "client": client, "scheme": "http"}
    asyncio.run(Forwarded(app, trusted)(scope, nothing, nothing))  # type: ignore[arg-type]
    found = seen[0]
    return found["client"] and found["client"][0], found["scheme"], dict(found["headers"])[b"host"].decode()


HEADERS = {"for": "192.0.2.7", "proto": "https", "host": "jobs.example"}


@pytest.mark.parametrize("trusted", ["10.0.0.1", "10.0.0.0/8", "127.0.0.1, 10.0.0.0/24", "10.0.0.7/8"])
def test_a_trusted_proxy_is_believed(trusted: str) -> None:
    assert passed_on(trusted, "10.0.0.1", **HEADERS) == ("192.0.2.7", "https", "jobs.example")


@pytest.mark.parametrize("trusted", [None, "", "10.0.0.2", "fd00::/8"])
@pytest.mark.parametrize("peer", ["10.0.0.1", None, "testclient"])
def test_nobody_else_is(trusted: str | None, peer: str | None) -> None:
    assert passed_on(trusted, peer, **HEADERS) == (peer, "http", "inside:8080")


@pytest.mark.parametrize(("chain", "sender"), [
    ("1.1.1.1, 192.0.2.7", "192.0.2.7"),
    ("1.1.1.1, 192.0.2.7, 10.0.0.9", "192.0.2.7"),
    ("10.0.0.8, 10.0.0.9", "10.0.0.8"),
    ("192.0.2.7:5000", "192.0.2.7"),
    ("[2001:db8::1]:5000", "2001:db8::1"),
    ("2001:db8::1", "2001:db8::1"),
    ("::ffff:192.0.2.7", "192.0.2.7"),
    ('"192.0.2.7"', "192.0.2.7"),
    ("192.0.2.7, unknown", "10.0.0.1"),
    ("nonsense, 10.0.0.9", "10.0.0.9"),
    ("", "10.0.0.1"),
])  # fmt: skip
def test_the_sender_is_the_last_that_is_no_proxy_of_ours(chain: str, sender: str) -> None:
    assert passed_on("10.0.0.0/24", "10.0.0.1", **{"for": chain})[0] == sender


@pytest.mark.parametrize(("proto", "scheme"), [
    ("https", "https"), ("HTTPS", "https"), ("http, https", "https"), ("gopher", "http"), ("", "http"),
])  # fmt: skip
def test_the_scheme_is_one_of_the_two(proto: str, scheme: str) -> None:
    assert passed_on("10.0.0.1", "10.0.0.1", proto=proto)[1] == scheme


@pytest.mark.parametrize(("told", "host"), [
    ("jobs.example:8443", "jobs.example:8443"), ("evil.example, jobs.example", "jobs.example"),
    ("[::1]:80", "[::1]:80"), ("a b", "inside:8080"), ("x/../y", "inside:8080"), ("", "inside:8080"),
])  # fmt: skip
def test_the_host_is_one(told: str, host: str) -> None:
    assert passed_on("10.0.0.1", "10.0.0.1", host=told)[2] == host


def test_a_proxy_on_this_host_may_be_trusted() -> None:
    assert passed_on("127.0.0.1", "127.0.0.1", **HEADERS)[0] == "192.0.2.7"
    assert passed_on("127.0.0.1", "::ffff:127.0.0.1", **HEADERS)[0] == "192.0.2.7"


def test_behind_tls_cookies_are_for_tls_alone(door: Door) -> None:
    behind = Door(door.access, trusted_proxies="10.0.0.1").browser(address="10.0.0.1")
    behind.headers |= {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    answer = behind.fill("/admin/login", "/admin/login", name="ada", password="wrong one")
    assert answer.status_code in (401, 403)
    assert "Secure" in behind.get("/admin/login").headers["set-cookie"]


def test_logins_are_throttled_by_whom_the_proxy_speaks_for(door: Door) -> None:
    app = Door(door.access, trusted_proxies="10.0.0.1")
    statuses = {}
    for sender in ("192.0.2.7", "192.0.2.8"):
        browser = app.browser(address="10.0.0.1")
        browser.headers["X-Forwarded-For"] = sender
        tries = [browser.login(name=f"{sender}{n}") for n in range(31 if sender.endswith("7") else 1)]
        statuses[sender] = tries[-1].status_code
    assert statuses == {"192.0.2.7": 429, "192.0.2.8": 401}


def test_an_untrusted_one_cannot_escape_the_throttle(door: Door) -> None:
    browser = door.browser(address="192.0.2.7")
    last = 0
    for n in range(31):
        browser.headers["X-Forwarded-For"] = f"198.51.100.{n}"
        last = browser.login(name=f"name{n}").status_code
    assert last == 429
