"""A browser in front of a real daemon: headless Chromium, logged in as somebody."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.acceptance.conftest import Place

SILENT = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PASSWORD = "correct horse battery"
DEFINITIONS = '''
import time
from pathlib import Path
from scheduled import JobContext, Schedule, SkipJob, job

@job(group="steady")
def works() -> dict:
    """Does its work."""
    print("it works")
    return {"rows": 3, "api_key": "sesame-open"}

@job(group="steady", depends_on=["works"])
def counts(ctx: JobContext) -> int:
    return 4

@job(group="broken")
def fails() -> None:
    """Fails unless a file says otherwise."""
    if not Path("mended").exists():
        raise ValueError("no <b>such</b> table, password=hunter2")

@job(group="broken")
def goes_well() -> str:
    return "well"

@job(group="broken", depends_on=["fails"])
def after_it() -> None:
    pass

@job(group="slow")
def counts_slowly(ctx: JobContext) -> None:
    """Counts until a file says that it is enough."""
    for number in range(1, 601):
        print(f"line {number}", flush=True)
        ctx.progress(number, 600)
        if Path("enough").exists():
            return
        time.sleep(0.1)

@job(group="hostile")
def prints_markup() -> None:
    print("<script>document.title = 'stolen'</script>\\x1b[31mred\\x1b[0m")
    raise RuntimeError("<img src=x onerror=alert(1)>")

schedules = [
    Schedule(id="steady", name="Steady work", description="Every second", cron="every second",
             mode="GROUP", group="steady", enabled_by_default=True),
    Schedule(id="broken", name="Broken", cron="0 2 * * *", timezone="Europe/Riga", mode="GROUP",
             group="broken", enabled_by_default=True),
    Schedule(id="slow", name="Slow", cron="0 0 1 1 *", mode="GROUP", group="slow"),
    Schedule(id="hostile", name="Hostile <i>name</i>", cron="0 0 1 1 *", mode="GROUP", group="hostile"),
]
'''


def chromium() -> str | None:
    """Where Chromium is; None if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Admin(Place):
    """A daemon that serves the admin, and people who may use it."""

    url = ""

    def serve(self, *people: tuple[str, str]) -> None:
        """Start it, for these names in these roles."""
        assert self.call("db", "upgrade").returncode == 0
        for name, role in people:
            self.add(name, role)
        self.start("--web", "127.0.0.1:0")
        started = self.wait_for(lambda: self.events("web.started"))[0]
        self.url = str(started["url"]).removesuffix("/admin/schedules")

    def add(self, name: str, role: str) -> None:
        import subprocess
        import sys

        argv = [sys.executable, "-m", "scheduled", "user", "add", name, "--role", role, "--password-stdin"]
        done = subprocess.run(
            argv, cwd=self.folder, env=self.env, input=PASSWORD, text=True, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = chromium()
    if found is None:
        told = "there is no Chromium here: install Debian's package `chromium`"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(told)
        pytest.skip(told)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=SILENT)
        yield started
        started.close()


@pytest.fixture(scope="session")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    """One daemon for all tests: they change different schedules."""
    place = Admin(tmp_path_factory.mktemp("admin"))
    place.env["SCHEDULE_ENV"] = "production"
    place.define(DEFINITIONS)
    place.serve(("ada", "ADMIN"), ("olga", "OPERATOR"), ("vic", "VIEWER"))
    yield place
    for daemon in place.daemons:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(timeout=30) == 0
    place.end()


def log_in(page: Page, name: str = "ada") -> None:
    """As somebody does who came to a page without being logged in."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/schedules**")


@pytest.fixture(scope="session")
def cookies(browser: Browser, admin: Admin) -> dict[str, Any]:
    """What the browser keeps of somebody who has logged in; by their name."""
    kept: dict[str, Any] = {}
    for name in ("ada", "olga", "vic"):
        with browser.new_context(base_url=admin.url) as context:
            page = context.new_page()
            page.goto("/admin/schedules")
            log_in(page, name)
            kept[name] = context.storage_state()
    return kept


@pytest.fixture
def errors() -> list[str]:
    """What the browser complained of; none at the end of a test."""
    return []


@pytest.fixture
def context(
    request: pytest.FixtureRequest, browser: Browser, admin: Admin, cookies: dict[str, Any]
) -> Iterator[BrowserContext]:
    """A window; a test may ask for another one by `@pytest.mark.parametrize("context", …, indirect=True)`."""
    options = {"who": "ada", **getattr(request, "param", {})}
    state = cookies.get(options.pop("who"))  # None: nobody is logged in
    with browser.new_context(base_url=admin.url, storage_state=state, **options) as made:
        made.set_default_timeout(PATIENCE_MS)
        yield made


@pytest.fixture
def page(context: BrowserContext, errors: list[str]) -> Iterator[Page]:
    made = context.new_page()
    made.on("pageerror", lambda error: errors.append(str(error)))
    made.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    yield made
    assert errors == []


def shot(page: Page, folder: Path, name: str) -> None:
    """A picture of the page, for those who come to look."""
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
