"""What the API tells: the same as the commands do, page by page, and nothing that looks like a secret."""

from functools import partial
from typing import Any

import pytest

from scheduled.store import audit_log, run_lists, runs
from tests.conftest import World, at
from tests.web.api_support import Program


@pytest.fixture
def busy(shop: World) -> World:
    """An hour of a schedule each ten minutes, whose job fails the third time."""

    def work() -> None:
        if shop.called.count("work") == 3:
            raise ValueError("no such <b>table</b>")

    shop.job("work", work, group="good", description="Does its work.")
    shop.start("*/10 * * * *", params={"token": "hush", "day": 1}).advance(minutes=50)
    held = shop.crank.parts.engine.held
    with held.transaction():
        runs.write_output(
            held, 2, output="password=hunter2 and more\n", truncated=False, result='{"api_token": "abc"}'
        )
    return shop


@pytest.fixture
def asked(busy: World, program: Program) -> Program:
    return program


def test_it_lists_schedules(asked: Program) -> None:
    [schedule] = asked.get("/api/schedules")["items"]
    assert (schedule["id"], schedule["in_words"], schedule["run_count"]) == ("it", "Every 10 minutes", 6)
    assert schedule["next_run_at"] == "2026-03-02T13:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "IT"}, 1),
        ({"q": "zzz"}, 0),
        ({"q": "%"}, 0),
        ({"enabled": "true"}, 1),
        ({"enabled": "false"}, 0),
        ({"state": "on"}, 1),
        ({"state": "off"}, 0),
        ({"state": "running"}, 0),
        ({"state": "orphaned"}, 0),
        ({"state": "failing"}, 0),
        ({"state": "never"}, 0),
    ],
)
def test_it_filters_schedules(asked: Program, query: dict[str, str], found: int) -> None:
    assert len(asked.get("/api/schedules", **query)["items"]) == found


def test_it_finds_what_was_never_switched(shop: World, come: Any) -> None:
    fresh, other = (shop.schedule(id=one, enabled_by_default=False) for one in ("fresh", "other"))
    shop.start_with(shop.schedule(), fresh, other)
    shop.crank.enable("other")
    shop.crank.disable("other")
    found = come().get("/api/schedules", state="never")["items"]
    assert [one["id"] for one in found] == ["fresh"]


def test_it_turns_the_pages_of_schedules(shop: World, come: Any) -> None:
    shop.start_with(*(shop.schedule(id=f"s{number}") for number in range(5)))
    pages = come().pages("/api/schedules", limit=2)
    assert [[one["id"] for one in page] for page in pages] == [["s0", "s1"], ["s2", "s3"], ["s4"]]


def test_it_tells_all_about_one_schedule(asked: Program) -> None:
    schedule = asked.get("/api/schedules/it")
    assert len(schedule["upcoming"]) == 10
    assert [one["status"] for one in schedule["recent"]].count("FAILED") == 1
    assert schedule["params"] == {"token": "•••", "day": 1}


def test_it_suggests_the_schedule_that_was_meant(asked: Program) -> None:
    assert "did you mean 'it'?" in asked.problem("/api/schedules/itt", 404)


def test_it_tells_what_ran_for_a_schedule(asked: Program) -> None:
    found = asked.get("/api/schedules/it/history")["items"]
    assert [run["occurrence_id"] for run in found] == [6, 5, 4, 3, 2, 1]
    assert asked.get("/api/runs", schedule="it")["items"] == found


