"""What goes into a database comes out again: instants, any Unicode, long texts."""

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, select

from scheduled import JobContext, job
from scheduled.commands import read_params
from scheduled.settings import Settings
from scheduled.store import tables
from scheduled.tables import metadata
from scheduled.testing import ManualDaemon
from tests.conftest import NOON, World, at

TICK = timedelta(microseconds=1)
UNICODE = "ä ☃ 🦊 e\u0301 \u202e %s %(x)s ? :x ' \" \\ \t"
UNSTORABLE = "nul \0, lone \ud83e"
CLEANED = "nul \ufffd, lone \ufffd"
MEGABYTES = Settings(output_limit=6_000_000)


def ran(world: World, body: Callable[[], Any], settings: Settings | None = None) -> dict[str, Any]:
    """The attempt and the output of one run of a job that does this."""
    world.job("work", body)
    registry = world.registry(world.schedule("0 13 * * *"))
    daemon = world.daemon = world.start_on(world.url, registry, now=at("12:10"), settings=settings)
    daemon.parts.capture.install()
    daemon.advance(hours=1)
    daemon.parts.capture.uninstall()
    (run,) = daemon.runs()
    return run | output_of(daemon)


def output_of(daemon: ManualDaemon) -> dict[str, Any]:
    with daemon.database.reading() as connection:
        return dict(connection.execute(select(*tables.outputs.c)).mappings().one())


def raising(message: str) -> Callable[[], None]:
    def fail() -> None:
        raise ValueError(message)

    return fail


def printing(text: str) -> Callable[[], None]:
    def write() -> None:
        sys.stdout.write(text)

    return write


def test_instants_keep_their_microseconds(world: World) -> None:
    daemon = world.start(now=NOON + 123_457 * TICK)
    assert daemon.schedule("it")["created_at"] == NOON + 123_457 * TICK
    assert daemon.history_of("it")[0]["at"] == NOON + 123_457 * TICK


@pytest.mark.parametrize("tick", [1, 499_999, 500_000, 999_999])
def test_neighbouring_microseconds_are_two_instants(world: World, tick: int) -> None:
    daemon = world.start(now=NOON + tick * TICK)
    found = select(tables.workers.c.id).where(tables.workers.c.started_at > NOON + (tick - 1) * TICK)
    with daemon.database.reading() as connection:
        assert connection.execute(found).fetchall()
        assert not connection.execute(
            found.where(tables.workers.c.started_at < NOON + tick * TICK)
        ).fetchall()


@pytest.mark.parametrize(("given", "kept"), [(UNICODE, UNICODE), (UNSTORABLE, CLEANED)])
def test_texts_of_jobs_are_kept(world: World, given: str, kept: str) -> None:
    def work() -> None:
        sys.stdout.write(given)
        raise ValueError(given)

    found = ran(world, work)
    assert found["output"] == kept
    assert found["error_message"] == kept
    assert f"ValueError: {kept}" in found["traceback"]


@pytest.mark.parametrize(("given", "kept"), [(UNICODE, UNICODE), (UNSTORABLE, CLEANED)])
def test_what_a_job_returns_is_kept(world: World, given: str, kept: str) -> None:
    world.job("work", lambda: {given: [given, 1.5, None, True]})
    seen: list[Any] = []

    @job(name="next", depends_on=["work"])
    def after(ctx: JobContext) -> None:
        seen.append(ctx.results["work"])

    world.start("0 13 * * *", now=at("12:10")).advance(hours=1)
    assert seen == [{kept: [kept, 1.5, None, True]}]


@pytest.mark.parametrize(("given", "kept"), [(UNICODE, UNICODE), (UNSTORABLE, CLEANED)])
def test_reasons_are_kept(world: World, given: str, kept: str) -> None:
    daemon = world.start()
    daemon.disable("it", reason=given)
    assert daemon.history_of("it")[-1]["reason"] == kept


LONG = "🦊" * 100_000


@pytest.mark.parametrize(
    ("given", "kept"),
    [(UNICODE, UNICODE), (UNSTORABLE, CLEANED), (LONG, LONG)],
    ids=["any", "unstorable", "long"],
)
def test_parameters_are_handed_over(world: World, given: str, kept: str) -> None:
    seen: list[Any] = []

    @job(name="work")
    def work(ctx: JobContext) -> None:
        seen.append(ctx.params)

    daemon = world.start(now=at("12:10"))
    daemon.trigger("it", name=given, more={"deep": [given]})
    daemon.run_due()
    assert seen == [{"name": kept, "more": {"deep": [kept]}}]
    assert daemon.history_of("it")[-1]["data"]["params"] == seen[0]


def test_a_definition_may_tell_of_anything(world: World) -> None:
    daemon = world.start(description=UNICODE + UNSTORABLE)
    assert daemon.schedule("it")["definition"]["description"] == UNICODE + CLEANED


def test_what_is_no_json_is_text(world: World) -> None:
    daemon = world.start()
    daemon.trigger("it", **read_params(["limit=NaN", "more=[-Infinity]"]))
    assert daemon.history_of("it")[-1]["data"]["params"] == {"limit": "NaN", "more": ["-Infinity"]}


def test_megabytes_of_output_are_kept(world: World) -> None:
    text = "🦊" * 1_250_000
    assert ran(world, printing(text), MEGABYTES)["output"] == text


def test_long_messages_are_kept_to_their_limit(world: World) -> None:
    found = ran(world, raising("🦊" * 3_000_000))
    assert found["error_message"].startswith("🦊" * 1000)
    assert found["traceback"].startswith("…🦊")


def test_a_result_of_64_kib_is_kept(world: World) -> None:
    found = ran(world, lambda: "🦊" * 16_383)
    assert found["result"] == '"' + "🦊" * 16_383 + '"'


def test_long_reasons_are_kept(world: World) -> None:
    daemon = world.start()
    daemon.disable("it", reason="🦊" * 10_000)
    assert daemon.history_of("it")[-1]["reason"] == "🦊" * 10_000


def test_a_name_in_other_letters_is_another(world: World) -> None:
    daemon = world.start("0 13 * * *", now=at("12:10"))
    daemon.start(world.registry(world.schedule("0 14 * * *", id="It")))
    daemon.advance(hours=3)
    assert (len(daemon.ledger("it")), len(daemon.ledger("It"))) == (0, 1)
    assert daemon.schedule("it")["orphaned"]


def test_identifiers_are_short_enough_for_every_database(world: World) -> None:
    inspector = inspect(world.start().database.engine)
    names = {*metadata.tables}
    for table in metadata.tables:
        names |= {column["name"] for column in inspector.get_columns(table)}
        names |= {str(index["name"]) for index in inspector.get_indexes(table)}
        names |= {str(unique["name"]) for unique in inspector.get_unique_constraints(table)}
        names |= {str(key["name"]) for key in inspector.get_foreign_keys(table)}
    assert [name for name in names if len(name) > 63] == []
