"""Proofs take their time, and a folder of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prove.scene import Scene
from tests.prove.served import ServedScene
from tests.servers import fresh_url


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.end()


@pytest.fixture(params=["postgresql", "mysql"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServedScene]:
    """A scene on a fresh database of each kind of server, with its tables."""
    yield from _served(request.param, tmp_path)


@pytest.fixture
def postgresql(tmp_path: Path) -> Iterator[ServedScene]:
    """The same, on PostgreSQL alone."""
    yield from _served("postgresql", tmp_path)


def _served(kind: str, tmp_path: Path) -> Iterator[ServedScene]:
    with fresh_url(kind, tmp_path) as url:
        made = ServedScene(tmp_path, url)
        assert made.call("db", "upgrade").returncode == 0
        yield made
        made.end()
