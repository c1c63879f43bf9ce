"""The list of runs, and the search among them."""

from functools import partial

import pytest

from scheduled.store import run_lists
from tests.conftest import World
from tests.web.conftest import Come, Visitor, words_of

PAGE = "/admin/runs"


@pytest.fixture
def mixed(shop: World, visit: Come) -> Visitor:
    """One job fails each time, another completes."""

    def fail() -> None:
        raise TimeoutError("the shop said 100% no")

    shop.job("broken", fail)
    shop.job("fine")
    shop.start("*/30 * * * *")
    shop.crank.advance(hours=1)
    return visit()


def numbers(page: str) -> list[str]:
    """The runs that are listed."""
    return [part.partition('"')[0] for part in page.split('class="whole" href="/admin/runs/')[1:]]


def test_it_lists_the_newest_first_and_leads_to_each(mixed: Visitor) -> None:
    page = mixed.html(PAGE)
    assert numbers(page) == ["6", "5", "4", "3", "2", "1"]
    assert 'href="/admin/occurrences/3"' in page
    assert "TimeoutError: the shop said 100% no" in words_of(page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "FAILED"}, 3),
        ({"status": ["FAILED", "completed"]}, 6),
        ({"job": "fine"}, 3),
        ({"schedule": "it"}, 6),
        ({"schedule": "that"}, 0),
        ({"q": "timeouterror"}, 3),
        ({"q": "100% no"}, 3),
        ({"q": "100%no"}, 0),
        ({"q": "_"}, 0),
        ({"q": "shop", "job": "fine"}, 0),
        ({"q": "shop", "status": "COMPLETED"}, 0),
        ({"last": "1h"}, 6),
        ({"since": "2026-03-02T12:15"}, 4),
        ({"until": "2026-03-02T12:15Z"}, 2),
        ({"since": "", "until": "", "job": "", "q": ""}, 6),
    ],
)
def test_it_finds(mixed: Visitor, query: dict[str, str], found: int) -> None:
    assert len(numbers(mixed.html(PAGE, **query))) == found


def test_it_says_what_it_searched(mixed: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "of all runs that ended otherwise than well" in mixed.reads(PAGE, q="shop")
    monkeypatch.setattr("scheduled.store.run_lists.find_runs", partial(run_lists.find_runs, most=2))
    page = mixed.html(PAGE, q="shop")
    assert len(numbers(page)) == 2
    assert "down to run" in words_of(page)
    assert "Search further back" in words_of(page)
    assert len(numbers(mixed.html(PAGE, q="shop", before=numbers(page)[-1]))) == 1


def test_it_turns_pages_that_hold_still(shop: World, visit: Come) -> None:
    shop.start("every minute")
    shop.crank.advance(minutes=59)
    ann = visit()
    first = ann.html(PAGE)
    assert (numbers(first)[0], len(numbers(first))) == ("60", 50)
    shop.crank.advance(minutes=5)
    older = ann.html(PAGE, before=numbers(first)[-1])
    assert numbers(older) == [str(number) for number in range(10, 0, -1)]
    assert "Older" not in words_of(older)


def test_it_is_live_on_the_first_page_only(mixed: Visitor) -> None:
    assert 'hx-trigger="news' in mixed.html(PAGE)
    assert 'hx-trigger="news' not in mixed.html(PAGE, before=4)


def test_it_teaches_the_next_step_when_there_is_nothing(shop: World, visit: Come) -> None:
    shop.start(enabled_by_default=False)
    assert "Nothing has run yet." in visit().reads(PAGE)
    assert "No run fits." in visit().reads(PAGE, job="other")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"status": "FAILD"}, "did you mean 'FAILED'"),
        ({"last": "1y"}, "last is 1h, 24h, 7d, 30d"),
        ({"since": "soon"}, "which is no instant"),
        ({"before": "x"}, "the number of a row"),
    ],
)
def test_it_says_what_is_wrong_with_an_address(mixed: Visitor, query: dict[str, str], told: str) -> None:
    answer = mixed.get(PAGE, **query)
    assert answer.status_code == 400
    assert told in words_of(answer.text)


def test_what_a_job_raises_is_no_markup(shop: World, visit: Come) -> None:
    def fail() -> None:
        raise ValueError("<img src=x onerror=alert(1)>")

    shop.job("broken", fail)
    shop.start()
    shop.crank.run_due()
    assert "&lt;img src=x" in visit().html(PAGE, q="<img")
