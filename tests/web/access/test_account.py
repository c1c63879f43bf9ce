"""One's own password, tokens and logins."""

import re
from datetime import timedelta

from scheduled.access.identity import Role
from scheduled.access.users import User
from tests.access.conftest import GOOD
from tests.web.access.conftest import Browser, Door

NEW = "another good one"


def change(browser: Browser, current: str = GOOD, password: str = NEW, again: str = NEW) -> tuple[int, str]:
    form = {"current": current, "password": password, "again": again}
    answer = browser.fill("/admin/account", "/admin/account/password", **form)
    return answer.status_code, answer.text


def make(browser: Browser, name: str = "backup", role: str = "VIEWER", days: str = "30") -> str:
    """Make a token, and read it."""
    answer = browser.fill("/admin/account", "/admin/account/tokens", name=name, role=role, days=days)
    found = re.search(r"sch_[\w-]{43}", answer.text)
    assert found, answer.text
    return found.group()


def test_a_new_password_logs_all_other_browsers_out(door: Door, ada: User, at_home: Browser) -> None:
    elsewhere = door.logged_in(ada)
    before = at_home.session
    assert change(at_home)[0] == 303
    assert at_home.is_logged_in
    assert at_home.session != before
    assert not elsewhere.is_logged_in


def test_afterwards_only_the_new_password_counts(browser: Browser, at_home: Browser) -> None:
    change(at_home)
    assert browser.login().status_code == 401
    assert browser.login(password=NEW).status_code == 303


def test_a_password_is_not_changed_by_who_does_not_know_it(door: Door, at_home: Browser) -> None:
    status, page = change(at_home, current="no idea at all")
    assert status == 400
    assert "the current password is wrong" in page
    assert door.access.users.check("ada", GOOD)


def test_guessing_the_current_password_ends_soon(at_home: Browser) -> None:
    assert [change(at_home, current="a wrong guess")[0] for _ in range(11)][-1] == 429


def test_a_password_that_is_not_typed_alike_is_refused(at_home: Browser) -> None:
    assert "the two passwords differ" in change(at_home, again="another good two")[1]


def test_a_bad_password_is_refused(at_home: Browser) -> None:
    assert "fewer than 10 characters" in change(at_home, password="short", again="short")[1]


def test_a_token_is_shown_once(door: Door, at_home: Browser) -> None:
    secret = make(at_home)
    assert door.program(secret).get("/admin/schedules").status_code == 200
    page = at_home.get("/admin/account").text
    assert secret not in page
    assert secret[:8] in page


def test_a_token_has_the_role_and_the_days_that_were_chosen(door: Door, ada: User, at_home: Browser) -> None:
    make(at_home, role="OPERATOR", days="90")
    make(at_home, days="0")
    endless, token = door.access.tokens.of(ada)
    assert token.role is Role.OPERATOR
    assert token.expires_at == door.access.clock.now() + timedelta(days=90)
    assert endless.expires_at is None


def test_a_viewer_makes_no_token_of_a_higher_role(door: Door, viewer: User) -> None:
    browser = door.logged_in(viewer)
    answer = browser.fill("/admin/account", "/admin/account/tokens", name="x", role="ADMIN", days="1")
    assert answer.status_code == 400
    assert "a token of theirs may not be ADMIN" in answer.text
    assert "<option>ADMIN" not in answer.text


def test_a_token_is_revoked_from_the_list(door: Door, at_home: Browser) -> None:
    secret = make(at_home)
    assert at_home.fill("/admin/account", "/admin/account/tokens/1/revoke").status_code == 303
    assert door.program(secret).get("/admin/schedules").status_code == 401
    assert "revoked" in at_home.get("/admin/account").text


def test_nobody_revokes_what_is_anothers(door: Door, ada: User, at_home: Browser, viewer: User) -> None:
    secret = make(at_home)
    eve = door.logged_in(viewer)
    for path in ("tokens/1", f"sessions/{door.access.sessions.of(ada)[0].id}"):
        eve.fill("/admin/account", f"/admin/account/{path}/revoke")
    assert door.program(secret).get("/admin/schedules").status_code == 200
    assert at_home.is_logged_in


def test_a_login_is_ended_from_the_list(door: Door, ada: User, at_home: Browser) -> None:
    elsewhere = door.logged_in(ada)
    (session,) = [one for one in door.access.sessions.of(ada) if one.id != 1]
    assert "this browser" in at_home.get("/admin/account").text
    at_home.fill("/admin/account", f"/admin/account/sessions/{session.id}/revoke")
    assert not elsewhere.is_logged_in
    assert at_home.is_logged_in


def test_it_tells_where_one_is_logged_in(door: Door) -> None:
    browser = door.browser(address="192.0.2.7")
    browser.headers["User-Agent"] = "<b>Mozilla</b>"
    browser.login()
    page = browser.get("/admin/account").text
    assert "192.0.2.7" in page
    assert "&lt;b&gt;Mozilla&lt;/b&gt;" in page


def test_each_change_is_an_event_of_its_actor(door: Door, at_home: Browser) -> None:
    make(at_home)
    at_home.fill("/admin/account", "/admin/account/tokens/1/revoke")
    change(at_home)
    told = [(line["event"], line["actor"]) for line in door.access.statements()[1:]]
    assert told == [(name, "ada") for name in ("token_created", "token_revoked", "user_password_changed")]


def test_a_wild_id_is_no_fault_of_ours(at_home: Browser) -> None:
    for wild in ("0", "-1", "99999999999999999999999", "x" * 1000):
        for kind in ("tokens", "sessions"):
            answer = at_home.fill("/admin/account", f"/admin/account/{kind}/{wild}/revoke")
            assert answer.status_code < 500
