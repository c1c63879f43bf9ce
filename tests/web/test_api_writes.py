"""What the API changes: as the commands do, under the name of who asks, and once even if it is repeated."""

from collections.abc import Callable
from typing import Any

import pytest

from scheduled.access.identity import Role
from tests.conftest import World
from tests.web.api_support import Program

KEY = {"Idempotency-Key": "one-of-mine"}


def newest_event(program: Program) -> dict[str, Any]:
    newest: dict[str, Any] = program.get("/api/events")["items"][0]
    return newest


def test_it_switches_off_at_once_and_says_who_and_why(shop: World, program: Program) -> None:
    schedule = program.patch("/api/schedules/it", {"enabled": False, "reason": "too loud"})
    assert (schedule["enabled"], shop.crank.schedule("it")["enabled"]) == (False, False)
    event = newest_event(program)
    assert (event["event"], event["actor"], event["reason"]) == ("disabled", "ann", "too loud")


def test_it_switches_on(shop: World, program: Program) -> None:
    shop.crank.disable("it")
    assert program.patch("/api/schedules/it", {"enabled": True})["enabled"]


def test_it_does_not_switch_on_what_is_gone_from_the_code(shop: World, program: Program) -> None:
    shop.crank.start(shop.registry(shop.schedule(id="other")))
    program.patch("/api/schedules/it", {"enabled": True}, 409)


@pytest.mark.parametrize("body", [{}, {"enabled": "yes"}, {"enabled": True, "color": 1}, [], None, "on"])
def test_it_refuses_what_is_no_switch(program: Program, body: Any) -> None:
    problem = program.patch("/api/schedules/it", body, 422)
    assert problem["errors"]


def test_it_triggers(shop: World, program: Program) -> None:
    answer = program.ask("POST", "/api/schedules/it/trigger", 202)
    asked = answer.json()
    assert answer.headers["location"] == asked["url"] == f"/api/occurrences/{asked['occurrence']['id']}"
    assert (asked["already"], asked["occurrence"]["trigger"]) == (False, "API")
    shop.crank.run_due()
    done = program.get(asked["url"])
    assert (done["status"], done["requested_by"]) == ("COMPLETED", "ann")


def test_the_same_request_while_one_waits_is_that_one(program: Program) -> None:
    first, second = (program.post("/api/schedules/it/trigger", {}) for _ in range(2))
    assert (second["already"], second["url"]) == (True, first["url"])


def test_it_triggers_some_jobs_with_params(shop: World, come: Callable[..., Program]) -> None:
    shop.job("a")
    shop.job("b")
    shop.start()
    body = {"jobs": ["b"], "params": {"day": 3, "password": "hush"}}
    occurrence = come().post("/api/schedules/it/trigger", body)["occurrence"]
    assert (occurrence["jobs"], occurrence["params"]) == (["b"], {"day": 3, "password": "•••"})


def test_it_triggers_for_a_past_instant(shop: World, program: Program) -> None:
    shop.crank.advance(hours=2)
    asked = program.post("/api/schedules/it/trigger", {"for": "2026-03-02T14:00:00+01:00"})
    assert asked["occurrence"]["due_at"] == "2026-03-02T13:00:00+00:00"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"for": "2026-03-02T11:30:00Z"}, 400),
        ({"for": "2026-03-02T11:00:00"}, 422),
        ({"for": "yesterday"}, 422),
        ({"for": 3}, 422),
        ({"for": "0001-01-01T00:00:00+14:00"}, 422),
        ({"jobs": ["other"]}, 404),
        ({"jobs": "work"}, 422),
        ({"jobs": ["\x00"]}, 422),
        ({"params": []}, 422),
        ({"params": {"a": 10**30}}, 422),
        ({"job": ["work"]}, 422),
    ],
)
def test_it_refuses_what_cannot_be_asked_for(program: Program, body: Any, status: int) -> None:
    program.post("/api/schedules/it/trigger", body, status)


