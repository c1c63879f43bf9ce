"""The admin's door: an admin with logins of its own, and browsers and programs that come to it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from scheduled.access.identity import Role
from scheduled.access.users import User
from scheduled.settings import Settings
from scheduled.web.app import create_app
from scheduled.web.gate import Gate
from tests.access.conftest import GOOD, Access, access, quick_hashing

__all__ = ["access", "quick_hashing"]
HERE = "127.0.0.1"
SECRET = "a secret that is shared by both of them"


class Browser(TestClient):
    """A browser that runs no scripts, and follows nothing by itself."""

    def __init__(self, app: FastAPI, url: str = "http://127.0.0.1:8080", address: str = HERE) -> None:
        super().__init__(app, url, client=(address, 50_000), follow_redirects=False)

    def fill(self, page: str, to: str, **fields: Any) -> Response:
        """Fill in the form of a page, and send it."""
        return self.post(to, data={"csrf": csrf_in(self.get(page).text), **fields})

    def login(self, name: str = "ada", password: str = GOOD, **fields: Any) -> Response:
        return self.fill("/admin/login", "/admin/login", name=name, password=password, **fields)

    @property
    def is_logged_in(self) -> bool:
        return self.get("/admin/account").status_code == 200

    @property
    def session(self) -> str | None:
        """The cookie of its login."""
        found = [cookie.value for cookie in self.cookies.jar if cookie.name.endswith("scheduled_session")]
        return found[0] if found else None


class Door:
    """An admin with users, in one test."""

    def __init__(self, access: Access, **settings: Any) -> None:
        self.access = access
        self.app = create_app(Settings(**settings), database=access.database, clock=access.clock)

    @property
    def gate(self) -> Gate:
        gate: Gate = self.app.state.site.gate
        return gate

    def browser(self, **options: Any) -> Browser:
        return Browser(self.app, **options)

    def logged_in(self, user: User, **options: Any) -> Browser:
        """A browser of theirs, without the work of checking a password."""
        browser = self.browser(**options)
        browser.cookies.set("scheduled_session", self.access.login(user), domain=browser.base_url.host)
        return browser

    def program(self, bearer: str, **options: Any) -> Browser:
        """A program with a bearer token."""
        made = self.browser(**options)
        made.headers["Authorization"] = f"Bearer {bearer}"
        return made


def csrf_in(html: str) -> str:
    """The token in the first form of a page; nothing if it has none."""
    found = re.search(r'name="csrf" value="([^"]*)"', html)
    return found.group(1) if found else ""


@pytest.fixture
def make_door(access: Access) -> Callable[..., Door]:
    """An admin with these settings."""
    return lambda **settings: Door(access, **settings)


@pytest.fixture
def empty_door(make_door: Callable[..., Door]) -> Door:
    """An admin without users."""
    return make_door()


@pytest.fixture
def door(empty_door: Door) -> Door:
    """An admin with one user, ada, who is ADMIN."""
    empty_door.access.add()
    return empty_door


@pytest.fixture
def ada(door: Door) -> User:
    return door.access.users.require("ada")


@pytest.fixture
def browser(door: Door) -> Browser:
    """A browser that nobody has logged in with."""
    return door.browser()


@pytest.fixture
def at_home(door: Door, ada: User) -> Browser:
    """A browser that ada is logged in with."""
    return door.logged_in(ada)


@pytest.fixture
def viewer(door: Door) -> User:
    return door.access.add("vic", Role.VIEWER)
