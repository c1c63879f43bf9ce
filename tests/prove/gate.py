"""A gate between a daemon and its server: it can refuse, cut off, or hold back what goes through."""

import socket
import threading
from contextlib import suppress

ALL_AT_ONCE = 65536


class Gate:
    """Listens on a port of its own, and hands everything on to the server, for as long as it is open."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._open = threading.Event()
        self._open.set()
        self._refuses = False
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.most_at_once = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def hold_back(self) -> None:
        """Connections stay, but nobody hears an answer."""
        self._open.clear()

    def let_go(self) -> None:
        """What was held back is delivered, and whoever comes is let in."""
        self._refuses = False
        self._open.set()

    def refuse(self) -> None:
        """As when the server is restarted: all connections end, and whoever comes is sent away."""
        self._refuses = True
        self.cut()

    def cut(self) -> None:
        """All connections end."""
        for pair in list(self._pairs):
            _end(pair)
        self._pairs.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()
        self._open.set()

    @property
    def connections(self) -> int:
        return len(self._pairs)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._refuses:
                    client.close()
                    continue
                pair = (client, socket.create_connection(self._server))
                self._pairs.append(pair)
                self.most_at_once = max(self.most_at_once, len(self._pairs))
                for source, target in (pair, pair[::-1]):
                    threading.Thread(target=self._hand_on, args=(source, target, pair), daemon=True).start()

    def _hand_on(
        self, source: socket.socket, target: socket.socket, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with suppress(OSError):
            while data := source.recv(ALL_AT_ONCE):
                self._open.wait()
                target.sendall(data)
        _end(pair)
        with suppress(ValueError):
            self._pairs.remove(pair)


def _end(pair: tuple[socket.socket, socket.socket]) -> None:
    for end in pair:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
