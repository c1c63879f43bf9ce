"""The admin by keyboard alone."""

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from tests.prove.browser.conftest import PATIENCE_MS, Admin

pytestmark = pytest.mark.prove

CONTROLS = (
    "[...document.querySelectorAll('main a[href], main button, main input:not([type=hidden])')]"
    ".filter(element => element.type !== 'radio' || element.checked)"
)
"""Of radio buttons that belong together, the one that is chosen is a stop of the Tab key."""


@pytest.mark.parametrize("path", ["schedules", "runs"])
def test_a_slash_goes_to_the_search(page: Page, path: str) -> None:
    page.goto(f"/admin/{path}")
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()


@pytest.mark.parametrize("path", ["schedules/steady", "workers", "account"])
def test_a_slash_opens_the_palette_where_there_is_no_search(page: Page, path: str) -> None:
    page.goto(f"/admin/{path}")
    page.keyboard.press("/")
    expect(page.get_by_role("dialog").get_by_role("combobox")).to_be_focused()
    expect(page.get_by_role("combobox", name="Go to, or do")).to_have_value("")


def test_a_question_mark_lists_the_keys(page: Page) -> None:
    page.goto("/admin/schedules")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Ctrl")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize(
    ("keys", "path"), [("gt", "timeline"), ("gr", "runs"), ("gw", "workers"), ("ge", "events")]
)
def test_two_letters_go_to_a_page(page: Page, keys: str, path: str) -> None:
    page.goto("/admin/schedules")

    def go(within_ms: float) -> None:
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_url(f"**/admin/{path}", timeout=within_ms)

    try:
        go(5000)
    except TimeoutError:  # the first is forgotten, where a machine stands still between the two
        go(PATIENCE_MS)


def test_the_palette_finds_a_schedule(page: Page) -> None:
    page.goto("/admin/runs")
    page.keyboard.press("Control+k")
    page.keyboard.type("steady")
    expect(page.get_by_role("dialog").get_by_role("option").first).to_contain_text("Steady")
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/schedules/steady")


def test_no_key_is_taken_while_somebody_types(page: Page) -> None:
    page.goto("/admin/schedules")
    page.keyboard.press("/")
    page.keyboard.type("gt?")
    expect(page.locator("[data-search]")).to_have_value("gt?")
    assert "/admin/schedules" in page.url


def test_every_control_of_a_page_is_reached_by_tab(page: Page, admin: Admin) -> None:
    page.goto("/admin/schedules/broken")
    wanted = page.evaluate(f"{CONTROLS}.filter(element => element.checkVisibility()).length")
    reached = set()
    for _ in range(wanted + 60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate(f"{CONTROLS}.indexOf(document.activeElement)"))
    assert len(reached - {-1}) >= wanted > 5
