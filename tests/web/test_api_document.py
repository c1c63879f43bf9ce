"""The API's document of itself: it is complete, and it is true."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import World
from tests.web.api_fuzz import ask_everything, served
from tests.web.api_support import Program

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def operations(program: Program) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, by_method in program.document["paths"].items():
        for method, operation in by_method.items():
            yield path, method, operation


def test_it_tells_of_each_route(program: Program) -> None:
    told = {f"{method.upper()} {path}" for path, method, _ in operations(program)}
    assert told == {
        "GET /api/schedules",
        "GET /api/schedules/{schedule_id}",
        "PATCH /api/schedules/{schedule_id}",
        "POST /api/schedules/{schedule_id}/trigger",
        "GET /api/schedules/{schedule_id}/history",
        "GET /api/schedules/{schedule_id}/why",
        "GET /api/occurrences",
        "GET /api/occurrences/{occurrence_id}",
        "POST /api/occurrences/{occurrence_id}/cancel",
        "POST /api/occurrences/{occurrence_id}/rerun",
        "GET /api/runs",
        "GET /api/runs/{run_id}",
        "GET /api/jobs",
        "GET /api/workers",
        "GET /api/scheduler",
        "POST /api/scheduler/trigger",
        "GET /api/events",
        "GET /api/stream",
        "GET /api/timeline",
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
    }


def test_each_operation_has_a_summary_a_tag_and_a_name_of_its_own(program: Program) -> None:
    found = [operation for _, _, operation in operations(program)]
    assert all(operation["summary"] and operation["tags"] and operation["description"] for operation in found)
    assert len({operation["operationId"] for operation in found}) == len(found)


def test_it_says_what_each_needs(program: Program) -> None:
    open_to_all = {path for path, _, operation in operations(program) if "security" not in operation}
    assert open_to_all == {"/healthz", "/readyz"}
    assert "OPERATOR" in program.document["paths"]["/api/scheduler/trigger"]["post"]["description"]
    assert set(program.document["components"]["securitySchemes"]) == {"token", "login"}


def test_problems_are_told_in_one_shape(program: Program) -> None:
    shapes = {
        str(content)
        for _, _, operation in operations(program)
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for content in [answer["content"]["application/problem+json"]["schema"]]
    }
    assert shapes == {"{'$ref': '#/components/schemas/Problem'}"}


def test_what_is_sent_comes_with_examples(program: Program) -> None:
    schemas = program.document["components"]["schemas"]
    assert all(schemas[name]["examples"] for name in ("Switch", "Triggering", "Rerun"))


@pytest.mark.only_on("sqlite", why="it is slow, and says nothing of databases")
def test_it_is_true(shop: World) -> None:
    shop.start().advance(hours=3)
    with served(shop) as (app, token):
        assert len(ask_everything(app, token, examples=6, derandomize=True)) == 21
