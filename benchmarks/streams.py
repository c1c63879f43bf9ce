"""What people who look on cost the jobs: throughput with 200 live streams of `scheduled web`, and without."""

import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.figures import Figure, Options, at_least
from benchmarks.place import COMMAND, REPOSITORY, Place, module
from benchmarks.throughput import Shape, arrange, run_ours

STREAMS = 200
PATIENCE_SECONDS = 30.0


def slowed_by_streams(options: Options) -> list[Figure]:
    """Jobs a second while many look on, held against the same without; the two take turns."""
    streams = options.scaled(STREAMS, least=2)
    shape = Shape(options.scaled(80, least=2), 10)
    template = arrange(shape, Place(options.folder / "template", shape.definitions))
    alone, watched = [], []
    for _ in range(options.best_of):
        alone.append(run_ours(shape, _copied(shape, template, options.folder / "alone"))["seconds"])
        place = _copied(shape, template, options.folder / "watched")
        with _served(place) as (port, token), _looking_on(port, token, streams):
            watched.append(run_ours(shape, place)["seconds"])
    note = f"best of {options.best_of}; the limit is the same without streams; `scheduled web` serves them"
    got, limit = shape.runs / min(watched), shape.runs / min(alone)
    return [Figure(f"{shape}, {streams} streams looking on", got, "jobs/s", at_least(0.9), limit, note)]


def _copied(shape: Shape, template: Place, folder: Path) -> Place:
    shutil.rmtree(folder, ignore_errors=True)
    place = Place(folder, shape.definitions)
    shutil.copyfile(template.file, place.file)
    return place


@contextmanager
def _served(place: Place) -> Iterator[tuple[int, str]]:
    """`scheduled web` in that place; its port, and a token for reading."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = place.env | {"JWT_SECRET": "0123456789" * 4}
    with (place.folder / "web.log").open("wb") as log:
        argv = [str(COMMAND), "web", f"127.0.0.1:{port}"]
        web = subprocess.Popen(argv, cwd=place.folder, env=env, stdout=log, stderr=log)
    try:
        _wait_for(port)
        yield port, _token(env["JWT_SECRET"])
    finally:
        web.send_signal(signal.SIGTERM)
        web.wait(PATIENCE_SECONDS)


def _token(secret: str) -> str:
    import jwt

    claims = {"sub": "bench", "role": "VIEWER", "exp": int(time.time()) + 3600}
    return jwt.encode(claims, secret, algorithm="HS256")


def _wait_for(port: int) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("`scheduled web` did not begin to serve")


@contextmanager
def _looking_on(port: int, token: str, streams: int) -> Iterator[None]:
    """So many streams are open within the block; a process of its own reads them."""
    argv = module("onlookers", port, token, streams)
    reader = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert reader.stdout is not None
    assert reader.stderr is not None
    try:
        if not reader.stdout.readline():
            raise RuntimeError(f"the streams did not open: {reader.stderr.read()[-500:]}")
        yield
    finally:
        reader.terminate()
        reader.communicate(timeout=PATIENCE_SECONDS)
