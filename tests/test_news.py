"""Where no server calls, the newest lines of the audit tell that somebody asked for something."""

from contextlib import closing
from pathlib import Path

import pytest

from scheduled.store.database import Database
from scheduled.store.listening import Newspaper
from scheduled.store.watching import Watch
from tests.conftest import World


@pytest.fixture
def heeded(world: World) -> list[str]:
    world.start()
    return []


def write(world: World, number: int) -> None:
    with world.crank.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO schedule_event (id, schedule_id, at, event, actor)"
            f" VALUES ({number}, 'it', '2026-03-02 12:00:00.000000', 'triggered', 'somebody')"
        )


def test_it_tells_of_each_line_once(world: World, heeded: list[str]) -> None:
    news = Newspaper(world.crank.parts.engine.held)
    for number in (50, 51):
        write(world, number)
        news.read(lambda: heeded.append("news"))
        news.read(lambda: heeded.append("old"))
    assert heeded == ["news", "news"]


def test_it_sees_a_line_that_was_committed_after_a_younger_one(world: World, heeded: list[str]) -> None:
    news = Newspaper(world.crank.parts.engine.held)
    write(world, 51)
    news.read(lambda: None)
    write(world, 50)
    news.read(lambda: heeded.append("news"))
    assert heeded == ["news"]


def test_what_was_not_heeded_is_news_again(world: World, heeded: list[str]) -> None:
    def fail() -> None:
        raise ConnectionError

    news = Newspaper(world.crank.parts.engine.held)
    with pytest.raises(ConnectionError):
        news.read(fail)
    news.read(lambda: heeded.append("news"))
    assert heeded == ["news"]


def test_who_begins_to_watch_looks_for_what_came_before(tmp_path: Path) -> None:
    """The loop may have looked before it came, and the watch may have begun after it."""
    with closing(Database(f"sqlite:///{tmp_path / 'watched.db'}", create=True)) as database:
        held = database.hold()
        watch = Watch(held)
        assert [watch.changed(), watch.changed()] == [True, False]
        held.close()
