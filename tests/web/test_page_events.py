"""The audit: who changed what should run, when and why."""

import pytest

from scheduled.store import audit_log
from scheduled.store.held import Held
from scheduled.store.schedules import add_event
from scheduled.web.auditing import changes, line
from tests.conftest import NOON, World
from tests.web.conftest import Come, Visitor, words_of

PAGE = "/admin/events"


@pytest.fixture
def held(shop: World, ann: Visitor) -> Held:
    return shop.crank.parts.engine.held


def rows(page: str) -> int:
    return page.count('<tr id="event-')


def test_it_tells_who_did_what_and_why(shop: World, ann: Visitor) -> None:
    shop.crank.disable("it", reason="the shop moves")
    page = ann.reads(PAGE)
    assert "it disabled was switched off the shop moves" in page
    assert "it added was added to the code, switched on" in page


def test_it_leads_to_the_occurrence_that_was_asked_for(shop: World, ann: Visitor) -> None:
    occurrence_id = shop.crank.trigger("it", tenant="a")
    page = ann.html(PAGE)
    assert f'href="/admin/occurrences/{occurrence_id}">occurrence {occurrence_id}</a>' in page
    assert '{"tenant": "a"}' in words_of(page)


def test_it_shows_what_changed_in_a_definition(shop: World, ann: Visitor) -> None:
    shop.crank.stop()
    shop.crank.start(shop.registry(shop.schedule("30 * * * *")))
    page = ann.reads(PAGE)
    assert "was changed in the code cron from 0 * * * * → to 30 * * * *" in page


def test_a_difference_is_of_the_parts_that_differ() -> None:
    found = list(
        changes(
            {"cron": "* * * * *", "jobs": ["a"], "group": None}, {"cron": "* * * * *", "jobs": ["a", "b"]}
        )
    )
    assert [(change.name, change.before, change.after) for change in found] == [("jobs", "a", "a, b")]


def test_an_event_that_is_not_known_is_told_by_its_name() -> None:
    told = line({"event": "moon_rose", "data": {"from": "east", "to": {"at": 3}}})
    assert told.told == "moon rose"
    assert told.facts == (("from", "east"), ("to", '{"at": 3}'))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"schedule": "it"}, 3),
        ({"schedule": "that"}, 0),
        ({"event": "disabled"}, 1),
        ({"actor": "TES"}, 2),
        ({"actor": "%"}, 0),
        ({"schedule": "", "event": "", "actor": ""}, 3),
    ],
)
def test_it_finds(shop: World, ann: Visitor, query: dict[str, str], found: int) -> None:
    shop.crank.disable("it")
    shop.crank.enable("it")
    assert rows(ann.html(PAGE, **query)) == found


def test_it_turns_pages_that_hold_still(held: Held, ann: Visitor) -> None:
    for _ in range(60):
        add_event(held, "it", "enabled", NOON, "bob")
    first = ann.html(PAGE)
    assert rows(first) == 50
    add_event(held, "it", "enabled", NOON, "bob")
    older = first.partition('rel="next" href="')[2].partition('"')[0]
    assert rows(ann.html(older)) == 11


def test_it_says_how_far_it_searched(held: Held, ann: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        add_event(held, "it", "enabled", NOON, f"bob-{number}")
    few = audit_log.lines
    monkeypatch.setattr("scheduled.store.audit_log.lines", lambda *given, **more: few(*given, **more, most=4))
    page = ann.html(PAGE, actor="bob-1")
    assert rows(page) == 0
    assert "Searched down to event 7." in words_of(page)
    older = page.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert rows(ann.html(older)) == 1


def test_secrets_are_hidden(shop: World, ann: Visitor) -> None:
    shop.crank.trigger("it", password="hunter2")
    assert "hunter2" not in ann.html(PAGE)


def test_it_teaches_when_there_is_nothing(shop: World, visit: Come) -> None:
    shop.start()
    with shop.crank.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM schedule_event")
    page = visit().reads(PAGE)
    shop.crank.disable()  # for the law of the ledger, which asks since when it is known
    assert "Nothing has happened yet." in page
