"""Requests: runs that somebody asks for."""

import pytest

from scheduled.errors import ConflictError, UnknownNameError
from tests.conftest import World, at


def test_it_runs_requests_in_the_order_of_asking(world: World) -> None:
    daemon = world.start_with(world.schedule(id="a"), world.schedule(id="b"), now=at("12:10"))
    asked = [daemon.trigger("b"), daemon.trigger("a")]
    daemon.run_due()
    started = [run["occurrence_id"] for run in daemon.runs()]
    assert started == asked


def test_it_runs_requests_before_what_is_due(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:00"))
    request = daemon.trigger("it")
    daemon.run_due()
    assert [run["occurrence_id"] == request for run in daemon.runs()] == [True, False]


def test_a_request_does_not_move_the_frontier(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.trigger("it")
    daemon.run_due()
    assert daemon.schedule("it")["next_run_at"] == at("13:00")


def test_an_instant_that_falls_due_during_a_request_is_late_not_overlap(world: World) -> None:
    world.taking(minutes=20)
    daemon = world.start("0 * * * *", now=at("12:50"))
    daemon.trigger("it")
    daemon.run_due()
    assert [(row.due_at, row.status) for row in daemon.ledger("it")] == [
        (at("12:50"), "COMPLETED"),
        (at("13:00"), "COMPLETED"),
    ]


def test_the_same_request_while_one_waits_is_that_one(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    assert daemon.trigger("it", shop=7) == daemon.trigger("it", shop=7)
    assert daemon.trigger("it", shop=7) != daemon.trigger("it", shop=8)


def test_it_asks_anew_once_the_first_request_has_run(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    first = daemon.trigger("it")
    daemon.run_due()
    assert daemon.trigger("it") != first


def test_it_runs_the_chosen_jobs_with_what_they_depend_on(world: World) -> None:
    for name, needs in (("load", []), ("score", ["load"]), ("mail", [])):
        world.job(name, depends_on=needs)
    daemon = world.start(now=at("12:10"))
    daemon.trigger("it", "score")
    daemon.run_due()
    assert world.called == ["load", "score"]


def test_it_refuses_a_job_that_the_schedule_does_not_run(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    with pytest.raises(UnknownNameError, match="did you mean 'work'"):
        daemon.trigger("it", "wrok")


def test_it_refuses_a_schedule_that_does_not_exist(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    with pytest.raises(UnknownNameError, match="did you mean 'it'"):
        daemon.trigger("its")


def test_it_refuses_a_schedule_that_is_gone_from_the_code(world: World) -> None:
    daemon = world.start_with(world.schedule(), now=at("12:10"))
    daemon.stop()
    daemon.start(world.registry(world.schedule(id="other")))
    with pytest.raises(ConflictError, match="no longer in the code"):
        daemon.trigger("it")


def test_it_skips_a_request_for_a_job_that_is_gone_from_the_code(world: World) -> None:
    world.job("old")
    daemon = world.start(now=at("12:10"))
    daemon.trigger("it", "old")
    daemon.parts.engine.registry.__dict__["jobs"] = {}
    registry = daemon.parts.engine.registry
    registry.__dict__["_orders"] = {"it": ()}
    daemon.run_due()
    assert [(row.status, row.reason) for row in daemon.ledger("it")] == [("SKIPPED", "job_unknown")]
    assert daemon.schedule("it")["skipped_count"] == 0  # it answered for no due instant


def test_it_cancels_a_request_that_waits(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    daemon.cancel(daemon.trigger("it"))
    daemon.run_due()
    assert [(row.status, row.reason) for row in daemon.ledger("it")] == [("CANCELLED", "cancelled")]
    assert world.called == []


def test_it_hands_the_parameters_to_the_jobs(world: World) -> None:
    seen: list[object] = []
    from scheduled import JobContext, job

    def work(ctx: JobContext) -> None:
        seen.append(dict(ctx.params))

    job(name="work")(work)
    daemon = world.start(now=at("12:10"), params={"shop": 1, "full": False})
    daemon.trigger("it", shop=7)
    daemon.run_due()
    assert seen == [{"shop": 7, "full": False}]
