"""Addresses that people try lead to where they meant."""

import pytest
from fastapi import FastAPI

from scheduled.access.identity import Identity, Role
from scheduled.settings import Settings
from scheduled.web.app import create_app
from tests.access.conftest import Access
from tests.web.access.conftest import Browser, Door


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/", "/admin/schedules"),
        ("/admin", "/admin/schedules"),
        ("/admin/", "/admin/schedules"),
        ("/api", "/api/openapi.json"),
    ],
)
def test_they_lead_there(access: Access, path: str, to: str) -> None:
    answer = Door(access).browser().get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, to)


def test_they_stay_within_the_application_they_are_mounted_in(access: Access) -> None:
    ann = Identity("ann", Role.VIEWER, "application")
    app = create_app(Settings(), authenticate=lambda _: ann, database=access.database, clock=access.clock)
    outer = FastAPI()
    outer.mount("/jobs", app)
    browser = Browser(outer)
    assert browser.get("/jobs/admin").headers["location"] == "/jobs/admin/schedules"
    assert browser.get("/jobs/api").headers["location"] == "/jobs/api/openapi.json"
