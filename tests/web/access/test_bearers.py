"""Programs, with API tokens and with JWTs of other applications."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest

from scheduled.access.identity import Role
from scheduled.access.users import User
from tests.conftest import NOON
from tests.web.access.conftest import SECRET, Browser, Door

PAGE = "/admin/schedules"
"""A page will do: each route asks in the same way."""


def signed(secret: str = SECRET, **claims: Any) -> str:
    told = {"sub": "shop", "role": "ADMIN", "exp": NOON.timestamp() + 60} | claims
    return jwt.encode({name: value for name, value in told.items() if value is not None}, secret, "HS256")


@pytest.fixture
def shop(make_door: Callable[..., Door]) -> Door:
    """An admin that takes another application's JWTs, and has no users."""
    return make_door(jwt_secret=SECRET)


def test_a_token_lets_in(door: Door, ada: User) -> None:
    assert door.program(door.access.token(ada)).get(PAGE).status_code == 200


def test_a_scheme_may_be_in_capitals(door: Door, ada: User) -> None:
    headers = {"Authorization": f"BEARER  {door.access.token(ada)} "}
    assert door.browser().get(PAGE, headers=headers).status_code == 200


def test_a_token_that_is_none_of_ours_is_refused_and_told_so(door: Door) -> None:
    answer = door.program("sch_made-up").get("/api/stream")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="scheduled", error="invalid_token"'
    assert "is none of ours, was revoked, or has expired" in answer.json()["detail"]


def test_a_bad_token_is_not_mended_by_a_good_cookie(door: Door, at_home: Browser) -> None:
    assert at_home.get(PAGE, headers={"Authorization": "Bearer sch_made-up"}).status_code == 401


def test_a_revoked_token_lets_nobody_in(door: Door, ada: User) -> None:
    program = door.program(door.access.token(ada))
    door.access.tokens.revoke(1, ada, actor="ada")
    assert program.get(PAGE).status_code == 401


def test_an_expired_token_lets_nobody_in(door: Door, ada: User) -> None:
    program = door.program(door.access.token(ada, days=1))
    door.access.clock.advance(days=1)
    assert program.get(PAGE).status_code == 401


def test_a_token_ends_with_its_owner(door: Door, ada: User) -> None:
    program = door.program(door.access.token(ada))
    door.access.add("bob")
    door.access.users.remove("ada", actor="bob")
    assert program.get(PAGE).status_code == 401


def test_a_token_needs_no_forms_token(door: Door, ada: User) -> None:
    program = door.program(door.access.token(ada, Role.ADMIN))
    answer = program.post(
        "/admin/users", data={"name": "bob", "password": "long enough", "again": "long enough"}
    )
    assert answer.status_code == 303
    assert door.access.users.require("bob").role is Role.VIEWER


def test_a_jwt_lets_in(shop: Door) -> None:
    answer = shop.program(signed()).get(PAGE)
    assert answer.status_code == 200
    assert "shop" in answer.text


def test_a_jwt_may_what_its_role_allows(shop: Door) -> None:
    assert shop.program(signed(role="viewer")).get("/admin/users").status_code == 403
    assert shop.program(signed(role="admin")).get("/admin/users").status_code == 200


def test_a_change_is_written_under_the_name_in_the_jwt(shop: Door) -> None:
    form = {"name": "bob", "password": "long enough", "again": "long enough"}
    assert shop.program(signed()).post("/admin/users", data=form).status_code == 303
    assert shop.access.statements()[-1]["actor"] == "shop"


@pytest.mark.parametrize(("token", "why"), [
    (signed("another secret that is long enough"), "not signed with JWT_SECRET"),
    (signed(exp=None), "no claim exp"),
    (signed(exp=NOON.timestamp() - 60), "has expired"),
    (signed(role="root"), "role is none of VIEWER, OPERATOR, ADMIN"),
    (jwt.encode({"sub": "eve", "role": "ADMIN", "exp": 9e9}, None, "none"), "not signed by HS256"),
    ("nonsense", "it is no JWT"),
])  # fmt: skip
def test_a_bad_jwt_is_refused_and_told_why(shop: Door, token: str, why: str) -> None:
    answer = shop.program(token).get("/api/stream")
    assert answer.status_code == 401
    assert why in answer.json()["detail"]
    assert SECRET not in answer.text


def test_without_the_secret_no_jwt_is_taken(door: Door) -> None:
    answer = door.program(signed()).get("/api/stream")
    assert answer.status_code == 401
    assert "it is no API token" in answer.json()["detail"]


def test_with_the_secret_a_browser_is_sent_to_the_login(shop: Door) -> None:
    browser = shop.browser(address="192.0.2.7")
    assert browser.get(PAGE).headers["location"].startswith("/admin/login?")
    assert browser.get("/admin/login").status_code == 200


def test_other_schemes_are_none_of_our_business(door: Door, at_home: Browser) -> None:
    assert at_home.get(PAGE, headers={"Authorization": "Basic YTpi"}).status_code == 200
    assert door.browser().get(PAGE, headers={"Authorization": "Basic YTpi"}).status_code == 303


def test_who_comes_with_a_token_has_no_account_to_change(door: Door, ada: User) -> None:
    program = door.program(door.access.token(ada, Role.ADMIN))
    assert "You were let in by an API token" in program.get("/admin/account").text
    assert program.post("/admin/account/tokens", data={"name": "more"}).status_code == 403
