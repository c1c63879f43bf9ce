"""Every page, as axe-core judges it: in light and dark, wide and narrow."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.prove.browser.conftest import Admin

pytestmark = pytest.mark.prove

LOOKS: list[dict[str, Any]] = [
    {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    for scheme in ("light", "dark")
    for width in (360, 1280)
]
LOOKS.append({"color_scheme": "light", "viewport": {"width": 2560, "height": 1400}})
PAGES = (
    "schedules", "schedules/steady", "schedules/broken", "schedules/broken/run", "schedules/broken/disable",
    "timeline", "timeline?span=hour", "runs", "workers", "events", "account", "users", "schedules/none-such",
)  # fmt: skip


def named(look: dict[str, Any]) -> str:
    return "-".join(map(str, look.values()))


@pytest.fixture
def lived(admin: Admin) -> Admin:
    """Something ran, and something failed."""
    if not admin.value("SELECT id FROM occurrence WHERE schedule_id = 'broken' AND status = 'FAILED'"):
        assert admin.call("trigger", "broken", "--wait").returncode == 1
    return admin


def newest(admin: Admin, table: str, schedule: str) -> int:
    return int(admin.value(f"SELECT max(id) FROM {table} WHERE schedule_id = '{schedule}'"))


def found_in(page: Page) -> str:
    result = Axe().run(page)
    return str(result.generate_report()) if result.violations_count else ""


def forget_what_is_missing(errors: list[str]) -> None:
    """A browser tells of a page that is not there as of an error."""
    errors[:] = [error for error in errors if "404" not in error]


@pytest.mark.parametrize("context", LOOKS, indirect=True, ids=named)
def test_axe_finds_nothing_in_a_dialog(page: Page, lived: Admin) -> None:
    page.goto("/admin/schedules/broken")
    page.get_by_role("link", name="Run now").first.click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Run now")).to_be_visible()
    assert found_in(page) == ""


@pytest.mark.parametrize("context", [look | {"who": None} for look in LOOKS], indirect=True, ids=named)
def test_axe_finds_nothing_in_the_login(page: Page) -> None:
    page.goto("/admin/schedules")
    expect(page.get_by_label("Password")).to_be_visible()
    assert found_in(page) == ""


@pytest.mark.parametrize("context", LOOKS, indirect=True, ids=named)
def test_axe_finds_nothing(page: Page, lived: Admin, errors: list[str]) -> None:
    ids = (
        f"occurrences/{newest(lived, 'occurrence', 'broken')}",
        f"runs/{newest(lived, 'job_run', 'broken')}",
    )
    found = {}
    for path in (*PAGES, *ids):
        page.goto(f"/admin/{path}")
        if report := found_in(page):
            found[path] = report
    assert found == {}
    forget_what_is_missing(errors)


@pytest.mark.parametrize("context", LOOKS, indirect=True, ids=named)
def test_no_page_is_wider_than_the_window(page: Page, lived: Admin, errors: list[str]) -> None:
    ids = (
        f"occurrences/{newest(lived, 'occurrence', 'broken')}",
        f"runs/{newest(lived, 'job_run', 'broken')}",
    )
    wide = []
    for path in (*PAGES, *ids):
        page.goto(f"/admin/{path}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(path)
    assert wide == []
    forget_what_is_missing(errors)
