"""No other site's page changes anything in the name of somebody who is logged in."""

from typing import Any

import pytest
from fastapi import Request

from scheduled.access.identity import Identity, Role
from scheduled.access.users import User
from scheduled.settings import Settings
from scheduled.web.app import create_app
from tests.access.conftest import Access
from tests.web.access.conftest import Browser, Door, csrf_in

TOKENS = "/admin/account/tokens"


def token_of(browser: Browser) -> str:
    return csrf_in(browser.get("/admin/account").text)


@pytest.fixture
def csrf(at_home: Browser) -> str:
    found = token_of(at_home)
    assert len(found) == 64
    return found


def test_our_own_form_is_taken(at_home: Browser, csrf: str) -> None:
    assert at_home.post(TOKENS, data={"csrf": csrf, "name": "x"}).status_code == 200


def test_a_script_of_ours_may_send_it_as_a_header(at_home: Browser, csrf: str) -> None:
    answer = at_home.post(TOKENS, data={"name": "x"}, headers={"X-CSRF-Token": csrf})
    assert answer.status_code == 200


def test_a_form_with_files_carries_it_too(at_home: Browser, csrf: str) -> None:
    fields = {"csrf": (None, csrf), "name": (None, "x")}
    assert at_home.post(TOKENS, files=fields).status_code == 200


@pytest.mark.parametrize("sent", ["", "0" * 64, "ä", "x" * 10_000])
def test_another_token_is_refused(at_home: Browser, sent: str) -> None:
    assert at_home.post(TOKENS, data={"csrf": sent, "name": "x"}).status_code == 403


def test_json_without_the_header_is_refused(at_home: Browser, csrf: str) -> None:
    assert at_home.post(TOKENS, json={"csrf": csrf, "name": "x"}).status_code == 403


def test_it_is_of_no_use_in_the_address(at_home: Browser, csrf: str) -> None:
    assert at_home.post(f"{TOKENS}?csrf={csrf}", data={"name": "x"}).status_code == 403


def test_the_token_of_another_login_is_refused(door: Door, ada: User, at_home: Browser) -> None:
    other = token_of(door.logged_in(ada))
    assert at_home.post(TOKENS, data={"csrf": other, "name": "x"}).status_code == 403


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8080"},
])  # fmt: skip
def test_even_with_the_token_another_sites_page_is_refused(
    at_home: Browser, csrf: str, headers: dict[str, str]
) -> None:
    answer = at_home.post(TOKENS, data={"csrf": csrf, "name": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


@pytest.mark.parametrize(("url", "origin"), [
    ("http://jobs.example", "http://jobs.example"), ("http://jobs.example", "https://jobs.example"),
    ("http://jobs.example:80", "http://JOBS.example"), ("http://jobs.example:8080", "http://jobs.example:8080"),
])  # fmt: skip
def test_an_origin_is_ours_whatever_its_spelling(door: Door, ada: User, url: str, origin: str) -> None:
    browser = door.logged_in(ada, url=url)
    form = {"csrf": token_of(browser), "name": "x"}
    assert browser.post(TOKENS, data=form, headers={"Origin": origin}).status_code == 200


def test_nothing_was_changed_by_what_was_refused(door: Door, ada: User, at_home: Browser) -> None:
    at_home.post(TOKENS, data={"name": "x"})
    assert door.access.tokens.of(ada) == []


class Embedded:
    """An application's own login, by a cookie of its own."""

    def __init__(self, access: Access) -> None:
        def known(request: Request) -> Identity | None:
            known = "cookie" in request.headers or "x-key" in request.headers
            return Identity("shop", Role.ADMIN, "application") if known else None

        app = create_app(Settings(), authenticate=known, database=access.database, clock=access.clock)
        self.browser = Browser(app)

    def add(self, headers: dict[str, str], **options: Any) -> int:
        sent = options or {"data": {"name": "bob", "password": "long enough", "again": "long enough"}}
        return int(self.browser.post("/admin/users", headers=headers, **sent).status_code)


@pytest.fixture
def embedded(access: Access) -> Embedded:
    return Embedded(access)


@pytest.mark.parametrize("headers", [
    {"Cookie": "own=1", "Origin": "http://127.0.0.1:8080"},
    {"Cookie": "own=1", "Sec-Fetch-Site": "same-origin"},
    {"X-Key": "1"},
])  # fmt: skip
def test_within_an_application_our_own_page_is_known_by_its_origin(
    embedded: Embedded, headers: dict[str, str]
) -> None:
    assert embedded.add(headers) == 303


@pytest.mark.parametrize("headers", [
    {"Cookie": "own=1"}, {"Cookie": "own=1", "Origin": "https://evil.example"},
    {"Cookie": "own=1", "Sec-Fetch-Site": "cross-site"}, {"X-Key": "1", "Origin": "https://evil.example"},
])  # fmt: skip
def test_within_an_application_others_are_refused(embedded: Embedded, headers: dict[str, str]) -> None:
    assert embedded.add(headers) == 403
