"""Somebody to let in, in a database of their own, by a clock that is set by hand."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from scheduled.access import passwords
from scheduled.access.identity import Role
from scheduled.access.sessions import Sessions
from scheduled.access.tokens import Tokens
from scheduled.access.users import User, Users
from scheduled.settable import SettableClock
from scheduled.store import rows
from scheduled.store.database import Database
from scheduled.store.schema import upgrade
from tests.conftest import NOON

GOOD = "correct horse battery"
IDLE, LIFETIME = timedelta(hours=8), timedelta(days=7)


class Access:
    """Users, their sessions and their tokens, in one test."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = SettableClock(NOON)
        self.users = Users(database, self.clock)
        self.sessions = Sessions(database, idle=IDLE, lifetime=LIFETIME, clock=self.clock)
        self.tokens = Tokens(database, self.clock)

    def add(self, name: str = "ada", role: Role = Role.ADMIN, password: str = GOOD) -> User:
        return self.users.add(name, role, password, actor="test")

    def login(self, user: User, **options: Any) -> str:
        """The cookie of a new login."""
        cookie = self.sessions.open(user, **options)
        assert cookie is not None
        return cookie

    def token(self, owner: User, role: Role = Role.VIEWER, **lasting: float) -> str:
        expiry = self.clock.now() + timedelta(**lasting) if lasting else None
        return self.tokens.make(owner, "backup script", role, expiry, actor=owner.name)

    def events(self) -> list[str]:
        return [event["event"] for event in rows.events(self.database, "")]

    def statements(self) -> list[dict[str, Any]]:
        return rows.events(self.database, "")


@pytest.fixture
def quick_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that take a millisecond instead of a tenth of a second."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", lambda: quick)


@pytest.fixture
def access(quick_hashing: None, server: Database | None, database_url: str) -> Iterator[Access]:
    database = server or Database(database_url, create=True)
    if server is None:
        upgrade(database)
    yield Access(database)
    if server is None:
        database.close()
