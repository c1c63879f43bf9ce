"""python relay.py HOST PORT SERVER:PORT - a gate in a process of its own, on an address of its own."""

import socket
import sys
import threading
from contextlib import suppress


def hand_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def main(host: str, port: str, server: str) -> None:
    name, _, number = server.partition(":")
    with socket.create_server((host, int(port)), reuse_port=True) as listener:
        while True:
            client, _ = listener.accept()
            other = socket.create_connection((name, int(number)))
            for pair in ((client, other), (other, client)):
                threading.Thread(target=hand_on, args=pair, daemon=True).start()


if __name__ == "__main__":
    main(*sys.argv[1:])
