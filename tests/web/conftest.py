"""Fixtures of the web's tests: an admin on the database of a daemon whose clock is set by hand."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from html import unescape
from re import sub
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from scheduled.access.identity import Identity, Role
from scheduled.store.database import Database
from scheduled.web.app import create_app
from tests.conftest import World

if TYPE_CHECKING:
    from tests.web.api_support import Program


class Visitor:
    """Somebody of some role before a browser that runs no scripts."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._cookies = httpx.Cookies()

    def get(self, path: str, **query: Any) -> httpx.Response:
        """The answer, wherever it leads to."""
        return self.ask("GET", path, params=query or None)

    def post(self, path: str, form: Mapping[str, Any]) -> httpx.Response:
        """The answer to a form, wherever it leads to."""
        return self.ask("POST", path, data=dict(form))

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; cookies are kept from one to the next."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:8080", cookies=self._cookies
            ) as client:
                answer = await client.request(method, path, follow_redirects=True, **options)
                self._cookies = client.cookies
                return answer

        return asyncio.run(ask())

    def html(self, path: str, **query: Any) -> str:
        """The page's markup; it must be one."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/html")
        return answer.text

    def reads(self, path: str, **query: Any) -> str:
        """The page's words, in one line."""
        return words_of(self.html(path, **query))


Come = Callable[..., Visitor]


def words_of(html: str) -> str:
    """What people read of it, in one line: without tags, and what they leave between words."""
    main = html.partition("<body>")[2] or html
    plain = unescape(sub(r"<[^>]*>", " ", main))
    return sub(r"\s+([.,:;)])", r"\1", " ".join(plain.split()))


@pytest.fixture
def shop(world: World, database_url: str) -> World:
    """A world whose database a web process can open as well."""
    world.url = database_url
    return world


@pytest.fixture
def visit(shop: World) -> Iterator[Callable[..., Visitor]]:
    """Come with a role; the world's daemon must have been started before."""
    opened: list[Database] = []

    def come(role: Role = Role.ADMIN, name: str = "ann", **options: Any) -> Visitor:
        database = Database(shop.url, own_clock=True)
        app = create_app(
            shop.crank.settings,
            authenticate=lambda _request: Identity(name, role, "application"),
            database=database,
            clock=shop.crank.clock,
            **options,
        )
        opened.append(database)
        return Visitor(app)

    yield come
    for database in opened:
        database.close()


@pytest.fixture
def ann(shop: World, visit: Callable[..., Visitor]) -> Visitor:
    """An admin, after a daemon with an hourly schedule was started."""
    if shop.daemon is None:
        shop.start()
    return visit()


@pytest.fixture
def come(visit: Callable[..., Visitor]) -> "Callable[..., Program]":
    """Come with a role as a program that asks the API; the world's daemon must have been started before."""
    from tests.web.api_support import Program

    def program(role: Role = Role.ADMIN, **options: Any) -> Program:
        visitor = visit(role, **options)
        return Program(visitor, visitor.app)

    return program


@pytest.fixture
def program(shop: World, come: "Callable[..., Program]") -> "Program":
    """An admin's program, after a daemon with an hourly schedule was started."""
    if shop.daemon is None:
        shop.start()
    return come()
