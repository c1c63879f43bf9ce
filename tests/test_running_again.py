"""Running an occurrence again: all of it, or what failed."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from scheduled import JobContext, job
from scheduled.errors import ConflictError, UnknownNameError
from scheduled.resuming import done_before
from scheduled.testing import ManualDaemon
from scheduled.words import Trigger
from tests.conftest import World, at


class Chain:
    """`load` gives a result; `score` needs it and `mail` needs that; `tidy` stands alone."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.broken = {"score"}
        self.given: list[Any] = []
        for name, needs in (("load", []), ("score", ["load"]), ("mail", ["score"]), ("tidy", [])):
            job(name=name, depends_on=needs)(self.body(name))
        self.daemon = world.start("0 13 * * *", now=at("12:59"), params={"shop": 7})

    def body(self, name: str) -> Callable[[JobContext], Any]:
        def work(ctx: JobContext) -> Any:
            self.world.called.append(name)
            self.given.append((name, dict(ctx.results), dict(ctx.params), ctx.due_at))
            if name in self.broken:
                raise ValueError(name)
            return {"by": name}

        return work

    def failed(self) -> int:
        """The occurrence of 13:00, in which `score` failed."""
        self.daemon.advance(minutes=1)
        self.world.called.clear()
        self.given.clear()
        return self.daemon.ledger("it")[-1].id

    def again(self, occurrence_id: int, *, from_failed: bool = False) -> int:
        """Run it again, to the end."""
        asked = self.daemon.commands.run_again(occurrence_id, from_failed=from_failed)
        self.world.called.clear()
        self.daemon.run_due()
        return asked.occurrence_id

    def row(self, occurrence_id: int) -> dict[str, Any]:
        return occurrence(self.daemon, occurrence_id)


def occurrence(daemon: ManualDaemon, occurrence_id: int) -> dict[str, Any]:
    query = f"SELECT * FROM occurrence WHERE id = {occurrence_id}"
    with daemon.database.reading() as connection:
        return dict(connection.exec_driver_sql(query).mappings().one())


@pytest.fixture
def chain(world: World) -> Chain:
    return Chain(world)


def test_it_runs_all_of_it_again(chain: Chain) -> None:
    chain.again(chain.failed())
    assert chain.world.called == ["load", "score", "tidy"]


def test_it_tells_of_what_it_is_a_rerun(chain: Chain) -> None:
    first = chain.failed()
    assert chain.row(chain.again(first))["rerun_of"] == first
    asked = [event for event in chain.daemon.history_of("it") if event["event"] == "triggered"][-1]
    assert (asked["actor"], asked["data"]["rerun_of"]) == ("test", first)


def test_it_is_for_the_same_instant(chain: Chain) -> None:
    first = chain.failed()
    chain.daemon.advance(hours=2)
    chain.again(first)
    assert {due_at for *_, due_at in chain.given} == {at("13:00")}


def test_a_request_for_no_instant_is_run_again_for_none(chain: Chain) -> None:
    first = chain.daemon.trigger("it", "tidy", shop=8)
    chain.daemon.run_due()
    chain.given.clear()
    chain.daemon.clock.advance(seconds=30)
    again = chain.again(first)
    assert chain.given == [("tidy", {}, {"shop": 8}, chain.daemon.clock.now())]
    assert chain.row(again)["jobs"] in ('["tidy"]', ["tidy"])


def test_a_request_for_an_instant_is_run_again_for_it(chain: Chain) -> None:
    chain.failed()
    chain.daemon.advance(minutes=5)
    first = chain.daemon.trigger("it", "tidy", for_instant=at("13:00"))
    chain.daemon.run_due()
    asked = chain.daemon.commands.run_again(first)
    assert asked.for_instant == at("13:00")


def test_the_jobs_that_came_along_come_along_again(chain: Chain) -> None:
    first = chain.daemon.trigger("it", "score")
    chain.daemon.run_due()
    chain.again(first)
    assert chain.world.called == ["load", "score"]


