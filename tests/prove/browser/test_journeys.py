"""What people come to the admin for, done in a browser before a real daemon."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.prove.browser.conftest import DEFINITIONS, PASSWORD, Admin, log_in

pytestmark = pytest.mark.prove

NEWEST = "SELECT max(id) FROM occurrence WHERE schedule_id = '{}'"


@pytest.fixture
def slow(admin: Admin) -> Iterator[Path]:
    """The slow schedule, whose job counts until this file is there."""
    enough = admin.folder / "enough"
    enough.unlink(missing_ok=True)
    yield enough
    enough.touch()
    admin.wait_for(lambda: not admin.rows("SELECT 1 FROM occurrence WHERE status = 'RUNNING' LIMIT 1"))


def run_now(page: Page, schedule: str) -> None:
    """As from the page of the schedule: in a dialog, and on to the page of the occurrence."""
    page.goto(f"/admin/schedules/{schedule}")
    page.get_by_role("link", name="Run now").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Run now").click()
    page.wait_for_url("**/admin/occurrences/*")


def test_switching_off_asks_why_and_takes_effect_at_once(page: Page, admin: Admin) -> None:
    page.goto("/admin/schedules")
    page.get_by_role("link", name="switch Broken off").click()
    page.get_by_label("Why?").fill("the table is gone")
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("button", name="switch Broken on")).to_be_visible()
    event = "SELECT actor, reason FROM schedule_event WHERE schedule_id = 'broken' AND event = 'disabled'"
    assert admin.rows(event)[-1] == ("ada", "the table is gone")
    page.get_by_role("button", name="switch Broken on").click()
    expect(page.get_by_role("link", name="switch Broken off")).to_be_visible()
    assert admin.value("SELECT enabled FROM job_schedule WHERE id = 'broken'") == 1


def test_a_run_is_watched_live(page: Page, slow: Path) -> None:
    run_now(page, "slow")
    expect(page.get_by_text(re.compile("line 1\\d\\b")).first).to_be_visible()
    expect(page.get_by_role("progressbar").first).to_be_visible()
    slow.touch()
    expect(page.locator("main .outcome.completed").first).to_be_visible()
    expect(page.locator("main .outcome.running")).to_have_count(0)


def test_a_run_is_cancelled(page: Page, slow: Path) -> None:
    run_now(page, "slow")
    expect(page.locator("main .outcome.running").first).to_be_visible()
    page.get_by_role("button", name=re.compile("^Cancel")).first.click()
    expect(page.locator("main .outcome.cancelled").first).to_be_visible()


def test_what_failed_runs_again_from_there_on(page: Page, admin: Admin) -> None:
    run_now(page, "broken")
    expect(page.locator("main .outcome.failed").first).to_be_visible()
    first = admin.value(NEWEST.format("broken"))
    (admin.folder / "mended").touch()
    page.get_by_role("button", name=re.compile("failed")).first.click()
    page.wait_for_url(lambda url: not url.endswith(f"/{first}"))
    again = admin.wait_for_row(
        f"SELECT id FROM occurrence WHERE id > {first} AND status = 'COMPLETED' AND schedule_id = 'broken'"
    )
    (admin.folder / "mended").unlink()
    expect(page.locator("main .outcome.completed").first).to_be_visible()
    ran = f"SELECT job_name FROM job_run WHERE occurrence_id = {again} AND status = 'COMPLETED' ORDER BY id"
    assert admin.rows(ran) == [("fails",), ("after-it",)]


def test_the_list_is_live(page: Page, admin: Admin) -> None:
    page.goto("/admin/schedules")
    tally = page.locator("#row-steady .tally")
    before = tally.inner_text()
    expect(tally).not_to_have_text(before)


def test_what_jobs_say_is_text(page: Page, admin: Admin) -> None:
    run_now(page, "hostile")
    expect(page.locator("main .outcome.failed").first).to_be_visible()
    run = admin.value("SELECT max(id) FROM job_run WHERE schedule_id = 'hostile'")
    page.goto(f"/admin/runs/{run}")
    expect(page.get_by_text("<script>document.title = 'stolen'</script>").first).to_be_visible()
    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert "stolen" not in page.title()
    assert page.locator("main img").count() == 0


def test_secrets_are_hidden(page: Page, admin: Admin) -> None:
    admin.call("trigger", "broken", "--param", "api_token=sesame-open", "--wait")
    page.goto(f"/admin/occurrences/{admin.value(NEWEST.format('broken'))}")
    expect(page.locator("main")).to_contain_text("api_token")
    expect(page.locator("main")).not_to_contain_text("sesame-open")
    expect(page.locator("main")).not_to_contain_text("hunter2")


def test_somebody_logs_out_and_in(browser: Browser, admin: Admin) -> None:
    with browser.new_context(base_url=admin.url) as context:
        page = context.new_page()
        page.goto("/admin/events?event=added")
        assert "/admin/login" in page.url
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill("wrong, but long enough")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Name").fill("ada")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/admin/events?event=added")
        page.get_by_role("link", name="ada").click()
        page.get_by_role("button", name="Log out").first.click()
        page.goto("/admin/schedules")
        assert "/admin/login" in page.url


@pytest.mark.parametrize("context", [{"who": "vic"}], indirect=True, ids=["viewer"])
def test_a_viewer_sees_no_switches(page: Page) -> None:
    page.goto("/admin/schedules")
    expect(page.get_by_role("link", name="Steady work", exact=True)).to_be_visible()
    assert page.get_by_text("Run now").count() == 0
    for role in ("button", "link", "switch"):
        assert page.get_by_role(role, name=re.compile("switch")).count() == 0


@pytest.mark.parametrize("context", [{"who": "vic"}], indirect=True, ids=["viewer"])
def test_a_viewer_switches_nothing(page: Page, admin: Admin) -> None:
    page.goto("/admin/account")
    csrf = page.locator("input[name=csrf]").first.get_attribute("value")
    answer = page.request.post("/admin/schedules/slow/enable", form={"csrf": csrf or ""})
    assert answer.status == 403
    assert "needs the role OPERATOR" in answer.text()
    assert admin.value("SELECT enabled FROM job_schedule WHERE id = 'slow'") == 0


@pytest.mark.parametrize("context", [{"java_script_enabled": False}], indirect=True, ids=["no-scripts"])
def test_it_reads_switches_and_runs_without_scripts(page: Page, admin: Admin) -> None:
    page.goto("/admin/schedules")
    page.get_by_role("link", name="switch Steady work off").click()
    page.get_by_label("Why?").fill("quiet, please")
    page.get_by_role("button", name="Switch it off").click()
    assert admin.value("SELECT enabled FROM job_schedule WHERE id = 'steady'") == 0
    page.get_by_role("button", name="switch Steady work on").click()
    assert admin.value("SELECT enabled FROM job_schedule WHERE id = 'steady'") == 1
    page.get_by_role("link", name="Run now Steady work").click()
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url("**/admin/occurrences/*")
    admin.wait_for(lambda: admin.value(NEWEST.format("steady") + " AND \"trigger\" = 'MANUAL'"))


@pytest.mark.parametrize(
    "context", [{"locale": "de-DE", "timezone_id": "Asia/Tokyo"}], indirect=True, ids=["German in Tokyo"]
)
def test_instants_are_shown_by_the_readers_clock_and_locale(page: Page, admin: Admin) -> None:
    page.goto("/admin/events")
    title = page.locator("main time[data-as]").first.get_attribute("title") or ""
    year = datetime.now(ZoneInfo("Asia/Tokyo")).year
    assert re.match(rf"\d{{2}}\.\d{{2}}\.{year}, \d{{2}}:\d{{2}}:\d{{2}}", title)


def test_the_first_user_lets_themselves_in(browser: Browser, tmp_path: Path) -> None:
    place = Admin(tmp_path)
    place.define(DEFINITIONS)
    try:
        place.serve()
        (said,) = place.wait_for(lambda: place.events("web.setup"))
        code = re.search(r"code=([\w-]+)", str(said))
        with browser.new_context(base_url=place.url) as context:
            page = context.new_page()
            page.goto("/admin/schedules")
            page.get_by_label("Code").fill(str(said.get("code") or (code and code[1])))
            page.get_by_label("Name").fill("grace")
            page.get_by_label("Password", exact=True).fill(PASSWORD)
            page.get_by_label("Password again").fill(PASSWORD)
            page.get_by_role("button", name="Let me in").click()
            expect(page.get_by_role("link", name="grace")).to_be_visible()
        assert place.rows("SELECT name, role FROM admin_user") == [("grace", "ADMIN")]
    finally:
        place.end()


def test_a_new_password_ends_other_logins(browser: Browser, admin: Admin) -> None:
    admin.add("petra", "VIEWER")
    with browser.new_context(base_url=admin.url) as here, browser.new_context(base_url=admin.url) as there:
        for window in (here, there):
            page = window.new_page()
            page.goto("/admin/schedules")
            log_in(page, "petra")
        page = here.pages[0]
        page.goto("/admin/account")
        page.get_by_label("Current password").fill(PASSWORD)
        page.get_by_label("New password", exact=True).fill("staple battery horse")
        page.get_by_label("New password again").fill("staple battery horse")
        page.get_by_role("button", name="Change it").click()
        other = there.pages[0]
        other.goto("/admin/schedules")
        assert "/admin/login" in other.url


def test_it_pauses_while_nobody_looks(page: Page, admin: Admin) -> None:
    page.goto("/admin/schedules")
    tally = page.locator("#row-steady .tally")
    expect(tally).not_to_have_text(tally.inner_text())
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    for _ in range(5):  # what had been asked for still comes
        before = tally.inner_text()
        page.wait_for_timeout(3000)
        if tally.inner_text() == before:
            break
    else:
        pytest.fail("it goes on although nobody looks")
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: false, configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    expect(tally).not_to_have_text(before)


def test_a_token_is_made_used_and_revoked(page: Page, admin: Admin) -> None:
    page.goto("/admin/account")
    page.get_by_label("New token, for").fill("deploys")
    page.get_by_role("combobox", name="Role").select_option("VIEWER")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_role("status").locator("pre").inner_text()
    bearer = {"Authorization": f"Bearer {token}"}
    schedules = f"{admin.url}/api/schedules"
    assert httpx.get(schedules, headers=bearer).json()["items"][0]["id"] == "broken"
    asked = httpx.post(f"{schedules}/broken/trigger", headers=bearer, json={})
    assert (asked.status_code, asked.headers["content-type"]) == (403, "application/problem+json")
    page.goto("/admin/account")
    expect(page.get_by_text(token)).to_have_count(0)
    page.get_by_title("Revoke deploys").click()
    expect(page.get_by_text("revoked", exact=True)).to_be_visible()
    assert httpx.get(schedules, headers=bearer).status_code == 401


def test_runs_are_searched_as_one_types(page: Page, admin: Admin) -> None:
    run_now(page, "broken")
    expect(page.locator("main .outcome.failed").first).to_be_visible()
    page.goto("/admin/runs")
    others = page.locator("main tr", has_text="goes-well")
    expect(others.first).to_be_visible()
    page.get_by_label("Text of the error").press_sequentially("such</b> tab")
    page.wait_for_url("**q=such**")
    expect(others).to_have_count(0)
    rows = page.locator("main a.whole")
    expect(rows.first).to_be_visible()
    found = {href.rpartition("/")[2] for row in rows.all() if (href := row.get_attribute("href"))}
    failed = admin.rows("SELECT id FROM job_run WHERE job_name = 'fails' AND status = 'FAILED'")
    assert found <= {str(row[0]) for row in failed}
    expect(page.get_by_label("Text of the error")).to_be_focused()
    page.get_by_label("Job").fill("works")
    expect(page.get_by_text("No run fits.")).to_be_visible()


def hold(page: Page, address: str) -> list[Route]:
    """Keep what is asked for there from being answered, until `continue_()`."""
    held: list[Route] = []
    page.route(re.compile(address), lambda route: held.append(route))
    return held


def wait_for(page: Page, held: list[Route]) -> Route:
    while not held:
        page.wait_for_timeout(20)
    return held[0]


def test_news_asked_for_before_a_search_do_not_undo_it(page: Page) -> None:
    run_now(page, "broken")
    expect(page.locator("main .outcome.failed").first).to_be_visible()
    page.goto("/admin/runs")
    news = wait_for(page, hold(page, r"/admin/runs$"))
    page.get_by_label("Text of the error").fill("such</b> tab")
    others = page.locator("main tr", has_text="goes-well")
    expect(others).to_have_count(0)
    page.evaluate(
        "new MutationObserver(() => window.undone ||= document.body.textContent.includes('goes-well'))"
        ".observe(document.body, {childList: true, subtree: true, characterData: true})"
    )
    with page.expect_response(re.compile("q=such")):
        news.continue_()
    assert not page.evaluate("window.undone")


def test_what_is_typed_while_an_answer_comes_is_searched_for(page: Page) -> None:
    page.goto("/admin/runs")
    said = page.get_by_label("Text of the error")
    held = hold(page, r"q=su(&|$)")
    said.fill("su")
    first = wait_for(page, held)
    said.fill("such")
    first.continue_()
    page.wait_for_url("**q=such**")


@pytest.mark.parametrize("context", [{"timezone_id": "Asia/Tokyo"}], indirect=True)
def test_what_comes_is_told_by_the_clocks_one_chooses(page: Page) -> None:
    page.goto("/admin/schedules/broken")
    first = page.locator(".coming li").first
    expect(first).to_contain_text("2:00:00")
    expect(first.locator(".offset")).to_have_text(re.compile(r"\+0[23]:00"))
    page.get_by_label("UTC", exact=True).check()
    expect(first.locator(".offset")).to_have_text("+00:00")
    page.get_by_label("Yours").check()
    expect(first.locator(".offset")).to_have_text("+09:00")
    page.reload()
    expect(page.get_by_label("Yours")).to_be_checked()
    expect(first.locator(".offset")).to_have_text("+09:00")
