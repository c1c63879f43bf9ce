"""The timeline: what ran, what was skipped and why, when no daemon was alive, and what is to come."""

import re
import sys

import pytest

from tests.conftest import NOON, World
from tests.web.conftest import Come, Visitor, words_of

PAGE = "/admin/timeline"


def in_words(page: str) -> str:
    """The words below the drawing."""
    return words_of(page.partition("<details")[2])


def test_it_draws_what_ran_as_long_as_it_ran(shop: World, ann: Visitor) -> None:
    shop.crank.stub(seconds=540)
    shop.crank.advance(hours=2)
    page = ann.html(PAGE)
    assert "completed: Mon 2 Mar 12:00:00, 9 min" in page
    # Nine minutes are 0.625 percent of a day.
    assert re.search(r'<rect class="completed" x="[\d.]+%" width="0.6[23]%"', page)


def test_a_bar_leads_to_its_occurrence(shop: World, ann: Visitor) -> None:
    shop.crank.advance(hours=1)
    ran = shop.crank.ran("it")[-1]
    assert f'<a href="/admin/occurrences/{ran.id}" tabindex="-1"' in ann.html(PAGE)


def test_it_tells_why_something_was_skipped(shop: World, ann: Visitor) -> None:
    shop.crank.down(hours=3)
    shop.crank.advance(minutes=1)
    page = ann.html(PAGE)
    assert '<rect class="skipped"' in page
    assert "skipped (daemon down): Mon 2 Mar 12:00:00 to 14:00:00" in page
    assert "3 – skipped" in in_words(page)
    assert "(3 instants)" in in_words(page)


def test_it_tells_when_no_daemon_was_alive(shop: World, ann: Visitor) -> None:
    shop.crank.down(hours=3)
    page = ann.html(PAGE)
    assert (
        '<g class="pause"><title>No daemon was alive for 3 h: Mon 2 Mar 12:00:00 to Mon 2 Mar 15:00:00'
        in page
    )


def test_it_draws_what_is_to_come(ann: Visitor) -> None:
    page = ann.html(PAGE)
    assert page.count('<rect class="coming"') == 5 + 1  # and one in the legend
    assert "to come: Mon 02 Mar 13:00:00" in page


def test_it_draws_nothing_to_come_for_what_is_off(shop: World, ann: Visitor) -> None:
    shop.crank.disable()
    assert "to come:" not in ann.html(PAGE)


def test_what_is_too_much_is_counted(shop: World, visit: Come) -> None:
    shop.start("every 15 seconds")
    shop.crank.advance(hours=1)
    page = visit().html(PAGE)
    assert "241 ✓ completed" in in_words(page)
    assert page.count('<rect class="completed"') < 10
    assert "Look closer" in page


def test_it_links_to_what_came_before_and_what_comes_after(ann: Visitor) -> None:
    page = ann.html(PAGE, at="2026-03-02T12:00:00Z", span="hour")
    assert "Mon 02 Mar 2026 11:30 to Mon 02 Mar 12:30, UTC" in page
    assert "at=2026-03-02T11%3A00%3A00Z&amp;span=hour" in page
    assert "at=2026-03-02T13%3A00%3A00Z&amp;span=hour" in page


def test_it_tells_times_by_the_clocks_of_the_zone(ann: Visitor) -> None:
    page = ann.html(PAGE, zone="Asia/Kolkata")
    assert "to Mon 02 Mar 23:30, Asia/Kolkata" in page
    assert "to come: Mon 02 Mar 18:30:00" in page


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"zone": "Mars/Olympus"}, "unknown time zone"),
        ({"span": "decade"}, "span is hour, day, week"),
        ({"at": "yesterday"}, "is no instant"),
        ({"since": "2026-01-01", "until": "2027-01-01"}, "35 days at most"),
        ({"since": "2026-01-02", "until": "2026-01-01"}, "until comes after since"),
        ({"at": "9999-12-31"}, "farther away than a timeline looks"),
    ],
)
def test_it_says_what_is_wrong_with_an_address(ann: Visitor, query: dict[str, str], told: str) -> None:
    answer = ann.get(PAGE, **query)
    assert answer.status_code == 400
    assert told in words_of(answer.text)


def test_it_shows_schedules_page_by_page(shop: World, visit: Come) -> None:
    shop.start_with(*(shop.schedule(id=f"it-{number:02}") for number in range(21)))
    ann: Visitor = visit()
    first = ann.html(PAGE)
    assert "it-19" in first
    assert "it-20" not in first
    assert "after=it-19" in first
    assert "it-20" in ann.html(PAGE, after="it-19")


def test_it_filters_schedules_by_name(shop: World, visit: Come) -> None:
    shop.start_with(shop.schedule(id="one"), shop.schedule(id="two"))
    page = visit().html(PAGE, q="tw")
    assert ">two</a>" in page
    assert ">one</a>" not in page


def test_it_says_that_no_schedule_fits(ann: Visitor) -> None:
    assert "No schedule fits “nothing”." in ann.reads(PAGE, q="nothing")


def test_it_is_live_only_while_the_present_is_in_sight(ann: Visitor) -> None:
    assert 'hx-trigger="news' in ann.html(PAGE)
    assert 'hx-trigger="news' not in ann.html(PAGE, at=f"{NOON:%Y-%m-%d}T00:00:00Z", span="hour")


def test_nothing_is_markup_but_ours(shop: World, visit: Come) -> None:
    shop.start(name="<script>alert(1)</script>")
    assert "<script>alert" not in visit().html(PAGE, q="<b>x</b>")
    assert "<script>alert" not in visit().html(PAGE)


def test_a_page_has_fewer_lanes_where_more_happened(
    shop: World, visit: Come, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["scheduled.web.pages.timeline"], "MOST_ROWS", 100)
    shop.start_with(*(shop.schedule("every minute", id=f"it-{number}") for number in range(3)))
    shop.crank.advance(minutes=45)
    page = visit().html(PAGE)
    assert ">it-1</a>" in page
    assert ">it-2</a>" not in page
    assert "after=it-1" in page