def test_from_the_failed_one_on_it_does_not_repeat_what_completed(chain: Chain) -> None:
    first = chain.failed()
    chain.broken.clear()
    again = chain.again(first, from_failed=True)
    assert chain.world.called == ["score", "mail"]
    row = chain.row(again)
    assert (row["status"], row["jobs_total"], row["jobs_completed"]) == ("COMPLETED", 2, 2)


def test_what_completed_hands_its_result_on(chain: Chain) -> None:
    first = chain.failed()
    chain.broken.clear()
    chain.again(first, from_failed=True)
    assert [results for _, results, *_ in chain.given] == [
        {"load": {"by": "load"}},
        {"score": {"by": "score"}},
    ]


def test_it_follows_a_chain_of_reruns_back(chain: Chain) -> None:
    second = chain.again(chain.failed(), from_failed=True)
    assert chain.world.called == ["score"]
    third = chain.again(second, from_failed=True)
    chain.broken.clear()
    chain.again(third, from_failed=True)
    assert chain.world.called == ["score", "mail"]
    assert chain.given[-2][1] == {"load": {"by": "load"}}


def test_a_rerun_from_the_failed_one_on_is_run_again_as_it_was(chain: Chain) -> None:
    second = chain.again(chain.failed(), from_failed=True)
    chain.again(second)
    assert chain.world.called == ["score"]


def test_a_whole_rerun_forgets_what_completed_before_it(chain: Chain) -> None:
    first = chain.failed()
    waits = chain.daemon.commands.run_again(first).occurrence_id
    chain.daemon.cancel(waits)
    chain.again(waits, from_failed=True)
    assert chain.world.called == ["load", "score", "tidy"]


def test_a_rerun_that_never_began_keeps_what_completed_before_it(chain: Chain) -> None:
    first = chain.failed()
    waits = chain.daemon.commands.run_again(first, from_failed=True).occurrence_id
    chain.daemon.cancel(waits)
    chain.again(waits, from_failed=True)
    assert chain.world.called == ["score"]


def test_what_was_forgotten_is_repeated(chain: Chain) -> None:
    held = chain.daemon.parts.engine.held
    assert done_before(held, chain.failed(), ["load", "score"]) == {"load": {"by": "load"}}
    assert done_before(held, 99, ["load", "score"]) == {}


def test_a_job_that_is_gone_from_the_code_is_left_out(chain: Chain) -> None:
    first = chain.failed()
    registry = chain.daemon.registry
    chain.daemon.stop()
    jobs = {name: made for name, made in registry.jobs.items() if name != "mail"}
    chain.daemon.start(type(registry)(schedules=registry.schedules, jobs=jobs))
    chain.again(first, from_failed=True)
    assert chain.world.called == ["score"]


def test_a_rerun_that_is_interrupted_goes_on_where_it_was(world: World) -> None:
    world.job("load")
    world.job("score", lambda: 1 / 0 if world.called.count("score") == 1 else None, depends_on=["load"])
    world.killing("mail", depends_on=["score"])
    daemon = world.start("0 13 * * *", now=at("12:59"), rerun_interrupted=True)
    daemon.advance(minutes=1)
    daemon.commands.run_again(daemon.ledger("it")[-1].id, from_failed=True)
    world.run_until_killed(minutes=1)
    daemon.start()
    daemon.advance(minutes=1)
    assert world.called == ["load", "score", "score", "mail", "mail"]


def test_of_a_rerun_that_was_lost_only_its_own_jobs_are_skipped(world: World) -> None:
    world.job("load")
    world.killing("score", times=9, depends_on=["load"])
    world.job("mail", depends_on=["score"])
    daemon = world.start("0 13 * * *", now=at("12:59"))
    world.run_until_killed(minutes=1)
    daemon.start()
    again = daemon.commands.run_again(daemon.ledger("it")[-1].id, from_failed=True).occurrence_id
    world.run_until_killed(minutes=1)
    daemon.start()
    assert [(run["job_name"], run["status"]) for run in daemon.runs(again)] == [
        ("score", "INTERRUPTED"),
        ("mail", "SKIPPED"),
    ]


