"""Sentences on a page: what they name is linked, and nothing in them is markup."""

from collections.abc import Callable

import pytest
from starlette.requests import Request

from scheduled.web.rendering import environment
from tests.conftest import World
from tests.web.conftest import Visitor


@pytest.fixture
def told(ann: Visitor, shop: World) -> Callable[[str], str]:
    """The sentence as a page has it."""
    scope = {"type": "http", "app": ann.app, "root_path": "/ops", "path": "/ops/admin", "headers": []}

    def say(text: str) -> str:
        return environment().from_string("{{ text|told }}").render(text=text, request=Request(scope))

    return say


def test_it_begins_with_a_capital_letter(told: Callable[[str], str]) -> None:
    assert told("it is off") == "It is off"


@pytest.mark.parametrize(
    "text", ["match-orders failed", "work (run x) failed", "web-1/4121 was lost", "a.b is", ""]
)
def test_names_stay_as_they_are(told: Callable[[str], str], text: str) -> None:
    assert told(text) == text


def test_it_links_occurrences_and_runs(told: Callable[[str], str]) -> None:
    assert told("see occurrence 7") == 'See <a href="/ops/admin/occurrences/7">occurrence 7</a>'
    assert told("the job (run 12) failed") == 'The job (<a href="/ops/admin/runs/12">run 12</a>) failed'


def test_it_shows_code_and_instants_as_such(told: Callable[[str], str]) -> None:
    assert told("start `scheduled run`") == "Start <code>scheduled run</code>"
    at = told("at 2026-03-02T12:00:00Z exactly")
    assert at == (
        'At <time datetime="2026-03-02T12:00:00Z" data-as="full">2026-03-02 12:00:00 UTC</time> exactly'
    )


def test_nothing_in_it_is_markup(told: Callable[[str], str]) -> None:
    assert told("`<b>` and <i>") == "<code>&lt;b&gt;</code> and &lt;i&gt;"
