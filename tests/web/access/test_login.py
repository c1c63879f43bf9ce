"""Logging in and out."""

from datetime import timedelta

import pytest
from fastapi import FastAPI

from scheduled.access.users import User
from tests.access.conftest import GOOD, IDLE
from tests.web.access.conftest import Browser, Door, csrf_in


def test_who_knows_the_password_is_let_in(browser: Browser) -> None:
    answer = browser.login()
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/schedules")
    assert browser.is_logged_in


def test_who_does_not_is_told_so_and_no_more(browser: Browser) -> None:
    wrong, nobody = browser.login(password="wrong password"), browser.login(name="nobody")
    assert wrong.status_code == nobody.status_code == 401
    assert "the name or the password is wrong" in wrong.text
    assert "the name or the password is wrong" in nobody.text
    assert not browser.is_logged_in


def test_a_name_is_a_name_in_capitals_too(browser: Browser) -> None:
    assert browser.login(name=" ADA ").status_code == 303


def test_a_page_leads_to_the_login_and_back(browser: Browser) -> None:
    first = browser.get("/admin/runs?status=FAILED&q=a b")
    assert first.status_code == 303
    form = browser.get(first.headers["location"])
    assert 'name="next" value="/admin/runs?status=FAILED&amp;q=a%20b"' in form.text
    assert browser.login(next="/admin/runs?status=FAILED").headers["location"] == "/admin/runs?status=FAILED"


@pytest.mark.parametrize("elsewhere", [
    "https://evil.example/", "//evil.example/", "/\\evil.example/", "\\\\evil.example", "javascript:alert(1)",
    "/\t/evil.example/", "///evil.example", "evil.example", "/ /evil.example", "/admin\r\nSet-Cookie: a=b",
])  # fmt: skip
def test_it_leads_nowhere_else(browser: Browser, elsewhere: str) -> None:
    assert browser.login(next=elsewhere).headers["location"] == "/admin/schedules"


def test_what_was_to_be_changed_is_not_where_it_leads_back_to(browser: Browser) -> None:
    assert browser.post("/admin/account/tokens").headers["location"] == "/admin/login"


def test_the_cookie_is_out_of_reach(browser: Browser) -> None:
    cookie = browser.login().headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/;" in cookie
    assert "Secure" not in cookie


def test_behind_tls_the_cookie_is_for_tls_and_this_host_alone(door: Door) -> None:
    browser = door.browser(url="https://jobs.example")
    cookie = browser.login().headers["set-cookie"]
    assert cookie.startswith("__Host-scheduled_session=")
    assert "Secure" in cookie
    assert browser.is_logged_in


def test_each_login_has_a_new_cookie_and_ends_the_one_before(door: Door, browser: Browser) -> None:
    browser.login()
    before = browser.session
    assert browser.login().status_code == 303
    assert browser.session != before
    assert door.access.sessions.identify(str(before)) is None


def test_a_cookie_that_somebody_else_chose_is_never_taken(browser: Browser) -> None:
    browser.cookies.set("scheduled_session", "chosen by eve")
    assert "chosen by eve" not in browser.login().headers["set-cookie"]


def test_logging_out_ends_the_login_for_good(door: Door, at_home: Browser) -> None:
    cookie = str(at_home.session)
    answer = at_home.fill("/admin/account", "/admin/logout")
    assert answer.headers["location"] == "/admin/login"
    assert 'scheduled_session=""' in answer.headers["set-cookie"]
    assert door.access.sessions.identify(cookie) is None


def test_an_idle_login_ends(door: Door, at_home: Browser) -> None:
    assert at_home.is_logged_in
    door.access.clock.advance(seconds=IDLE.total_seconds())
    assert at_home.get("/admin/account").status_code == 303


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/admin/schedules", {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}),
        ("/admin/schedules", {"HX-Request": "true"}),
        ("/admin/pulse", {}),
    ],
    ids=["a script", "a script over plain HTTP", "the pulse over plain HTTP"],
)
def test_a_page_that_keeps_itself_fresh_is_no_use_of_a_login(
    at_home: Browser, door: Door, path: str, headers: dict[str, str]
) -> None:
    statuses = []
    for _ in range(9):
        statuses.append(at_home.get(path, headers=headers).status_code)
        door.access.clock.advance(hours=1)
    assert statuses == [200] * 8 + [303]


