"""Serves the admin with uvicorn: as a process of its own, or on a thread beside a daemon."""

import gc
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from scheduled.errors import ScheduledError, UsageError
from scheduled.web.slow_clients import ACCEPTED_AT_ONCE, ImpatientProtocol

BACKLOG = 256
FEWER_COLLECTIONS = (20_000, 20, 100)
LEAVING_SECONDS = 2
"""How long streams may go on after it was told to stop."""


class ServingError(ScheduledError):
    """The address cannot be served."""


def parse_address(text: str) -> tuple[str, int]:
    """'127.0.0.1:8080', '[::1]:8080', '8080' or 'localhost'.

    Raises:
        UsageError: it is no address.
    """
    host, separator, port = text.rpartition(":")
    if not separator and not text.isdigit():
        host, port = text, "8080"
    if not port.isdigit() or not 0 <= int(port) <= 65535 or (":" in host and not host.startswith("[")):
        raise UsageError(f"{text!r} is no address: write HOST:PORT, as in 127.0.0.1:8080 or [::1]:8080")
    return host.strip("[]") or "127.0.0.1", int(port)


def bind(address: str) -> socket.socket:
    """A socket that listens there; it is not handed on to what this process starts.

    Raises:
        UsageError: it is no address.
        ServingError: it cannot be served.
    """
    host, port = parse_address(address)
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(where)
            made.listen(BACKLOG)
        except OSError:
            made.close()
            raise
    except OSError as error:
        raise ServingError(
            f"the address {address} cannot be served: {error.strerror or error}: name another one"
        ) from None
    return made


def url_of(listener: socket.socket) -> str:
    """Where a browser on this host finds it."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/admin/schedules"


class Server(uvicorn.Server):
    """Leaves in good order when it is told to: uvicorn's own raises the signal once more, which kills."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        # The event loop made the queue of who waits as short as the number that it accepts at once.
        for listener in sockets or ():
            listener.listen(BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Streams never end by themselves, and are waited for.
        watcher = getattr(getattr(self.config.app, "state", None), "watcher", None)
        if watcher is not None:
            watcher.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def server_of(app: ASGIApp) -> uvicorn.Server:
    """A server for the app, which leaves logging and headers alone, and lets go of slow clients."""
    return Server(
        uvicorn.Config(
            app,
            http=ImpatientProtocol,
            ws="none",
            backlog=ACCEPTED_AT_ONCE,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=LEAVING_SECONDS,
            timeout_keep_alive=20,
            h11_max_incomplete_event_size=64 * 1024,
        )
    )


def avoid_pauses() -> None:
    """Let the collector pass over all that is there before the first answer, and come seldom.

    It would hold up an answer for a tenth of a second; what answers leave behind has hardly any cycles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*FEWER_COLLECTIONS)


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    avoid_pauses()
    server_of(app).run(sockets=[listener])


@contextmanager
def serving(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """Serve on a thread of its own, within the block."""
    server = server_of(app)
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(LEAVING_SECONDS + 3)
        listener.close()
