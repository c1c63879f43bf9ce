"""The list of schedules: what each row says, what is found, and what can be done there."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from scheduled.access.identity import Role
from scheduled.store import admin
from scheduled.store.schedules import add_event
from scheduled.web.listing import STATES
from tests.conftest import World
from tests.web.api_support import Program
from tests.web.conftest import Visitor, words_of

LIST = "/admin/schedules"


@pytest.fixture
def several(shop: World, visit: Callable[..., Visitor]) -> Visitor:
    """Of four schedules one failed, one was never enabled and one is gone from the code."""
    shop.job("good")
    shop.job("bad", lambda: 1 / 0)
    on: dict[str, Any] = {"mode": "JOBS", "enabled_by_default": True}
    works = shop.schedule(id="works", name="It works", description="As it should", jobs=["good"], **on)
    fails = shop.schedule(id="fails", name="It fails", jobs=["bad"], **on)
    fresh = shop.schedule(id="fresh", name="Fresh", mode="JOBS", jobs=["good"], enabled_by_default=False)
    gone = shop.schedule(id="gone", name="Gone", jobs=["good"], **on)
    shop.start_with(works, fails, fresh, gone)
    shop.crank.advance(hours=2)
    shop.crank.stop()
    shop.crank.start(shop.registry(works, fails, fresh))
    return visit()


def ids(page: str) -> list[str]:
    return re.findall(r'<tr id="row-([^"]+)"', page)


def row(page: str, schedule_id: str) -> str:
    return words_of(page.partition(f'<tr id="row-{schedule_id}"')[2].partition("</tr>")[0].partition(">")[2])


def test_a_row_says_when_it_runs_and_how_it_went(several: Visitor) -> None:
    told = row(several.html(LIST), "works")
    for part in ("It works", "As it should", "Every hour", "0 * * * *", "UTC", "If missed: skipped"):
        assert part in told
    assert "3 runs · 0 failed · 0 skipped" in told
    assert "now ✓ completed" in told


def test_a_row_has_the_newest_outcomes_in_words(several: Visitor) -> None:
    page = several.html(LIST)
    assert 'aria-label="3 newest: 3 failed"' in page
    assert "3 failed: 2026-03-02 12:00 to 2026-03-02 14:00 UTC" in page


def test_it_marks_what_needs_a_look(several: Visitor) -> None:
    page = several.html(LIST)
    assert "✕ failing, 3 in a row" in row(page, "fails")
    assert "never enabled" in row(page, "fresh")
    assert "! not in the code" in row(page, "gone")


def test_what_was_once_on_was_enabled(several: Visitor, shop: World) -> None:
    shop.crank.disable("works")
    assert "never enabled" not in row(several.html(LIST), "works")


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("on", ["fails", "works"]),
        ("off", ["fresh"]),
        ("failing", ["fails"]),
        ("never", ["fresh"]),
        ("orphaned", ["gone"]),
        ("running", []),
        ("nonsense", ["fails", "fresh", "gone", "works"]),
    ],
)
def test_it_finds_by_state(several: Visitor, state: str, found: list[str]) -> None:
    assert ids(several.html(LIST, state=state)) == found


@pytest.mark.parametrize("state", STATES)
def test_the_api_finds_the_same_by_state(
    several: Visitor, shop: World, come: Callable[[], Program], state: str
) -> None:
    with shop.crank.database.writing() as connection:
        connection.exec_driver_sql("UPDATE job_schedule SET consecutive_failures = 1 WHERE id = 'gone'")
    found = [one["id"] for one in come().get("/api/schedules", state=state)["items"]]
    assert found == ids(several.html(LIST, state=state))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("WORKS", ["works"]),
        ("it", ["fails", "works"]),
        ("as should", ["works"]),
        ("fres", ["fresh"]),
        ("%", []),
    ],
)
def test_it_finds_by_words(several: Visitor, words: str, found: list[str]) -> None:
    assert ids(several.html(LIST, q=words)) == found


def test_it_counts_the_states_of_what_fits_the_words(several: Visitor) -> None:
    page = several.reads(LIST, q="it")
    assert "On 2" in page
    assert "Failing 1" in page
    assert "Orphaned" not in page


def test_it_offers_to_clear_a_filter_that_nothing_fits(several: Visitor) -> None:
    page = several.reads(LIST, q="nowhere")
    assert "None of the 4 schedules fits. Clear the filter" in page


def test_it_teaches_how_to_write_the_first_one(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start_with()
    assert "There are no schedules yet. Write one in schedules.py" in visit().reads(LIST)


def test_what_somebody_searches_for_is_no_markup(several: Visitor) -> None:
    page = several.html(LIST, q='"><script>alert(1)</script>')
    assert "<script>alert" not in page


def test_who_may_only_look_sees_the_switch_but_has_none(
    several: Visitor, visit: Callable[..., Visitor]
) -> None:
    page = visit(Role.VIEWER).html(LIST)
    assert "Run now" not in page
    assert '<span class="switch on">On</span>' in page


def test_it_is_overdue_when_nobody_has_taken_it_up(several: Visitor, shop: World) -> None:
    shop.crank.clock.advance(hours=3)
    assert "! overdue 2 hours ago" in row(several.html(LIST), "works")


def test_it_shows_a_hundred_at_once(shop: World, visit: Callable[..., Visitor]) -> None:
    shop.start_with(*(shop.schedule(id=f"s{number:03d}") for number in range(admin.PAGE + 5)))
    visitor = visit()
    first, last = visitor.html(LIST), visitor.html(LIST, page=99)
    assert len(ids(first)) == 100
    assert ids(last) == [f"s{number:03d}" for number in range(100, 105)]
    assert "Page 2 of 2" in words_of(last)
    assert "Page 1 of 2 Next →" in words_of(first)


def test_definitions_that_did_not_load_are_told_at_the_top(several: Visitor, shop: World) -> None:
    shop.crank.clock.advance(seconds=10)
    with shop.crank.database.hold() as held, held.transaction():
        data = {"faults": "line 3: no such job"}
        add_event(held, "", "reload_failed", shop.crank.clock.now(), "daemon", data=data)
    page = several.reads(LIST)
    assert "The definitions did not load" in page
    assert "line 3: no such job" in page
    assert page.index("did not load") < page.index("It works")