def test_somebody_who_goes_from_page_to_page_stays_logged_in(at_home: Browser, door: Door) -> None:
    for _ in range(9):
        door.access.clock.advance(hours=1)
        answer = at_home.get("/admin/schedules", headers={"Sec-Fetch-Mode": "navigate"})
        assert answer.status_code == 200


def test_the_settings_say_when_a_login_ends(door: Door, ada: User) -> None:
    stricter = Door(door.access, session_idle_ms=300_000, session_lifetime_ms=600_000)
    browser = stricter.browser()
    browser.login()
    door.access.clock.advance(seconds=timedelta(minutes=5).total_seconds())
    assert not browser.is_logged_in
    browser.login()
    for _ in range(3):
        door.access.clock.advance(minutes=3)
        browser.get("/admin/account")
    door.access.clock.advance(minutes=1)
    assert not browser.is_logged_in


def test_a_form_from_elsewhere_logs_nobody_in(browser: Browser) -> None:
    answer = browser.post("/admin/login", data={"name": "ada", "password": GOOD})
    assert answer.status_code == 403
    assert "the form was too old" in answer.text
    assert browser.session is None


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://127.0.0.1:8081"}, {"Origin": "http://[bad"},
])  # fmt: skip
def test_another_sites_page_logs_nobody_in(browser: Browser, headers: dict[str, str]) -> None:
    csrf = csrf_in(browser.get("/admin/login").text)
    form = {"name": "ada", "password": GOOD, "csrf": csrf}
    assert browser.post("/admin/login", data=form, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [
    {"Origin": "http://127.0.0.1:8080"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"},
])  # fmt: skip
def test_our_own_page_does(browser: Browser, headers: dict[str, str]) -> None:
    csrf = csrf_in(browser.get("/admin/login").text)
    form = {"name": "ada", "password": GOOD, "csrf": csrf}
    assert browser.post("/admin/login", data=form, headers=headers).status_code == 303


def test_what_was_typed_is_shown_as_text(browser: Browser) -> None:
    answer = browser.login(name='"><script>alert(1)</script>', next='"><b>')
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_the_password_is_never_shown_again(browser: Browser) -> None:
    assert "wrong password" not in browser.login(password="wrong password").text


@pytest.mark.parametrize("field", ["name", "password", "next", "csrf"])
def test_a_field_that_is_too_long_is_refused(browser: Browser, field: str) -> None:
    assert browser.post("/admin/login", data={field: "x" * 10_000}).status_code == 422


@pytest.fixture
def mounted(door: Door) -> Browser:
    """A browser before an application that has the admin under a prefix, with logins of its own."""
    app = FastAPI()
    app.mount("/ops", door.app)
    return Browser(app)


def test_under_a_prefix_it_leads_to_the_login_and_back(mounted: Browser) -> None:
    location = mounted.get("/ops/admin/runs?q=x").headers["location"]
    assert location == "/ops/admin/login?next=%2Fops%2Fadmin%2Fruns%3Fq%3Dx"
    answer = mounted.fill(location, "/ops/admin/login", name="ada", password=GOOD, next="/ops/admin/runs?q=x")
    assert answer.headers["location"] == "/ops/admin/runs?q=x"


def test_under_a_prefix_the_cookie_is_for_the_prefix_alone(mounted: Browser) -> None:
    answer = mounted.fill("/ops/admin/login", "/ops/admin/login", name="ada", password=GOOD)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("scheduled_session=")
    assert "Path=/ops;" in cookie
    assert mounted.get("/ops/admin/account").status_code == 200
    assert mounted.fill("/ops/admin/account", "/ops/admin/logout").headers["location"] == "/ops/admin/login"


def test_a_password_that_changed_while_it_was_checked_lets_nobody_in(
    door: Door, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = door.access.users.require("ada")
    door.access.clock.advance(seconds=1)
    door.access.users.set_password("ada", "another good one", actor="root")
    monkeypatch.setattr(door.gate.users, "check", lambda name, password: user)
    assert browser.login().status_code == 401
    assert browser.session is None


def test_who_logs_out_twice_is_sent_to_the_login(at_home: Browser) -> None:
    at_home.fill("/admin/account", "/admin/logout")
    assert at_home.post("/admin/logout").headers["location"] == "/admin/login"
