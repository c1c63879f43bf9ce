"""One occurrence: what happened, what comes, what can be done, and the live job."""

import re
from collections.abc import Callable

import pytest

from scheduled.access.identity import Role
from tests.conftest import World
from tests.web.conftest import Visitor, words_of


@pytest.fixture
def newest(shop: World) -> Callable[[], str]:
    """The page of the newest occurrence."""

    def path() -> str:
        return f"/admin/occurrences/{max(row.id for row in shop.crank.ledger())}"

    return path


@pytest.fixture
def failed(shop: World, visit: Callable[..., Visitor], newest: Callable[[], str]) -> tuple[Visitor, str]:
    """An occurrence of three jobs, the second of which failed."""
    shop.job("fetch")
    shop.job("match", lambda: dict[str, int]()["order 4711"], depends_on=["fetch"])
    shop.job("report", depends_on=["match"])
    shop.start(params={"api_token": "s3cret", "region": "eu"})
    shop.crank.advance(hours=1)
    return visit(), newest()


def test_it_says_what_happened_what_comes_and_what_one_can_do(failed: tuple[Visitor, str]) -> None:
    page = failed[0].reads(failed[1])
    assert "and is FAILED" in page
    assert "match ( run" in page
    assert "KeyError: 'order 4711'" in page
    assert "It is not run again by itself" in page
    assert "The schedule is due next at 2026-03-02 14:00:00 UTC" in page
    assert "You can run it again, all of it or from match on" in page


def test_it_draws_the_jobs_with_their_outcomes(failed: tuple[Visitor, str]) -> None:
    page = failed[0].html(failed[1])
    nodes = re.findall(r'class="node (\w+)" href="/admin/runs/\d+" aria-label="(\w+): ([\w ]+)', page)
    assert nodes == [
        ("completed", "fetch", "completed"),
        ("failed", "match", "failed"),
        ("skipped", "report", "skipped"),
    ]
    assert "report depends on match" in page


def test_it_has_the_error_and_the_traceback_as_text(failed: tuple[Visitor, str]) -> None:
    page = failed[0].html(failed[1])
    assert "<strong>KeyError</strong>" in page
    assert "Traceback (most recent call last)" in page


def test_it_is_run_again_from_what_failed_on(failed: tuple[Visitor, str], shop: World) -> None:
    visitor, path = failed
    before = len(shop.called)
    again = visitor.post(f"{path}/again", {"from_failed": "true"})
    assert "again of" in words_of(again.text).lower()
    shop.crank.run_due()
    assert shop.called[before:] == ["match"]
    number = str(again.url).rsplit("/", 1)[1]
    assert f"Run again as occurrence {number}" in visitor.reads(path)


def test_it_is_run_again_whole(failed: tuple[Visitor, str], shop: World) -> None:
    visitor, path = failed
    before = len(shop.called)
    visitor.post(f"{path}/again", {})
    shop.crank.run_due()
    assert shop.called[before:] == ["fetch", "match"]


def test_what_completed_has_nothing_to_resume(ann: Visitor, shop: World, newest: Callable[[], str]) -> None:
    shop.crank.advance(hours=1)
    page = ann.reads(newest())
    assert "Run again What happened" in page
    assert "from what failed" not in page
    assert ann.post(f"{newest()}/again", {"from_failed": "true"}).status_code == 409


def test_what_waits_can_be_cancelled(ann: Visitor, shop: World) -> None:
    path = f"/admin/occurrences/{shop.crank.trigger('it')}"
    assert "You can cancel it: then it does not run" in ann.reads(path)
    page = words_of(ann.post(f"{path}/cancel", {}).text)
    assert "⊘ cancelled" in page
    assert "Cancelled by ann" in page or "cancelled by ann" in page
    assert ann.post(f"{path}/cancel", {}).status_code == 409


def test_who_may_only_look_has_no_buttons(failed: tuple[Visitor, str], visit: Callable[..., Visitor]) -> None:
    viewer = visit(Role.VIEWER)
    assert "<form" not in viewer.html(failed[1])
    for deed in ("cancel", "again"):
        assert viewer.post(f"{failed[1]}/{deed}", {}).status_code == 403


def test_a_stretch_is_one_occurrence_with_its_reason(
    shop: World, visit: Callable[..., Visitor], newest: Callable[[], str]
) -> None:
    shop.start("*/10 * * * *")
    shop.crank.advance(minutes=1)
    shop.crank.down(hours=2)
    shop.crank.run_due()
    row = next(row for row in shop.crank.ledger() if row.reason == "daemon_down")
    page = visit().reads(f"/admin/occurrences/{row.id}")
    assert f"{row.due_count} instants" in page
    assert 'It is not caught up, because the schedule says missed="skip"' in page
    assert "You can run any one of these instants now" in page


def test_an_interruption_says_why_it_is_not_run_again(
    shop: World, visit: Callable[..., Visitor], newest: Callable[[], str]
) -> None:
    shop.killing()
    shop.start()
    shop.run_until_killed(hours=1)
    path = newest()
    shop.crank.clock.advance(minutes=10)
    shop.crank.start()
    shop.crank.advance(minutes=1)
    page = visit().reads(path)
    assert "! interrupted" in page
    assert "The last sign of life came at 2026-03-02 12:00:00 UTC" in page
    assert "It is not run again, because rerun_interrupted is off" in page
    assert "You can run it now" in page


def test_a_job_that_runs_shows_how_far_it_is_and_what_it_printed(
    shop: World, visit: Callable[..., Visitor], newest: Callable[[], str]
) -> None:
    seen: list[str] = []
    shop.job(body=lambda: seen.append(visit().html(newest())))
    shop.start()
    shop.crank.advance(hours=1)
    page = words_of(seen[-1])
    assert "▶ running" in page
    assert "work runs now" in page
    assert "0 of 1 jobs have ended; work ( run 2) runs now" in page
    assert "You can cancel it: the job that runs is interrupted" in page
    assert 'data-output="2" hx-morph-skip' in seen[-1]
    assert re.search(r'hx-sse:connect="/api/stream\?occurrence=\d+"', seen[-1])


def test_what_ended_listens_to_no_output(failed: tuple[Visitor, str]) -> None:
    assert 'hx-sse:connect="/api/stream"' in failed[0].html(failed[1])


@pytest.mark.parametrize("id", ["99999", "0", "-1", "abc", "9" * 10_000, "%00", "1e3", "²"])
def test_what_does_not_exist_is_not_found(ann: Visitor, id: str) -> None:
    assert ann.get(f"/admin/occurrences/{id}").status_code == 404
    assert ann.get(f"/admin/runs/{id}").status_code == 404