def test_it_triggers_nothing_that_does_not_exist(program: Program) -> None:
    assert "did you mean 'it'?" in program.post("/api/schedules/itt/trigger", {}, 404)["detail"]


def test_a_request_with_a_key_is_done_once(shop: World, program: Program) -> None:
    first = program.post("/api/schedules/it/trigger", {"params": {"a": 1}}, headers=KEY)
    shop.crank.run_due()
    second = program.post("/api/schedules/it/trigger", {"params": {"a": 1}}, headers=KEY)
    assert (second["url"], second["already"]) == (first["url"], True)
    assert second["occurrence"]["status"] == "COMPLETED"


def test_a_key_is_for_one_request(program: Program) -> None:
    program.post("/api/schedules/it/trigger", {"params": {"a": 1}}, headers=KEY)
    program.post("/api/schedules/it/trigger", {"params": {"a": 2}}, 409, headers=KEY)


def test_everybody_has_keys_of_their_own(shop: World, come: Callable[..., Program]) -> None:
    shop.start()
    first = come(name="ann").post("/api/schedules/it/trigger", {}, headers=KEY)
    shop.crank.run_due()
    assert come(name="bob").post("/api/schedules/it/trigger", {}, headers=KEY)["url"] != first["url"]


@pytest.mark.parametrize("key", ["", "x" * 256, "\tx", "é"])
def test_it_refuses_a_key_that_is_none(program: Program, key: str) -> None:
    program.post("/api/schedules/it/trigger", {}, 422, headers={"Idempotency-Key": key.encode()})


def test_it_cancels_what_waits(program: Program) -> None:
    asked = program.post("/api/schedules/it/trigger")
    done = program.post(f"{asked['url']}/cancel", None, 200)
    assert (done["at_once"], done["url"]) == (True, asked["url"])
    assert program.get(asked["url"])["status"] == "CANCELLED"


def test_it_cancels_nothing_that_has_ended(shop: World, program: Program) -> None:
    shop.crank.advance(hours=1)
    assert "COMPLETED" in program.post("/api/occurrences/1/cancel", None, 409)["detail"]


def test_it_runs_again_what_has_ended(shop: World, program: Program) -> None:
    shop.crank.advance(hours=1)
    asked = program.post("/api/occurrences/1/rerun")
    assert asked["occurrence"]["rerun_of"] == 1
    shop.crank.run_due()
    assert program.get(asked["url"])["status"] == "COMPLETED"


def test_it_runs_again_what_failed_only(shop: World, come: Callable[..., Program]) -> None:
    shop.job("good")
    shop.job("bad", lambda: 1 / 0)
    shop.start().advance(hours=1)
    shop.called.clear()
    come().post("/api/occurrences/1/rerun", {"failed_only": True}, headers=KEY)
    shop.crank.run_due()
    assert shop.called == ["bad"]


def test_nothing_failed_where_all_went_well(shop: World, program: Program) -> None:
    shop.crank.advance(hours=1)
    program.post("/api/occurrences/1/rerun", {"failed_only": True}, 409)


@pytest.mark.parametrize("verb", ["cancel", "rerun"])
def test_it_changes_no_occurrence_that_does_not_exist(program: Program, verb: str) -> None:
    program.post(f"/api/occurrences/99/{verb}", None, 404)


def test_it_has_the_daemons_look_now(program: Program) -> None:
    assert program.post("/api/scheduler/trigger")["running"]
    assert newest_event(program)["event"] == "check_requested"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/schedules/it"),
        ("POST", "/api/schedules/it/trigger"),
        ("POST", "/api/occurrences/1/cancel"),
        ("POST", "/api/occurrences/1/rerun"),
        ("POST", "/api/scheduler/trigger"),
    ],
)
def test_who_may_only_read_changes_nothing(
    shop: World, come: Callable[..., Program], method: str, path: str
) -> None:
    shop.start()
    answer = come(Role.VIEWER).ask(method, path, 403, json={"enabled": True})
    assert "OPERATOR" in answer.json()["detail"]
