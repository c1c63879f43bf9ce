"""Closed by default: without users it serves its own host alone, which may let the first one in."""

from collections.abc import Callable

import pytest

from scheduled.access.identity import Role
from scheduled.web.inviting import ClosedError, invitation
from scheduled.web.serving import bind
from tests.access.conftest import GOOD
from tests.web.access.conftest import SECRET, Browser, Door


@pytest.fixture
def here(empty_door: Door) -> Browser:
    return empty_door.browser()


def set_up(door: Door, browser: Browser, **fields: str) -> tuple[int, str]:
    form = {"code": door.gate.setup_code, "name": "ada", "password": GOOD, "again": GOOD} | fields
    answer = browser.fill("/admin/setup", "/admin/setup", **form)
    return answer.status_code, answer.text


def test_every_page_leads_to_the_setup(here: Browser) -> None:
    for path in ("/admin/schedules", "/admin/users", "/admin/login"):
        assert here.get(path).headers["location"] == "/admin/setup"


def test_a_program_is_told_what_to_do(here: Browser) -> None:
    answer = here.get("/api/stream")
    assert answer.status_code == 401
    assert "`scheduled user add NAME --role ADMIN`" in answer.json()["detail"]


@pytest.mark.parametrize("options", [
    {"address": "192.0.2.7"}, {"address": "2001:db8::1"}, {"address": "testclient"},
    {"url": "http://evil.example"}, {"url": "http://127.0.0.1.evil.example:8080"},
    {"url": "http://localhost.evil.example"}, {"url": "http://192.0.2.7:8080"},
])  # fmt: skip
def test_others_are_refused(empty_door: Door, options: dict[str, str]) -> None:
    stranger = empty_door.browser(**options)
    for path in ("/admin/schedules", "/admin/setup", "/api/stream"):
        answer = stranger.get(path)
        assert answer.status_code == 403
        assert "serves its own host alone" in answer.text
    assert stranger.post("/admin/setup", data={"code": empty_door.gate.setup_code}).status_code == 403


@pytest.mark.parametrize("options", [
    {"url": "http://localhost:8080"}, {"url": "http://[::1]:8080", "address": "::1"},
    {"address": "::ffff:127.0.0.1"}, {"address": "127.0.0.9"}, {"url": "http://LOCALHOST"},
])  # fmt: skip
def test_this_host_is_let_in_by_any_name_of_its_own(empty_door: Door, options: dict[str, str]) -> None:
    assert empty_door.browser(**options).get("/admin/setup").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"])
def test_what_a_proxy_passes_on_is_not_from_this_host(here: Browser, header: str) -> None:
    assert here.get("/admin/setup", headers={header: "127.0.0.1"}).status_code == 403


def test_who_has_the_code_becomes_the_first_admin(empty_door: Door, here: Browser) -> None:
    assert set_up(empty_door, here)[0] == 303
    assert here.is_logged_in
    assert empty_door.access.users.require("ada").role is Role.ADMIN
    assert empty_door.access.statements()[0]["actor"] == "setup"


def test_the_code_may_come_with_the_link(empty_door: Door, here: Browser) -> None:
    code = empty_door.gate.setup_code
    assert f'value="{code}"' in here.get(f"/admin/setup?code={code}").text


def test_a_code_is_typed_in_small_letters_too(empty_door: Door, here: Browser) -> None:
    assert set_up(empty_door, here, code=f" {empty_door.gate.setup_code.lower()} ")[0] == 303


@pytest.mark.parametrize("code", ["", "AAAA-AAAA-AAAA-AAAA", "\u00e4"])
def test_another_code_lets_nobody_in(empty_door: Door, here: Browser, code: str) -> None:
    status, page = set_up(empty_door, here, code=code)
    assert status == 403
    assert "is not the code" in page
    assert not empty_door.access.users.exist()


def test_guessing_the_code_ends_soon(empty_door: Door, here: Browser) -> None:
    assert [set_up(empty_door, here, code="guess")[0] for _ in range(11)][-1] == 429


def test_each_process_has_a_code_of_its_own(empty_door: Door, make_door: Callable[..., Door]) -> None:
    assert make_door().gate.setup_code != empty_door.gate.setup_code


def test_a_bad_password_may_be_mended(empty_door: Door, here: Browser) -> None:
    status, page = set_up(empty_door, here, password="short", again="short")
    assert status == 400
    assert "fewer than 10 characters" in page
    assert set_up(empty_door, here)[0] == 303


def test_the_code_is_good_once(empty_door: Door, here: Browser) -> None:
    code = empty_door.gate.setup_code
    set_up(empty_door, here)
    assert empty_door.gate.setup_code != code
    second = empty_door.browser()
    assert second.get("/admin/setup").headers["location"] == "/admin/login"
    answer = second.post("/admin/setup", data={"code": empty_door.gate.setup_code, "name": "eve"})
    assert answer.headers["location"] == "/admin/login"
    assert [user.name for user in empty_door.access.users.all()] == ["ada"]


def test_another_sites_page_sets_nothing_up(empty_door: Door, here: Browser) -> None:
    form = {"code": empty_door.gate.setup_code, "name": "eve", "password": GOOD, "again": GOOD}
    assert here.post("/admin/setup", data=form).status_code == 403
    assert not empty_door.access.users.exist()


def test_a_user_added_at_the_command_line_opens_it(empty_door: Door, here: Browser) -> None:
    empty_door.access.add()
    assert here.get("/admin/schedules").headers["location"].startswith("/admin/login")
    assert empty_door.browser(address="192.0.2.7").login().status_code == 303


def test_with_a_shared_secret_it_is_not_closed(make_door: Callable[..., Door]) -> None:
    assert not make_door(jwt_secret=SECRET).gate.is_closed()


@pytest.mark.parametrize("address", ["127.0.0.1:0", "localhost:0"])
def test_the_process_tells_where_to_set_it_up(empty_door: Door, here: Browser, address: str) -> None:
    with bind(address) as listener:
        url = invitation(empty_door.gate, listener)
    assert url is not None
    assert url.startswith("http://")
    assert url.endswith(f"/admin/setup?code={empty_door.gate.setup_code}")
    assert empty_door.browser(url=url).get(url).status_code == 200


def test_with_users_there_is_nothing_to_tell_and_it_is_served_to_others(door: Door) -> None:
    with bind("0.0.0.0:0") as listener:
        assert invitation(door.gate, listener) is None
        assert listener.fileno() >= 0


def test_without_users_it_is_not_served_to_others(empty_door: Door) -> None:
    listener = bind("0.0.0.0:0")
    with pytest.raises(ClosedError, match="`scheduled user add NAME --role ADMIN`"):
        invitation(empty_door.gate, listener)
    assert listener.fileno() == -1
