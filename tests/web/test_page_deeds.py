"""Switching schedules and running them, by forms that need no scripts."""

import re
from collections.abc import Callable

import pytest

from scheduled.access.identity import Role
from tests.conftest import World
from tests.web.conftest import Visitor, words_of

IT = "/admin/schedules/it"


@pytest.fixture
def two_jobs(shop: World, visit: Callable[..., Visitor]) -> Visitor:
    shop.job("first")
    shop.job("second", depends_on=["first"])
    shop.start(params={"region": "eu"})
    return visit()


def test_it_is_switched_off_with_a_reason_at_once(ann: Visitor, shop: World) -> None:
    page = words_of(ann.post(f"{IT}/disable", {"reason": "the shop is closed"}).text)
    assert not shop.crank.schedule("it")["enabled"]
    assert "Off. Switched off by ann now: “the shop is closed”" in page


def test_it_is_switched_on_at_once(ann: Visitor, shop: World) -> None:
    shop.crank.disable("it")
    page = words_of(ann.post(f"{IT}/enable", {}).text)
    assert shop.crank.schedule("it")["enabled"]
    assert "On. Switched on by ann now" in page


def test_the_form_asks_why_it_is_switched_off(ann: Visitor) -> None:
    page = ann.html(f"{IT}/disable", back="/admin/schedules?q=x")
    assert '<label for="reason">Why?</label>' in page
    assert 'name="back" value="/admin/schedules?q=x"' in page


@pytest.mark.parametrize(
    ("back", "led_to"),
    [
        ("/admin/schedules?q=it", "/admin/schedules?q=it"),
        ("https://evil.example/", IT),
        ("//evil.example/admin/", IT),
        ("/elsewhere", IT),
        ("", IT),
    ],
)
def test_it_leads_back_to_where_one_came_from_and_nowhere_else(ann: Visitor, back: str, led_to: str) -> None:
    answer = ann.post(f"{IT}/disable", {"back": back})
    assert str(answer.url).removeprefix("http://127.0.0.1:8080") == led_to
    assert [one.status_code for one in answer.history] == [303]


def test_run_now_runs_all_jobs_and_shows_what_becomes_of_it(two_jobs: Visitor, shop: World) -> None:
    answer = two_jobs.post(f"{IT}/run", {})
    assert "/admin/occurrences/" in str(answer.url)
    assert "ann, who asked now" in words_of(answer.text)
    shop.crank.run_due()
    assert shop.called[-2:] == ["first", "second"]


def test_run_now_takes_jobs_and_parameters(two_jobs: Visitor, shop: World) -> None:
    answer = two_jobs.post(
        f"{IT}/run", {"jobs": ["first"], "params": "shop=riga\n\n steps = 3 \nlist=[1, 2]"}
    )
    page = words_of(answer.text)
    assert "Chosen jobs first" in page
    assert '"shop": "riga"' in page
    assert '"list": [ 1, 2 ]' in page


def test_run_now_is_for_a_past_instant_if_told_so(two_jobs: Visitor) -> None:
    page = words_of(two_jobs.post(f"{IT}/run", {"instant": "2026-03-02T11:00"}).text)
    assert "Due 2026-03-02 11:00:00 UTC" in page


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"params": "no equals sign"}, "is not of the form name=value"),
        ({"jobs": ["thrid"]}, "runs no job 'thrid'"),
        ({"instant": "yesterday"}, "'yesterday' is no date and time: write it as in"),
        ({"instant": "2026-03-02T11:30"}, "was not due at 2026-03-02T11:30:00+00:00: the nearest are"),
        ({"instant": "2027-03-02T11:00"}, "lies in the future"),
    ],
)
def test_what_is_wrong_with_the_form_is_said_above_it(
    two_jobs: Visitor, form: dict[str, str], told: str
) -> None:
    answer = two_jobs.post(f"{IT}/run", {"params": "kept=1"} | form)
    assert answer.status_code in (400, 404)
    page = answer.text
    assert told in words_of(page).replace("2026-03-02 11:30:00+00:00", "2026-03-02T11:30:00+00:00")
    assert (form.get("params") or "kept=1") in page


def test_the_form_says_what_the_jobs_are_and_how_parameters_are_written(two_jobs: Visitor) -> None:
    page = two_jobs.reads(f"{IT}/run")
    assert "Choose none, and all 2 run" in page
    assert "One name=value a line" in page
    assert "on top of the schedule's own: region" in page


def test_what_is_no_longer_in_the_code_is_not_run(shop: World, ann: Visitor) -> None:
    shop.crank.stop()
    shop.crank.start(shop.registry())
    assert "no longer in the code" in ann.reads(f"{IT}/run")
    assert ann.post(f"{IT}/run", {}).status_code == 409
    assert ann.post(f"{IT}/enable", {}).status_code == 409


@pytest.mark.parametrize("deed", ["enable", "disable", "run"])
def test_who_may_only_look_may_not(ann: Visitor, visit: Callable[..., Visitor], deed: str) -> None:
    assert visit(Role.VIEWER).post(f"{IT}/{deed}", {}).status_code == 403


@pytest.mark.parametrize("id", ["nobody", "a" * 10_000, "%00", "..%2F..", "<b>"])
def test_what_does_not_exist_is_not_found(ann: Visitor, id: str) -> None:
    for path in ("", "/run", "/disable"):
        assert ann.get(f"/admin/schedules/{id}{path}").status_code == 404
    assert not re.search("<b>", ann.get(f"/admin/schedules/{id}").text)