def test_it_knows_no_history_of_what_does_not_exist(asked: Program) -> None:
    asked.problem("/api/schedules/other/history", 404)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "FAILED"}, [3]),
        ({"status": ["FAILED", "COMPLETED"]}, [6, 5, 4, 3, 2, 1]),
        ({"status": "SKIPPED"}, []),
        ({"job": "work", "limit": 2}, [6, 5]),
        ({"job": "other"}, []),
        ({"schedule": "other"}, []),
        ({"q": "NO SUCH <B>"}, [3]),
        ({"q": "valueerror"}, [3]),
        ({"q": "_"}, []),
        ({"q": "no such", "status": "COMPLETED"}, []),
        ({"last": "15m"}, [6, 5]),
        ({"since": "2026-03-02T12:40:00Z"}, [6, 5]),
        ({"until": "2026-03-02T13:10:00+01:00"}, [1]),
        ({"since": "2026-03-02T12:10:00Z", "until": "2026-03-02T12:30:00Z"}, [3, 2]),
    ],
)
def test_it_filters_runs(asked: Program, query: dict[str, Any], found: list[int]) -> None:
    assert [run["id"] for run in asked.get("/api/runs", **query)["items"]] == found


def test_a_search_in_errors_looks_at_so_many_runs_and_goes_on(
    asked: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduled.store.run_lists.find_runs", partial(run_lists.find_runs, most=1))
    pages = list(asked.pages("/api/runs", q="no such"))
    assert [[run["id"] for run in page] for page in pages] == [[3], []]


def test_a_page_holds_still_while_rows_arrive(busy: World, asked: Program) -> None:
    pages = asked.pages("/api/runs", limit=2, status=["COMPLETED", "FAILED"])
    found = [run["id"] for run in next(pages)]
    busy.crank.advance(minutes=30)
    for page in pages:
        found += [run["id"] for run in page]
    assert found == [6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    "query", [{}, {"schedule": "it"}, {"status": ["COMPLETED", "FAILED"]}, {"last": "7d"}]
)
def test_a_page_of_the_ledger_holds_still_too(busy: World, asked: Program, query: dict[str, Any]) -> None:
    pages = asked.pages("/api/occurrences", limit=4, **query)
    found = [one["id"] for one in next(pages)]
    busy.crank.advance(minutes=30)
    for page in pages:
        found += [one["id"] for one in page]
    assert found == [6, 5, 4, 3, 2, 1]


def test_it_tells_a_run_whole_but_for_secrets(asked: Program) -> None:
    run = asked.get("/api/runs/2")
    assert run["output"] == "password=••• and more\n"
    assert run["result"] == {"api_token": "•••"}
    assert run["occurrence"]["due_at"] == "2026-03-02T12:10:00+00:00"
    assert len(run["attempts"]) == 1


def test_it_tells_what_was_raised_as_text(asked: Program) -> None:
    run = asked.get("/api/runs/3")
    assert run["error_message"] == "no such <b>table</b>"
    assert "ValueError" in run["traceback"]


def test_it_tells_an_occurrence_with_its_runs(asked: Program) -> None:
    occurrence = asked.get("/api/occurrences/3")
    assert (occurrence["status"], occurrence["jobs_failed"]) == ("FAILED", 1)
    assert [run["status"] for run in occurrence["runs"]] == ["FAILED"]


@pytest.mark.parametrize("path", ["/api/occurrences/99", "/api/runs/99"])
def test_it_says_when_there_is_no_such_row(asked: Program, path: str) -> None:
    assert "99" in asked.problem(path, 404)


def test_it_lists_jobs_without_loading_definitions(asked: Program) -> None:
    [job] = asked.get("/api/jobs")["items"]
    assert (job["name"], job["group"], job["schedules"]) == ("work", "good", ["it"])
    assert (job["description"], job["measured"]) == ("Does its work.", 5)
    assert job["last_run"]["status"] == "COMPLETED"


def test_it_turns_the_pages_of_jobs(shop: World, come: Any) -> None:
    for name in "abc":
        shop.job(name)
    shop.start()
    assert [[job["name"] for job in page] for page in come().pages("/api/jobs", limit=2)] == [
        ["a", "b"],
        ["c"],
    ]


def test_it_lists_workers(busy: World, asked: Program) -> None:
    busy.crank.stop()
    busy.crank.start()
    found = [worker["status"] for page in asked.pages("/api/workers", limit=1) for worker in page]
    assert found == ["RUNNING", "STOPPED"]
    assert len(asked.get("/api/workers", status="STOPPED")["items"]) == 1


def test_it_tells_how_the_scheduler_is(asked: Program) -> None:
    found = asked.get("/api/scheduler")
    assert (found["running"], found["daemons"], found["waiting"], found["due"]) == (True, 1, 0, 0)
    assert found["next_run_at"] == "2026-03-02T13:00:00+00:00"
    assert {check["name"] for check in found["checks"]} == {"daemon", "definitions", "clock_skew"}


def test_it_tells_what_waits_when_nobody_lives(busy: World, asked: Program) -> None:
    busy.crank.commands.trigger("it")
    busy.crank.crash()
    busy.crank.clock.advance(hours=1)
    found = asked.get("/api/scheduler")
    assert (found["running"], found["waiting"], found["due"]) == (False, 1, 1)


def test_it_lists_events(busy: World, asked: Program) -> None:
    busy.crank.disable("it", reason="too <i>loud</i>")
    newest, *_ = asked.get("/api/events", schedule="it")["items"]
    assert (newest["event"], newest["reason"]) == ("disabled", "too <i>loud</i>")
    assert len([1 for page in asked.pages("/api/events", schedule="it", limit=1) for _ in page]) == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"event": "disabled"}, ["disabled"]),
        ({"event": "enabled", "schedule": "that"}, []),
        ({"actor": "TES"}, ["enabled", "disabled"]),
        ({"actor": "%"}, []),
        ({"since": "2026-03-02T12:55:00Z"}, ["enabled"]),
        ({"since": "2026-03-02T12:50:00Z", "actor": "test"}, ["enabled", "disabled"]),
    ],
)
def test_it_finds_events(busy: World, asked: Program, query: dict[str, str], found: list[str]) -> None:
    busy.crank.disable("it")
    busy.crank.clock.advance(minutes=5)
    busy.crank.enable("it")
    assert [one["event"] for one in asked.get("/api/events", **query)["items"]] == found


