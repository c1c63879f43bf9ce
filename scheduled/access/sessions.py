"""Logins: each is a random secret in a browser's cookie, of which the hash is kept.

One ends when nobody used it for a while, when it is old, when somebody ends it, and when the password of its
user changes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduled.access.identity import Identity, Role
from scheduled.access.keeping import Keeper, note
from scheduled.access.secrecy import digest, new_secret
from scheduled.access.users import User
from scheduled.clock import Clock
from scheduled.running.tail import clean
from scheduled.store import access
from scheduled.store.database import Database
from scheduled.store.held import Held

__all__ = ["Session", "Sessions"]

SEEN_EVERY = timedelta(minutes=1)
"""Not every request writes when it was seen."""


@dataclass(frozen=True)
class Session:
    """One browser that a user is logged in with."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str | None
    agent: str | None


class Sessions(Keeper):
    """The logins of a database's users."""

    def __init__(
        self, database: Database, *, idle: timedelta, lifetime: timedelta, clock: Clock | None = None
    ) -> None:
        """`idle`: how long a login lives unused; `lifetime`: how long at most."""
        super().__init__(database, clock)
        self._idle = idle
        self._lifetime = lifetime

    def open(
        self,
        user: User,
        *,
        address: str | None = None,
        agent: str | None = None,
        replacing: str | None = None,
    ) -> str | None:
        """Log a user in whose password was just checked; the new cookie's secret.

        The login that the browser had before ends (`replacing` is its cookie). None if the user was removed,
        or the password changed, since it was checked.
        """
        secret = new_secret()

        def act(held: Held, now: datetime) -> str | None:
            row = held.row(access.USER_TO_CHANGE, the_id=user.id)
            if row is None or row.password_changed_at != user.password_changed_at:
                return None
            held.run(access.DROP_EXPIRED, the_now=now)
            if replacing:
                held.run(access.END_SESSION_BY_HASH, the_token_hash=digest(replacing))
            held.insert(
                access.ADD_SESSION,
                user_id=user.id,
                token_hash=digest(secret),
                created_at=now,
                last_seen_at=now,
                expires_at=now + self._lifetime,
                address=_short(address, 64),
                agent=_short(agent, 255),
            )
            held.run(access.NOTE_LOGIN, the_id=user.id, last_login_at=now)
            return secret

        return self._do(act)

    def identify(self, cookie: str, *, in_use: bool = True) -> Identity | None:
        """Whose login that cookie is; None if it is none, or one that has ended.

        `in_use`: a person asks, and not a page that keeps itself fresh, for which a login does not live on.
        """
        row = self._row(access.SESSION, the_token_hash=digest(cookie))
        now = self._clock.now()
        if row is None or not self._lives(row, now):
            return None
        if in_use and now - row.last_seen_at >= SEEN_EVERY:
            self._note_use(access.NOTE_SEEN, the_id=row.id, last_seen_at=now)
        return Identity(row.name, Role(row.role), "session", row.id)

    def of(self, user: User) -> list[Session]:
        """Where a user is logged in, the one used last at the top."""
        now = self._clock.now()
        rows = self._rows(access.SESSIONS_OF, the_user_id=user.id)
        return [_session(row) for row in rows if self._lives(row, now)]

    def end(self, session_id: int, user: User, *, actor: str) -> bool:
        """End one of a user's logins; whether there was such a one."""

        def act(held: Held, now: datetime) -> bool:
            ended = held.run(access.END_SESSION, the_id=session_id, the_user_id=user.id) > 0
            if ended:
                note(held, now, "session_revoked", actor, user=user.name, id=session_id)
            return ended

        return self._do(act)

    def end_own(self, cookie: str) -> None:
        """Log out the browser that has this cookie."""
        self._do(lambda held, _: held.run(access.END_SESSION_BY_HASH, the_token_hash=digest(cookie)))

    def _lives(self, row: Any, now: datetime) -> bool:
        # By its age, not by `expires_at` alone: a setting that was lowered since holds for it, too.
        young = now < row.expires_at and now - row.created_at < self._lifetime
        return bool(young and now - row.last_seen_at < self._idle)


def _session(row: Any) -> Session:
    return Session(row.id, row.created_at, row.last_seen_at, row.expires_at, row.address, row.agent)


def _short(text: str | None, limit: int) -> str | None:
    return clean(text)[:limit] if text else None
