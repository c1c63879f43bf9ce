"""What nobody sends by accident is refused in so many words, or kept as the text that it is; never a 500."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from scheduled.access.identity import Role
from tests.conftest import World
from tests.web.api_support import PROBLEM, Program
from tests.web.conftest import Visitor

LONG = "x" * 10_000
NASTY = [
    "'; DROP TABLE occurrence; --",
    '" OR 1=1 --',
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "../../../etc/hosts",
    "%00",
    "\u202e\ufeff💥",
    "\x00",
    "\\u0000",
    "%s%n%(name)s",
    "_%",
]
SOUGHT = ["schedules", "schedules/it/history", "runs", "timeline"]


@pytest.mark.parametrize("id", [LONG, "\x00", "a\x00b", "é", "%2e%2e", "it ", "'", "it%0a", "x" * 65])
@pytest.mark.parametrize("rest", ["", "/history", "/why"])
def test_no_schedule_is_of_such_an_id(program: Program, id: str, rest: str) -> None:
    program.get(f"/api/schedules/{quote(id, safe='%')}{rest}", 404)


@pytest.mark.parametrize(
    "number", ["0", "-1", str(2**63), "9" * 10_000, "1e3", "0x1", "\x00", "1.5", " 1x", LONG]
)
@pytest.mark.parametrize("what", ["occurrences", "runs"])
def test_no_row_is_of_such_a_number(program: Program, what: str, number: str) -> None:
    program.get(f"/api/{what}/{quote(number)}", 422)


@pytest.mark.parametrize("number", [2**31, 2**53, 2**63 - 1])
@pytest.mark.parametrize("verb", ["cancel", "rerun"])
def test_a_large_number_is_a_number(program: Program, verb: str, number: int) -> None:
    program.post(f"/api/occurrences/{number}/{verb}", None, 404)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 501},
        {"limit": "many"},
        {"limit": 2**70},
        {"cursor": LONG},
        {"since": "now"},
        {"since": "1"},
        {"since": "2026-03-02"},
        {"since": "2026-03-02T12:00:00"},
        {"since": "2026-13-02T12:00:00Z"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-12:00"},
        {"last": "-1d"},
        {"last": "99999w"},
        {"stauts": "FAILED"},
        {"q": ["a", "b"]},
        {"last": "7"},
        {"status": "failed"},
        {"status": ["FAILED"] * 21},
        {"schedule": LONG},
        {"schedule": "\x00"},
        {"job": "\x00"},
        {"q": "\x00"},
        {"q": LONG},
    ],
)
def test_it_refuses_such_a_filter(program: Program, query: dict[str, Any]) -> None:
    program.get("/api/runs", 422, **query)


def test_it_suggests_the_filter_that_was_meant(program: Program) -> None:
    assert "did you mean 'status'?" in program.problem("/api/runs", 422, stauts="FAILED")


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "=", "!!!!", "bnVsbA", "W10", "WzBd", "Wy0xXQ", "WyJhIl0", "WzEuNV0", "WzFlNDAwXQ", "W3RydWVd",
     "WzksOV0", "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd", "W1tbW1tbW1tb", "é", "\x00"],
)  # fmt: skip
def test_it_refuses_a_cursor_that_is_none(program: Program, cursor: str) -> None:
    assert "follow `next`" in program.problem("/api/runs", 400, cursor=cursor)


def test_it_refuses_the_cursor_of_another_list(shop: World, program: Program) -> None:
    shop.crank.advance(hours=3)
    cursor = program.get("/api/runs", limit=1)["next"].partition("cursor=")[2]
    for other in ("schedules", "occurrences", "workers", "jobs"):
        program.get(f"/api/{other}", 400, cursor=cursor)


@pytest.mark.parametrize("text", [text for text in NASTY if "\x00" not in text])
@pytest.mark.parametrize("what", SOUGHT)
def test_it_seeks_any_text_as_it_stands(program: Program, what: str, text: str) -> None:
    program.get(f"/api/{what}", q=text)


@pytest.mark.parametrize("text", NASTY)
def test_it_keeps_any_text_as_it_stands(program: Program, text: str) -> None:
    body = json.dumps({"enabled": False, "reason": text, "unknown": 1}).replace(', "unknown": 1', "")
    program.ask("PATCH", "/api/schedules/it", 200, content=body, headers={"Content-Type": "application/json"})
    kept = program.get("/api/events")["items"][0]["reason"]
    assert kept == text.replace("\x00", "\ufffd")


@pytest.mark.parametrize("text", NASTY)
def test_it_keeps_any_text_in_params(program: Program, text: str) -> None:
    body = json.dumps({"params": {"a": {text: [text]}}})
    answer = program.ask(
        "POST", "/api/schedules/it/trigger", 202, content=body, headers={"Content-Type": "application/json"}
    )
    clean = text.replace("\x00", "\ufffd")
    assert answer.json()["occurrence"]["params"] == {"a": {clean: [clean]}}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"\x00",
        b'{"enabled": true,}',
        b'{"enabled": NaN}',
        b'{"enabled": true, "reason": "' + b"x" * 1001 + b'"}',
        b'{"enabled": true, "\xed\xa0\x80": 1}',
        b'{"enabled": true, "\\ud800": 1}',
        b'{"enabled": true, "\\u0000": 1}',
        b'{"enabled": true, "reason": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"9" * 100_000,
        b'{"enabled": 1e400}',
    ],
)
def test_it_refuses_such_a_body(program: Program, body: bytes) -> None:
    answer = told_off(program, "PATCH", "/api/schedules/it", body)
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "params",
    [
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 9223372036854775808}',
        json.dumps({"x" * 201: 1}).encode(),
        json.dumps({str(number): 1 for number in range(101)}).encode(),
    ],
)
def test_it_refuses_params_that_no_database_takes(program: Program, params: bytes) -> None:
    answer = told_off(program, "POST", "/api/schedules/it/trigger", b'{"params": ' + params + b"}")
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "called", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_it_refuses_a_body_that_is_not_called_json(program: Program, called: str) -> None:
    answer = told_off(program, "PATCH", "/api/schedules/it", b'{"enabled": false}', called)
    assert answer.status_code in (415, 422)


def test_it_refuses_a_body_that_is_too_large(program: Program) -> None:
    told_off(program, "PATCH", "/api/schedules/it", b" " * 300_000, status=413)


@pytest.mark.parametrize(
    ("length", "status"), [(")@QVHD|v=Y", 400), ("-1", 400), ("9" * 30, 413), ("9" * 5000, 413)]
)
def test_it_refuses_a_length_that_is_none_or_too_large(program: Program, length: str, status: int) -> None:
    answer = program.send("GET", "/api/schedules", headers={"Content-Length": length})
    assert (answer.status_code, answer.json()["status"]) == (status, status)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "TRACE", "BREW"])
def test_it_refuses_methods_that_a_path_does_not_have(program: Program, method: str) -> None:
    answer = told_off(program, method, "/api/schedules/it", b"", status=405)
    assert "GET" in answer.headers["allow"]


def test_what_does_not_exist_is_a_problem_too(program: Program) -> None:
    told_off(program, "GET", "/api/nothing", b"", status=404)


def test_who_says_not_who_they_are_is_a_problem(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start()
    visitor = visit(Role.ADMIN)
    visitor.app.state.site.gate._authenticate = lambda _request: None
    answer = visitor.ask("GET", "/api/schedules")
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert "www-authenticate" in answer.headers


def test_a_database_that_is_away_is_a_problem(
    shop: World, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.crank.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE schedule_event RENAME TO away")
    try:
        assert program.ask("GET", "/api/events", 503).headers["retry-after"]
    finally:
        with shop.crank.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO schedule_event")


def told_off(
    program: Program,
    method: str,
    path: str,
    body: bytes,
    called: str = "application/json",
    status: int | None = None,
) -> httpx.Response:
    """The answer, which must be a problem document."""
    answer = program.send(method, path, content=body, headers={"Content-Type": called})
    assert answer.headers["content-type"] == PROBLEM, answer.text
    assert answer.json()["status"] == answer.status_code
    assert status in (None, answer.status_code)
    return answer