def test_it_suggests_the_event_that_was_meant(asked: Program) -> None:
    assert "did you mean 'disabled'?" in asked.problem("/api/events", 422, event="disable")


def test_a_search_of_events_goes_on_where_it_ended(
    busy: World, asked: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        busy.crank.disable("it")
        busy.crank.enable("it")
    defaults = {**(audit_log.lines.__kwdefaults__ or {}), "most": 3}
    monkeypatch.setattr(audit_log.lines, "__kwdefaults__", defaults)
    pages = list(asked.pages("/api/events", event="added"))
    assert [[one["event"] for one in page] for page in pages] == [[], [], ["added"]]
    assert len(list(asked.pages("/api/events", since="2026-03-02T12:50:00Z"))) == 2


def test_what_an_event_tells_hides_secrets(asked: Program) -> None:
    [added] = asked.get("/api/events", schedule="it")["items"]
    assert added["data"]["to"]["params"]["token"] == "•••"


def test_it_explains_what_became_of_an_instant(asked: Program) -> None:
    found = asked.get("/api/schedules/it/why", at="2026-03-02T12:05:00Z")
    assert (found["outcome"], found["causes"][0]["code"]) == ("not_due", "not_due")
    assert asked.get("/api/schedules/it/why")["at"] == "2026-03-02T12:50:00+00:00"


def test_it_draws_time_as_lanes(asked: Program) -> None:
    found = asked.get("/api/timeline", **{"from": "2026-03-02T12:00:00Z", "to": "2026-03-02T14:00:00Z"})
    [lane] = found["lanes"]
    assert (len(lane["occurrences"]), lane["coming_count"], found["next"]) == (6, 6, None)


def test_it_draws_the_day_around_now_by_default(asked: Program) -> None:
    found = asked.get("/api/timeline")
    assert (found["since"], found["until"]) == ("2026-03-01T18:50:00+00:00", "2026-03-02T18:50:00+00:00")


def test_it_refuses_a_timeline_of_nothing(asked: Program) -> None:
    problem = asked.problem("/api/timeline", 400, **{"from": "2026-03-03T12:00:00Z", "to": str(at("12:00"))})
    assert "ends before it begins" in problem
