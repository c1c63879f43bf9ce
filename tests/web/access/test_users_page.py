"""Who else may, said by an ADMIN."""

import pytest

from scheduled.access.identity import Role
from scheduled.access.users import User
from tests.access.conftest import GOOD
from tests.web.access.conftest import Browser, Door

USERS = "/admin/users"


def add(browser: Browser, name: str = "bob", role: str = "OPERATOR", again: str = GOOD) -> tuple[int, str]:
    answer = browser.fill(USERS, USERS, name=name, role=role, password=GOOD, again=again)
    return answer.status_code, answer.text


def test_an_admin_lets_somebody_in(at_home: Browser, browser: Browser) -> None:
    assert add(at_home)[0] == 303
    assert "bob" in at_home.get(USERS).text
    assert browser.login(name="bob").status_code == 303


@pytest.mark.parametrize(("fields", "why"), [
    ({"name": "a b"}, "is no name for a user"), ({"role": "king"}, "there is no role"),
    ({"again": "something else"}, "the two passwords differ"), ({"name": "ada"}, "there is a user"),
])  # fmt: skip
def test_what_is_wrong_is_told_beside_the_form(at_home: Browser, fields: dict[str, str], why: str) -> None:
    status, page = add(at_home, **fields)
    assert status == 400
    assert why in page.replace("&#39;", "'")


def test_a_role_holds_at_once(door: Door, at_home: Browser, viewer: User) -> None:
    vic = door.logged_in(viewer)
    assert vic.get(USERS).status_code == 403
    at_home.fill(USERS, f"{USERS}/vic/role", role="ADMIN")
    assert vic.get(USERS).status_code == 200


def test_who_is_removed_is_out_at_once(door: Door, at_home: Browser, viewer: User) -> None:
    vic = door.logged_in(viewer)
    at_home.fill(USERS, f"{USERS}/vic/remove")
    assert vic.get("/admin/schedules").status_code == 303


def test_it_asks_once_more_before_it_removes_somebody(door: Door, at_home: Browser, viewer: User) -> None:
    assert f'href="{USERS}/vic/remove"' in at_home.get(USERS).text
    assert "Let vic in no more?" in at_home.get(f"{USERS}/vic/remove").text
    assert at_home.get(f"{USERS}/nobody/remove").status_code == 404
    assert door.access.users.named("vic")


def test_the_last_admin_stays(door: Door, at_home: Browser) -> None:
    removed = at_home.fill(USERS, f"{USERS}/ada/remove")
    lowered = at_home.fill(USERS, f"{USERS}/ada/role", role="VIEWER")
    assert removed.status_code == lowered.status_code == 400
    assert "ada is the last ADMIN" in removed.text
    assert door.access.users.require("ada").role is Role.ADMIN


def test_somebody_unknown_is_no_fault_of_ours(at_home: Browser) -> None:
    for name in ("nobody", "%00", "%F0%9F%92%A5", "x" * 10_000):
        assert at_home.fill(USERS, f"{USERS}/{name}/remove").status_code == 400


def test_each_change_names_its_actor(door: Door, at_home: Browser) -> None:
    add(at_home)
    at_home.fill(USERS, f"{USERS}/bob/role", role="VIEWER")
    at_home.fill(USERS, f"{USERS}/bob/remove")
    told = [(line["event"], line["actor"]) for line in door.access.statements()[1:]]
    assert told == [("user_added", "ada"), ("user_role_changed", "ada"), ("user_removed", "ada")]
