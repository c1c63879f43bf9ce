"""The admin within somebody else's application, under a prefix of theirs."""

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from scheduled.access.identity import Identity, Role
from scheduled.settings import Settings
from scheduled.store.database import Database
from scheduled.store.schema import upgrade
from scheduled.web import create_app

PREFIX = "/internal/jobs"


def known(request: Request) -> Identity | None:
    """Whom the application knows, by a header of its own."""
    name = request.headers.get("x-known-as")
    return Identity(name, Role.OPERATOR, "application") if name else None


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[FastAPI]:
    url = f"sqlite:///{tmp_path / 'app.db'}"
    with closing(Database(url, create=True)) as database:
        upgrade(database)
        yield create_app(Settings(database_url=url), authenticate=known, database=database)


@pytest.fixture(params=["FastAPI", "Starlette"])
def client(request: pytest.FixtureRequest, mounted: FastAPI) -> TestClient:
    """Somebody whom the application knows, before the application."""
    if request.param == "FastAPI":
        app: Starlette = FastAPI()
        app.mount(PREFIX, mounted)
    else:
        app = Starlette(routes=[Mount(PREFIX, mounted)])
    return TestClient(app, headers={"x-known-as": "ada"})


def test_every_link_of_its_pages_leads_below_the_prefix(client: TestClient) -> None:
    html = client.get(f"{PREFIX}/admin/schedules").text
    links = re.findall(r'(?:href|src|action|hx-get|hx-sse:connect)="(/[^"]*)"', html)
    assert len(links) > 8
    assert [link for link in links if not link.startswith(f"{PREFIX}/")] == []


def test_what_its_pages_need_is_there(client: TestClient) -> None:
    html = client.get(f"{PREFIX}/admin/schedules").text
    files = re.findall(r'(?:href|src)="([^"]*/static/[^"]*)"', html)
    assert len(files) > 3
    assert {client.get(file).status_code for file in files} == {200}


def test_its_root_leads_to_the_schedules(client: TestClient) -> None:
    assert client.get(f"{PREFIX}/").url.path == f"{PREFIX}/admin/schedules"


def test_the_application_says_who_may(client: TestClient) -> None:
    assert client.get(f"{PREFIX}/api/schedules").status_code == 200
    assert client.get(f"{PREFIX}/api/schedules", headers={"x-known-as": ""}).status_code == 401


def test_it_has_no_login_of_its_own(client: TestClient) -> None:
    stranger = client.get(f"{PREFIX}/admin/schedules", headers={"x-known-as": ""}, follow_redirects=False)
    assert stranger.status_code in (401, 403)
