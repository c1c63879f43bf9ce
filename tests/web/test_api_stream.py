"""News as it happens: one watcher for all who listen, and only while somebody does."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scheduled.store.database import Database
from scheduled.store.schema import upgrade
from scheduled.web import news
from scheduled.web.news import Listener, Watcher
from tests.patience import PATIENCE

"""Of a machine that has much else to do."""


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setattr(news, "GLANCE_SECONDS", 0.01)
    monkeypatch.setattr(news, "CALM_SECONDS", 0.01)
    with closing(Database(f"sqlite:///{tmp_path / 'watched.db'}", create=True)) as database:
        upgrade(database)
        execute(
            database,
            "INSERT INTO job_schedule (id, source, definition, definition_hash, enabled, orphaned,"
            " ledger_from, run_count, failure_count, skipped_count, consecutive_failures, created_at,"
            " updated_at)"
            " VALUES ('it', 'code', '{}', '', 1, 0, '2026-03-02', 0, 0, 0, 0, '2026-03-02', '2026-03-02')",
            "INSERT INTO occurrence (id, schedule_id, due_at, due_until, due_count, trigger, status,"
            " jobs_total, jobs_completed, jobs_failed, jobs_skipped)"
            " VALUES (7, 'it', '2026-03-02', '2026-03-02', 1, 'CRON', 'RUNNING', 1, 0, 0, 0)",
            "INSERT INTO job_run (id, occurrence_id, schedule_id, job_name, tenant, attempt, trigger, status,"
            " queued_at, started_at)"
            " VALUES (9, 7, 'it', 'work', '', 1, 'CRON', 'RUNNING', '2026-03-02', '2026-03-02')",
        )
        yield database


def execute(database: Database, *statements: str) -> None:
    with database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def add_event(database: Database) -> None:
    execute(
        database,
        "INSERT INTO schedule_event (schedule_id, at, event, actor)"
        " VALUES ('it', '2026-03-02', 'enabled', 'me')",
    )


def print_something(database: Database, output: str) -> None:
    execute(
        database,
        "INSERT INTO job_output (job_run_id, output, truncated)"
        f" VALUES (9, '{output}', 0) ON CONFLICT (job_run_id) DO UPDATE SET output = excluded.output",
    )


async def taken(listener: Listener) -> list[str]:
    """The names of the events that come next."""
    return [one.split(b"\n")[0].decode().removeprefix("event: ") for one in await events(listener)]


async def events(listener: Listener) -> list[bytes]:
    found = await listener.take(PATIENCE)
    assert found
    return found


def run(database: Database, talk: Callable[[Watcher], Awaitable[None]]) -> None:
    watcher = Watcher(database)

    async def whole() -> None:
        async with asyncio.timeout(4 * PATIENCE):
            await talk(watcher)

    try:
        asyncio.run(whole())
    finally:
        watcher.close()
        for thread in watching():
            thread.join(PATIENCE)


def test_it_tells_what_is_newest_at_first(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        [told] = await events(watcher.listen())
        assert json.loads(told.split(b"data: ")[1]) == {"occurrences": 7, "runs": 9, "events": 0}

    run(watched, talk)


def test_it_tells_nothing_to_who_knows_it_all(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        [told] = await events(watcher.listen())
        seen = told.split(b"id: ")[1].split(b"\n")[0].decode()
        assert await watcher.listen(seen=seen).take(0.3) == []

    run(watched, talk)


def test_it_tells_everybody_what_changed(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        both = [watcher.listen(), watcher.listen()]
        for one in both:
            await events(one)
        add_event(watched)
        assert [await taken(one) for one in both] == [["news"], ["news"]]

    run(watched, talk)


def test_it_streams_no_secrets_and_nothing_that_acts_on_a_terminal(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        listener = watcher.listen(occurrence_id=7)
        await events(listener)
        print_something(watched, "\x1b[31mpassword=hunter2\x1b[0m <b>")
        [told] = await events(listener)
        assert json.loads(told.split(b"data: ")[1])["output"] == "password=••• <b>"

    run(watched, talk)


def test_it_streams_what_a_run_prints_to_who_asked_for_it(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        asked, other = watcher.listen(occurrence_id=7), watcher.listen()
        await events(asked)
        await events(other)
        print_something(watched, "half way\nthere")
        [told] = await events(asked)
        assert json.loads(told.split(b"data: ")[1])["output"] == "half way\nthere"
        assert await other.take(0.2) == []

    run(watched, talk)


def test_it_tells_how_far_a_run_has_come(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        asked = watcher.listen(occurrence_id=7)
        await events(asked)
        execute(watched, "UPDATE job_run SET progress_done = 3, progress_total = 4")
        [told, _] = await events(asked)
        assert json.loads(told.split(b"data: ")[1])["progress_done"] == 3

    run(watched, talk)


def test_it_streams_no_secrets(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        print_something(watched, "token=abc")
        told = json.loads((await events(watcher.listen(occurrence_id=7)))[0].split(b"data: ")[1])
        assert told["output"] == "token=•••"

    run(watched, talk)


def test_it_streams_only_the_end_of_much_output(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        print_something(watched, "x" * 100_000)
        told = json.loads((await events(watcher.listen(occurrence_id=7)))[0].split(b"data: ")[1])
        assert (len(told["output"]), told["truncated"]) == (news.SHOWN, True)

    run(watched, talk)


def test_who_is_slow_gets_the_newest_only(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        slow, quick = watcher.listen(), watcher.listen()
        await events(quick)
        for _ in range(5):
            add_event(watched)
            await events(quick)
        [told] = await events(slow)
        assert json.loads(told.split(b"data: ")[1])["events"] == 5

    run(watched, talk)


def test_it_watches_only_while_somebody_listens(watched: Database) -> None:
    async def talk(watcher: Watcher) -> None:
        assert not watching()
        listener = watcher.listen()
        await events(listener)
        [thread] = watching()
        watcher.leave(listener)
        await asyncio.to_thread(thread.join, PATIENCE)
        assert not watching()
        assert await taken(watcher.listen()) == ["news"]

    run(watched, talk)


def test_it_lives_on_when_the_database_goes_away(watched: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(news, "ASK_SECONDS", 0.01)

    async def talk(watcher: Watcher) -> None:
        listener = watcher.listen()
        await events(listener)
        execute(watched, "ALTER TABLE worker_instance RENAME TO away")
        add_event(watched)
        assert await listener.take(0.2) == []
        execute(watched, "ALTER TABLE away RENAME TO worker_instance")
        assert await taken(listener) == ["news"]

    run(watched, talk)


def test_what_nobody_thought_of_ends_the_streams(watched: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda what: raised.append(what.exc_type))
    monkeypatch.setattr(news, "newest", lambda _held: 1 / 0)

    async def talk(watcher: Watcher) -> None:
        assert await watcher.listen().take(PATIENCE) is None

    run(watched, talk)
    assert raised == [ZeroDivisionError]


def test_a_loop_that_ended_without_a_word_is_no_listener(watched: Database) -> None:
    watcher = Watcher(watched)

    async def forget() -> None:
        watcher.listen()

    asyncio.run(forget())
    for thread in watching():
        thread.join(PATIENCE)
    assert (watcher.listeners, watching()) == (0, [])


def watching() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "web-news"]
