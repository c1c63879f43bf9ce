"""A request with a key is done once: whoever repeats it is told of the first."""

from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest

from scheduled.commands import Commands
from scheduled.errors import ConflictError, DuplicateError, UnknownNameError
from scheduled.requesting import Requested
from scheduled.retention import KEYS_KEPT, forget_expired
from scheduled.store.held import Held
from scheduled.testing import ManualDaemon
from tests.conftest import NOON, World, at

KEY = ("k" * 64, "r" * 64)
OTHER = ("k" * 64, "s" * 64)


@pytest.fixture
def daemon(world: World) -> ManualDaemon:
    return world.start(now=at("12:10"))


def keys(daemon: ManualDaemon) -> list[str]:
    with daemon.database.reading() as connection:
        found = connection.exec_driver_sql("SELECT key_hash FROM idempotency_key ORDER BY key_hash")
        return [str(row[0]) for row in found]


def test_a_repeated_request_is_the_first_one(daemon: ManualDaemon) -> None:
    first = daemon.commands.trigger("it", idempotency=KEY)
    daemon.run_due()
    assert not first.already
    assert daemon.commands.trigger("it", idempotency=KEY) == Requested(
        first.occurrence_id, "it", already=True
    )


def test_a_repetition_tells_which_instant_it_is_for(daemon: ManualDaemon) -> None:
    daemon.advance(hours=1)
    daemon.commands.trigger("it", idempotency=KEY, for_instant=at("13:00"))
    assert daemon.commands.trigger("it", idempotency=KEY).for_instant == at("13:00")


def test_it_refuses_another_request_with_the_same_key(daemon: ManualDaemon) -> None:
    daemon.commands.trigger("it", idempotency=KEY)
    with pytest.raises(ConflictError, match=r"key .* another request"):
        daemon.commands.trigger("it", params={"n": 2}, idempotency=OTHER)
    assert len(daemon.ledger()) == 1


def test_it_keeps_no_key_of_a_request_that_failed(daemon: ManualDaemon) -> None:
    with pytest.raises(UnknownNameError):
        daemon.commands.trigger("its", idempotency=KEY)
    assert keys(daemon) == []


def test_a_key_may_name_a_request_that_waited_already(daemon: ManualDaemon) -> None:
    waits = daemon.trigger("it")
    assert daemon.commands.trigger("it", idempotency=KEY).occurrence_id == waits
    daemon.run_due()
    assert daemon.commands.trigger("it", idempotency=KEY).occurrence_id == waits


def test_running_again_may_have_a_key_too(daemon: ManualDaemon) -> None:
    first = daemon.trigger("it")
    daemon.run_due()
    again = daemon.commands.run_again(first, idempotency=KEY)
    daemon.run_due()
    assert daemon.commands.run_again(first, idempotency=KEY).occurrence_id == again.occurrence_id


def test_a_key_is_good_for_a_day(daemon: ManualDaemon) -> None:
    daemon.commands.trigger("it", idempotency=KEY)
    daemon.run_due()
    daemon.clock.advance(hours=24)
    assert not daemon.commands.trigger("it", idempotency=OTHER).already
    assert daemon.commands.trigger("it", idempotency=OTHER).already


def test_it_forgets_keys_that_are_older(daemon: ManualDaemon) -> None:
    daemon.commands.trigger("it", idempotency=KEY)
    daemon.clock.advance(hours=12)
    daemon.commands.trigger("it", idempotency=("young", "r"))
    forget_expired(daemon.parts.engine.held, daemon.clock.now() + KEYS_KEPT / 2)
    assert keys(daemon) == ["young"]


def test_it_forgets_sessions_that_have_expired(daemon: ManualDaemon) -> None:
    stamp = "2026-03-02 12:00:00"
    with daemon.database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO admin_user (id, name, role, password_hash, password_changed_at, created_at) "
            f"VALUES (1, 'alice', 'ADMIN', 'x', '{stamp}', '{stamp}')"
        )
        for number, day in ((1, "02"), (2, "09")):
            connection.exec_driver_sql(
                "INSERT INTO admin_session (id, user_id, token_hash, created_at, last_seen_at, expires_at) "
                f"VALUES ({number}, 1, 'h{number}', '{stamp}', '{stamp}', '2026-03-{day} 12:00:00.000000')"
            )
    forget_expired(daemon.parts.engine.held, NOON + timedelta(days=1))
    with daemon.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT id FROM admin_session").scalars().all() == [2]


def test_it_forgets_within_a_transaction(daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon's side threads share the connection: only a transaction keeps the others from it."""
    daemon.commands.trigger("it", idempotency=KEY)
    within: list[bool] = []
    execute = Held._execute

    def look(held: Held, sql: str, parameters: Any) -> Any:
        within.append(held._depth > 0 or sql.startswith("BEGIN"))
        return execute(held, sql, parameters)

    monkeypatch.setattr(Held, "_execute", look)
    forget_expired(daemon.parts.engine.held, daemon.clock.now() + KEYS_KEPT)
    assert within[-3:] == [True, True, True]
    assert keys(daemon) == []


def test_it_begins_no_transaction_when_there_is_nothing_to_forget(
    daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A daemon looks as it starts: if it were stopped then, nobody could write on SQLite any more."""
    daemon.commands.trigger("it", idempotency=KEY)
    monkeypatch.setattr(Held, "transaction", None)
    forget_expired(daemon.parts.engine.held, daemon.clock.now() + KEYS_KEPT / 2)
    assert keys(daemon) == ["k" * 64]


def test_who_is_a_moment_later_is_told_of_the_first(
    daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server, both may have seen no key; one of them cannot add it then, and looks again."""
    seen: list[Requested] = []
    do = Commands._do

    def overtaken(commands: Commands, act: Any) -> Any:
        if seen:
            return do(commands, act)
        seen.append(do(commands, act))
        raise DuplicateError("somebody was first")

    monkeypatch.setattr(Commands, "_do", overtaken)
    assert daemon.commands.trigger("it", idempotency=KEY).occurrence_id == seen[0].occurrence_id


@pytest.mark.parametrize("count", [8])
def test_of_many_at_once_one_is_done(world: World, database_url: str, count: int) -> None:
    """Each from a thread of its own, as in a web process: Commands keep no connection between calls."""
    registry = world.registry(world.schedule())
    world.daemon = world.start_on(database_url, registry, now=at("12:10"))
    commands, barrier = world.crank.commands, Barrier(count)
    asked: list[Requested] = []

    def request() -> None:
        barrier.wait()
        asked.append(commands.trigger("it", params={"n": len(asked)}, idempotency=KEY))

    threads = [Thread(target=request) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.occurrence_id for one in asked}) == 1
    assert [one.already for one in asked].count(False) == 1
    assert len(asked) == count
