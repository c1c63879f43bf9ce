"""The timeline, moved and zoomed by hand: by keys, by dragging, and by links where no script runs."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.prove.browser.conftest import Admin

pytestmark = pytest.mark.prove
DAY = "/admin/timeline?span=day&zone=UTC"


def window(page: Page) -> tuple[datetime, timedelta]:
    """When what is shown begins, and how long it is."""
    chart = page.locator("#chart")
    since, until = (
        datetime.fromisoformat(chart.get_attribute(f"data-{name}") or "") for name in ("since", "until")
    )
    return since, until - since


def settle(page: Page, since: datetime) -> None:
    """Wait until it shows what was asked for, which does not begin at `since`."""
    chart = page.locator("#chart")
    expect(chart).not_to_have_attribute("data-since", since.isoformat())
    expect(chart).not_to_have_attribute("aria-busy", "true")


def moved(page: Page, act: Callable[[], object]) -> tuple[timedelta, float]:
    """By how much what is shown has moved, and how many times as long it is."""
    since, long = window(page)
    act()
    settle(page, since)
    later, longer = window(page)
    return later - since, longer / long


def test_keys_move_and_zoom_it(page: Page) -> None:
    page.goto(DAY)
    page.locator("#chart").focus()
    assert moved(page, lambda: page.keyboard.press("ArrowLeft")) == (timedelta(hours=-6), 1)
    assert moved(page, lambda: page.keyboard.press("ArrowRight")) == (timedelta(hours=6), 1)
    assert moved(page, lambda: page.keyboard.press("+")) == (timedelta(hours=6), 0.5)
    assert moved(page, lambda: page.keyboard.press("-")) == (timedelta(hours=-6), 2)
    expect(page.locator("#chart")).to_be_focused()


def drag(page: Page, *, rests: bool = False) -> None:
    """Draw the chart to the right by a quarter of its width."""
    box = page.locator(".under").bounding_box()
    assert box is not None
    since, _ = window(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + 20
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] / 8, y, steps=5)
    if rests:
        settle(page, since)
    page.mouse.move(x + box["width"] / 4, y, steps=5)
    page.mouse.up()


@pytest.mark.parametrize("rests", [False, True])
def test_dragging_moves_it_and_opens_nothing(page: Page, rests: bool) -> None:
    page.goto(DAY)
    by, times = moved(page, lambda: drag(page, rests=rests))
    assert timedelta(hours=-6, minutes=-5) < by < timedelta(hours=-5, minutes=-55)
    assert times == 1
    assert "/admin/timeline" in page.url


def test_the_wheel_zooms_where_it_points(page: Page) -> None:
    page.goto(DAY)
    box = page.locator(".under").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 1, box["y"] + 20)
    page.keyboard.down("Control")
    by, times = moved(page, lambda: page.mouse.wheel(0, -100))
    page.keyboard.up("Control")
    assert times < 1
    assert timedelta(0) <= by < timedelta(minutes=5)


def fingers(page: Page, *strokes: list[float]) -> None:
    """Put fingers on the first places (shares of the width), draw them through the others, and lift them."""
    box = page.locator(".under").bounding_box()
    assert box is not None
    devtools = page.context.new_cdp_session(page)
    steps = zip(*strokes, strict=True)
    for kind, places in zip(["touchStart", *["touchMove"] * (len(strokes[0]) - 1)], steps, strict=True):
        points = [
            {"x": box["x"] + share * box["width"], "y": box["y"] + 20, "id": number}
            for number, share in enumerate(places)
        ]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


@pytest.mark.parametrize("context", [{"has_touch": True}], indirect=True)
def test_a_finger_moves_it(page: Page) -> None:
    page.goto(DAY)
    by, times = moved(page, lambda: fingers(page, [0.5, 0.55, 0.65, 0.75]))
    assert timedelta(hours=-6, minutes=-5) < by < timedelta(hours=-5, minutes=-55)
    assert times == 1


@pytest.mark.parametrize("context", [{"has_touch": True}], indirect=True)
def test_two_fingers_zoom_it_about_their_middle(page: Page) -> None:
    page.goto(DAY)
    by, times = moved(page, lambda: fingers(page, [0.4, 0.35, 0.3], [0.6, 0.65, 0.7]))
    assert 0.49 < times < 0.51
    assert timedelta(hours=5, minutes=55) < by < timedelta(hours=6, minutes=5)


def test_what_was_moved_stands_in_the_address(page: Page) -> None:
    page.goto(DAY)
    page.locator("#chart").focus()
    moved(page, lambda: page.keyboard.press("ArrowLeft"))
    before = window(page)
    page.reload()
    assert window(page) == before


def test_a_bar_leads_to_its_occurrence(page: Page, admin: Admin) -> None:
    admin.wait_for_row("SELECT id FROM occurrence WHERE schedule_id = 'steady' AND status = 'COMPLETED'")
    page.goto("/admin/timeline?span=hour&zone=UTC&q=steady")
    page.locator(".lane svg a").first.click()
    page.wait_for_url(lambda url: "since=" in url or "/admin/occurrences/" in url)


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True)
def test_links_move_and_zoom_it_without_scripts(page: Page) -> None:
    page.goto(DAY)
    assert moved(page, lambda: page.get_by_role("link", name="Earlier").click()) == (timedelta(days=-1), 1)
    assert moved(page, lambda: page.get_by_role("link", name="Week").click())[1] == 7
    assert moved(page, lambda: page.get_by_role("link", name="Zoom in").click())[1] == 0.5
    page.get_by_text("The same in words").click()
    expect(page.get_by_role("cell", name="Steady work")).to_be_visible()


@pytest.mark.parametrize("context", [{"timezone_id": "Europe/Riga", "locale": "de-DE"}], indirect=True)
def test_it_is_in_the_readers_own_time_zone_and_words(page: Page) -> None:
    page.goto("/admin/timeline?span=week")
    page.wait_for_url("**zone=Europe%2FRiga")
    expect(page.locator(".axis text.major").first).to_contain_text(".")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Riga")
