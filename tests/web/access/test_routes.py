"""Each route has a rule, and keeps it, for everybody."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from scheduled.access import passwords
from scheduled.access.identity import Role
from scheduled.access.users import User
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.store.schema import upgrade
from scheduled.web.app import create_app
from tests.access.conftest import Access
from tests.web.access.conftest import Browser, Door, csrf_in

OPEN_TO_ALL = {"/api/openapi.json", "/admin/static"}
"""Routes that are no endpoints of ours: what they serve is in every release."""
ENDLESS = {"/api/stream"}
MISSING = "no rule"


def all_routes(routes: Any) -> Iterator[BaseRoute]:
    """Every route, also those of routers within."""
    for route in routes:
        within = getattr(route, "original_router", None)
        if within is None:
            yield route
        else:
            yield from all_routes(within.routes)


def rule_of(route: APIRoute) -> Role | str | None:
    """The role that a route needs; None if anybody may."""
    calls = [dependency.call for dependency in route.dependant.dependencies]
    rules = [call.__dict__["needs"] for call in calls if "needs" in getattr(call, "__dict__", {})]
    return rules[0] if len(rules) == 1 else MISSING


def known_routes() -> list[BaseRoute]:
    database = Database("sqlite://")
    found = list(all_routes(create_app(Settings(), database=database).routes))
    database.close()
    return found


ROUTES = known_routes()
OURS = [route for route in ROUTES if isinstance(route, APIRoute)]
CASES = [(method, route.path, rule_of(route)) for route in OURS for method in sorted(route.methods or ())]
GUARDED = [(method, path, rule) for method, path, rule in CASES if isinstance(rule, Role)]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    file: Path = tmp_path_factory.mktemp("door") / "door.db"
    database = Database(f"sqlite:///{file}", create=True)
    upgrade(database)
    with pytest.MonkeyPatch.context() as patch:
        quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "_hasher", lambda: quick)
        access = Access(database)
        for role in Role:
            access.add(role.lower(), role)
        yield Door(access)
    database.close()


def user(door: Door, role: Role) -> User:
    return door.access.users.require(role.lower())


def ask(browser: Browser, method: str, path: str, csrf: str = "") -> Any:
    filled = re.sub(r"{\w*id(:\w+)?}", "1", path)
    filled = re.sub(r"{[^}]*}", "nobody", filled)
    return browser.request(method, filled, headers={"X-CSRF-Token": csrf} if csrf else {})


def is_refused(answer: Any) -> bool:
    to_login = answer.status_code == 303 and "/admin/login" in answer.headers["location"]
    return answer.status_code in (401, 403) or to_login


def test_there_are_routes_of_pages_and_of_the_api() -> None:
    assert len(OURS) > 10
    assert ("GET", "/admin/schedules", Role.VIEWER) in CASES
    assert ("POST", "/admin/users", Role.ADMIN) in CASES


@pytest.mark.parametrize(("method", "path", "rule"), CASES)
def test_each_route_has_one_rule(method: str, path: str, rule: Role | str | None) -> None:
    assert rule != MISSING, f"{method} {path} says neither need(Role.…) nor public"


def test_nothing_else_is_served() -> None:
    others = {str(getattr(route, "path", route)) for route in ROUTES if not isinstance(route, APIRoute)}
    assert others == OPEN_TO_ALL


@pytest.mark.parametrize(("method", "path", "rule"), [case for case in CASES if case[0] != "GET"])
def test_a_viewer_changes_nothing_but_what_is_their_own(method: str, path: str, rule: Any) -> None:
    own = ("/admin/account/", "/admin/login", "/admin/logout", "/admin/setup")
    assert path.startswith(own) or rule in (Role.OPERATOR, Role.ADMIN)


@pytest.mark.parametrize(("method", "path", "rule"), GUARDED)
def test_a_stranger_is_sent_to_the_login_or_refused(door: Door, method: str, path: str, rule: Role) -> None:
    answer = ask(door.browser(), method, path)
    if path.startswith("/admin"):
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/admin/login")
    else:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path", "rule"), GUARDED)
@pytest.mark.parametrize("role", Role)
def test_a_login_may_what_its_role_allows(door: Door, method: str, path: str, rule: Role, role: Role) -> None:
    browser = door.logged_in(user(door, role))
    csrf = csrf_in(browser.get("/admin/account").text)
    if not role.allows(rule):
        assert ask(browser, method, path, csrf).status_code == 403
    elif path not in ENDLESS and path != "/admin/logout":
        assert not is_refused(ask(browser, method, path, csrf))


@pytest.mark.parametrize(("method", "path", "rule"), GUARDED)
@pytest.mark.parametrize("role", Role)
def test_a_token_may_what_its_role_allows(door: Door, method: str, path: str, rule: Role, role: Role) -> None:
    owner = user(door, Role.ADMIN)
    program = door.program(door.access.token(owner, role))
    own = path.startswith("/admin/account/") or path == "/admin/logout"
    if not role.allows(rule):
        assert ask(program, method, path).status_code == 403
    elif path not in ENDLESS and not own:
        assert not is_refused(ask(program, method, path))


@pytest.mark.parametrize(
    ("method", "path", "rule"), [case for case in GUARDED if case[0] not in ("GET", "HEAD")]
)
def test_a_login_changes_nothing_without_the_forms_token(
    door: Door, method: str, path: str, rule: Role
) -> None:
    answer = ask(door.logged_in(user(door, Role.ADMIN)), method, path)
    assert answer.status_code == 403
    assert "lacks the token of this login" in answer.text


@pytest.mark.parametrize(("method", "path", "rule"), [case for case in CASES if case[2] is None])
def test_what_is_open_asks_nobody_who_they_are(door: Door, method: str, path: str, rule: None) -> None:
    assert ask(door.browser(), method, path).status_code != 401