def test_it_runs_what_was_skipped(world: World) -> None:
    daemon = world.start("0 13 * * *", now=at("12:30"), missed="skip")
    daemon.down(hours=1)
    daemon.advance(minutes=1)
    (skipped,) = daemon.skipped("it")
    assert daemon.commands.run_again(skipped.id).for_instant == at("13:00")
    daemon.run_due()
    assert world.called == ["work"]


def test_it_does_not_run_a_whole_stretch_again(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("10:30"), missed="skip")
    daemon.down(hours=3)
    daemon.advance(minutes=1)
    with pytest.raises(ConflictError, match=r"stands for 3 instants.*--for"):
        daemon.commands.run_again(daemon.skipped("it")[0].id)


def test_the_same_rerun_while_one_waits_is_that_one(chain: Chain) -> None:
    first = chain.failed()
    commands = chain.daemon.commands
    whole, rest = commands.run_again(first), commands.run_again(first, from_failed=True)
    assert (whole.already, rest.already) == (False, False)
    assert commands.run_again(first).occurrence_id == whole.occurrence_id
    assert commands.run_again(first, from_failed=True).occurrence_id == rest.occurrence_id
    assert commands.trigger("it").occurrence_id not in (whole.occurrence_id, rest.occurrence_id)


def test_a_rerun_may_be_asked_for_over_the_api(chain: Chain) -> None:
    asked = chain.daemon.commands.run_again(chain.failed(), trigger=Trigger.API)
    assert chain.row(asked.occurrence_id)["trigger"] == "API"


def test_it_refuses_what_has_not_ended(chain: Chain) -> None:
    waits = chain.daemon.trigger("it")
    with pytest.raises(ConflictError, match="has not ended: it is QUEUED"):
        chain.daemon.commands.run_again(waits)


def test_it_refuses_what_does_not_exist(chain: Chain) -> None:
    with pytest.raises(UnknownNameError, match="there is no occurrence 99"):
        chain.daemon.commands.run_again(99)


def test_it_refuses_to_go_on_from_a_failure_that_was_none(chain: Chain) -> None:
    chain.broken.clear()
    with pytest.raises(ConflictError, match="nothing failed"):
        chain.daemon.commands.run_again(chain.failed(), from_failed=True)


def test_it_refuses_a_schedule_that_is_gone_from_the_code(chain: Chain) -> None:
    first = chain.failed()
    chain.daemon.stop()
    chain.daemon.start(chain.world.registry(chain.world.schedule(id="other")))
    with pytest.raises(ConflictError, match="no longer in the code"):
        chain.daemon.commands.run_again(first)


def test_it_refuses_to_go_on_where_nothing_is_left_in_the_code(world: World) -> None:
    world.job("old", lambda: 1 / 0)
    world.job("new")
    daemon = world.start("0 13 * * *", now=at("12:59"))
    daemon.advance(minutes=1)
    registry = daemon.registry
    daemon.stop()
    daemon.start(type(registry)(schedules=registry.schedules, jobs={"new": registry.jobs["new"]}))
    with pytest.raises(ConflictError, match="no longer in the code"):
        daemon.commands.run_again(daemon.ledger("it")[-1].id, from_failed=True)


def test_a_rerun_answers_for_no_instant(chain: Chain) -> None:
    """The ledger keeps the failure: `verify`, asked at the end of each test here, is not disturbed."""
    first = chain.failed()
    chain.again(first)
    due: list[tuple[datetime, str]] = [(row.due_at, row.trigger) for row in chain.daemon.ledger("it")]
    assert due == [(at("13:00"), "CRON"), (at("13:00"), "MANUAL")]
