"""Who listens hears, whoever opened the connection; and again after it was lost."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.listening import Ear, tell
from tests.patience import PATIENCE
from tests.servers import fresh_url

pytestmark = pytest.mark.prove


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with fresh_url("postgresql", tmp_path) as url, closing(Database(url)) as made:
        yield made


@pytest.fixture
def held(database: Database) -> Iterator[Held]:
    with database.hold() as made:
        yield made


def call(database: Database) -> None:
    with database.hold() as caller, caller.transaction():
        tell(caller)


def test_it_hears_on_a_connection_that_another_opened(database: Database, held: Held) -> None:
    held.scalar("SELECT 1")
    ear = Ear(held)
    assert ear.wait(0)  # what was said before may concern it
    assert not ear.wait(0)
    call(database)
    assert ear.wait(PATIENCE)


def test_it_hears_on_the_connection_that_comes_after_a_lost_one(database: Database, held: Held) -> None:
    ear = Ear(held)
    ear.wait(0)
    held.close()
    database.close()
    held.scalar("SELECT 1")
    assert ear.wait(0)
    call(database)
    assert ear.wait(PATIENCE)
