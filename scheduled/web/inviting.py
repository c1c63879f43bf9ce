"""What a process that serves an admin without users does: it tells on its terminal how to add the first."""

import socket
from ipaddress import ip_address

from scheduled.errors import ScheduledError
from scheduled.web.gate import Gate
from scheduled.web.serving import url_of


class ClosedError(ScheduledError):
    """Nobody could log in where the admin would be served."""


def invitation(gate: Gate, listener: socket.socket) -> str | None:
    """Where the first user is let in, by a code that is good once; None if that is not called for.

    Raises:
        ClosedError: others than this host would be served. The listener is closed.
    """
    if not gate.is_closed():
        return None
    require_this_host(listener)
    return f"{url_of(listener).removesuffix('schedules')}setup?code={gate.setup_code}"


def require_this_host(listener: socket.socket) -> None:
    """Refuse to serve others than this host; the listener is closed then.

    Raises:
        ClosedError: with what to do.
    """
    host = str(listener.getsockname()[0])
    if ip_address(host.partition("%")[0]).is_loopback:
        return
    listener.close()
    raise ClosedError(
        f"the admin has no users yet, and would be served to others at {host}: let the first one in with "
        "`scheduled user add NAME --role ADMIN`, or set JWT_SECRET, or serve it at 127.0.0.1"
    )
