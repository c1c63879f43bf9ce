"""What the scripts of every page find to work with."""

import re
from importlib.resources import files

import pytest

from scheduled.access.identity import Role
from tests.conftest import World
from tests.web.conftest import Come, Visitor


@pytest.mark.parametrize(("role", "may"), [(Role.VIEWER, False), (Role.OPERATOR, True), (Role.ADMIN, True)])
def test_the_palette_offers_deeds_to_those_who_may(shop: World, visit: Come, role: Role, may: bool) -> None:
    shop.start()
    assert ('data-may="run"' in visit(role).html("/admin/workers")) is may


def test_the_palette_finds_schedules(ann: Visitor) -> None:
    page = ann.html("/admin/workers")
    where = page.partition('data-find="')[2].partition('"')[0]
    assert [item["id"] for item in ann.get(where, q="it", limit=6).json()["items"]] == ["it"]


def test_each_page_that_a_key_leads_to_is_in_the_header(ann: Visitor) -> None:
    keys = files("scheduled.web").joinpath("static/keys.js").read_text()
    named = re.findall(r"\w: \"(\w+)\"", keys.partition("const PAGES = {")[2].partition("}")[0])
    page = ann.html("/admin/workers")
    assert len(named) == 5
    assert all(f'data-page="{name}"' in page for name in named)


@pytest.mark.parametrize("name", ["timeline", "runs", "events", "schedules"])
def test_slash_finds_a_search_on_it(ann: Visitor, name: str) -> None:
    assert ann.html(f"/admin/{name}").count("data-search") == 1


def test_no_page_has_scripts_or_styles_within(shop: World, ann: Visitor) -> None:
    shop.crank.down(hours=2)
    for name in ("timeline", "runs", "workers", "events"):
        page = ann.html(f"/admin/{name}")
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:", page)
        assert re.search(r"<h1[ >]", page)
