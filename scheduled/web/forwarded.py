"""What a proxy says of the one whom it speaks for; believed of those in SCHEDULE_TRUSTED_PROXIES."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
SPOKEN_FOR = ("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via")
"""Whoever sends one of these is no browser, but speaks for somebody else."""


class Forwarded:
    """Lets a request that a trusted proxy passes on look as it did when it reached the proxy."""

    def __init__(self, app: ASGIApp, trusted: str | None) -> None:
        """`trusted`: addresses or networks, with commas between them."""
        self._app = app
        self._trusted = [
            ip_network(part.strip(), strict=False) for part in (trusted or "").split(",") if part
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._trusts(client_address(scope)):
            scope = self._as_it_was(scope)
        await self._app(scope, receive, send)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)

    def _as_it_was(self, scope: Scope) -> Scope:
        scope = dict(scope)
        headers = MutableHeaders(raw=list(scope["headers"]))
        if sender := self._sender(_parts(headers, "x-forwarded-for")):
            scope["client"] = (str(sender), 0)
        if (proto := _last(headers, "x-forwarded-proto").lower()) in ("http", "https"):
            scope["scheme"] = proto
        if HOST.fullmatch(host := _last(headers, "x-forwarded-host")):
            headers["host"] = host
        for name in SPOKEN_FOR:
            del headers[name]
        scope["headers"] = headers.raw
        return scope

    def _sender(self, chain: Sequence[str]) -> Address | None:
        """The last one in the chain that is no proxy of ours: whatever stands before it may be made up."""
        found = None
        for part in reversed(chain):
            if (address := _address(part)) is None:
                break
            found = address
            if not self._trusts(address):
                break
        return found


def client_address(scope: Scope) -> Address | None:
    """Who sent the request; None if that is no address, as on a socket of this host's."""
    client = scope.get("client")
    return None if client is None else _address(str(client[0]))


def speaks_for_another(headers: Headers) -> bool:
    """Whether the request came through a proxy, as far as one can tell."""
    return any(name in headers for name in SPOKEN_FOR)


def _address(text: str) -> Address | None:
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _parts(headers: Headers, name: str) -> list[str]:
    values: Iterable[str] = headers.getlist(name)
    return [part for value in values for part in value.split(",") if part.strip()]


def _last(headers: Headers, name: str) -> str:
    parts = _parts(headers, name)
    return parts[-1].strip() if parts else ""
