"""Within an application that says who asks."""

from dataclasses import replace
from typing import Any

import pytest
from fastapi import HTTPException, Request

from scheduled.access.identity import How, Identity, Role
from scheduled.settings import Settings
from scheduled.web.app import create_app
from tests.access.conftest import Access
from tests.web.access.conftest import SECRET, Browser
from tests.web.access.test_bearers import signed

PAGE = "/admin/schedules"
ANN = Identity("ann", Role.OPERATOR, "application")


def browser(access: Access, authenticate: Any, **settings: Any) -> Browser:
    app = create_app(
        Settings(**settings), authenticate=authenticate, database=access.database, clock=access.clock
    )
    return Browser(app, address="192.0.2.7", url="https://jobs.example")


async def knows_ann(request: Request) -> Identity | None:
    return ANN


def knows_nobody(request: Request) -> Identity | None:
    return None


def test_whom_it_knows_is_let_in_from_anywhere(access: Access) -> None:
    assert browser(access, lambda _: ANN).get(PAGE).status_code == 200
    assert browser(access, knows_ann).get(PAGE).status_code == 200


def test_the_role_that_it_says_counts(access: Access) -> None:
    assert browser(access, knows_ann).get("/admin/users").status_code == 403


def test_whom_it_does_not_know_is_refused_and_sent_to_no_login(access: Access) -> None:
    stranger = browser(access, knows_nobody)
    assert [stranger.get(path).status_code for path in (PAGE, "/api/stream")] == [401, 401]


@pytest.mark.parametrize("path", ["/admin/login", "/admin/setup"])
def test_there_is_no_login_of_our_own(access: Access, path: str) -> None:
    stranger = browser(access, knows_nobody)
    assert stranger.get(path).status_code == stranger.post(path).status_code == 404


def test_a_login_of_our_own_does_not_count(access: Access) -> None:
    stranger = browser(access, knows_nobody)
    stranger.cookies.set("__Host-scheduled_session", access.login(access.add()))
    assert stranger.get(PAGE).status_code == 401


def test_it_may_send_strangers_to_its_own_login(access: Access) -> None:
    def authenticate(_: Request) -> Identity | None:
        raise HTTPException(303, headers={"Location": "/sign-in"})

    assert browser(access, authenticate).get(PAGE).headers["location"] == "/sign-in"


def test_api_tokens_count_whatever_it_says(access: Access) -> None:
    token = {"Authorization": f"Bearer {access.token(access.add())}"}
    assert browser(access, knows_nobody).get(PAGE, headers=token).status_code == 200


def test_a_jwt_counts_where_it_knows_nobody(access: Access) -> None:
    good, bad = ({"Authorization": f"Bearer {token}"} for token in (signed(), signed(SECRET[::-1])))
    stranger = browser(access, knows_nobody, jwt_secret=SECRET)
    assert stranger.get(PAGE, headers=good).status_code == 200
    assert stranger.get(PAGE, headers=bad).status_code == 401


def test_its_own_bearer_tokens_are_its_own_business(access: Access) -> None:
    theirs = {"Authorization": "Bearer theirs"}
    assert browser(access, knows_ann, jwt_secret=SECRET).get(PAGE, headers=theirs).status_code == 200
    assert browser(access, knows_nobody).get(PAGE, headers=theirs).status_code == 401


def test_logging_out_is_up_to_the_application(access: Access) -> None:
    answer = browser(access, knows_ann).post("/admin/logout")
    assert answer.headers["location"] == PAGE


@pytest.mark.parametrize("how", ["jwt", "token", "session"])
def test_whatever_it_calls_its_way_its_pages_are_safe_from_forgeries(access: Access, how: How) -> None:
    known = replace(ANN, role=Role.ADMIN, how=how)
    forged = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    answer = browser(access, lambda _: known).post("/admin/schedules/it/enable", headers=forged)
    assert answer.status_code == 403
