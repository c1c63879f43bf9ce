"""How the admin is while it has no users: closed to everybody but this host, which may add the first."""

from starlette.requests import HTTPConnection

from scheduled.web.forwarded import client_address, speaks_for_another

NAMES = ("localhost", "127.0.0.1", "[::1]")


def is_from_here(request: HTTPConnection) -> bool:
    """Whether somebody on this host asks, under a name of this host.

    A page of another site may have had its own name point to this host; a browser then tells that name.
    """
    address = client_address(request.scope)
    if address is None or not address.is_loopback or speaks_for_another(request.headers):
        return False
    host = request.headers.get("host", "").lower()
    name, _, port = host.rpartition(":")
    return host in NAMES or (name in NAMES and port.isdigit())
