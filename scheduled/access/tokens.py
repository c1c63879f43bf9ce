"""API tokens: random secrets for programs, shown once when they are made. Their hashes are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduled.access.identity import Identity, Role
from scheduled.access.keeping import Keeper, note
from scheduled.access.secrecy import digest, new_secret
from scheduled.access.users import User
from scheduled.errors import ConflictError, UsageError
from scheduled.running.tail import clean
from scheduled.store import access
from scheduled.store.held import Held

__all__ = ["PREFIX", "Token", "Tokens"]

PREFIX = "sch_"
"""What our tokens begin with, so that a leaked one is known for what it is."""
HINT = len(PREFIX) + 4
USED_EVERY = timedelta(minutes=1)
"""Not every request writes when the token was used."""


@dataclass(frozen=True)
class Token:
    """An API token, without its secret."""

    id: int
    name: str
    role: Role
    hint: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Tokens(Keeper):
    """The API tokens of a database's users."""

    def make(self, owner: User, name: str, role: Role, expires_at: datetime | None, *, actor: str) -> str:
        """Make a token that is good until `expires_at`, or without end; its secret, which nobody sees again.

        Raises:
            UsageError: its role is above its owner's, or the name or the expiry will not do.
            ConflictError: the owner was removed meanwhile.
        """
        name = clean(name).strip()
        if not name or len(name) > 64:
            raise UsageError("a token needs a name of at most 64 letters, by which you know what uses it")
        if expires_at is not None and expires_at <= self._clock.now():
            raise UsageError(f"{expires_at.isoformat()} has passed: a token expires in the future")
        secret = PREFIX + new_secret()

        def act(held: Held, now: datetime) -> str:
            row = held.row(access.USER_TO_CHANGE, the_id=owner.id)
            if row is None:
                raise ConflictError(f"there is no user {owner.name!r} any more")
            if not Role(row.role).allows(role):
                raise UsageError(f"{owner.name} is {row.role}: a token of theirs may not be {role}")
            token_id = held.insert(
                access.ADD_TOKEN,
                user_id=owner.id,
                name=name,
                role=str(role),
                token_hash=digest(secret),
                hint=secret[:HINT],
                created_at=now,
                expires_at=expires_at,
            )
            expiry = None if expires_at is None else expires_at.isoformat()
            facts = {"called": name, "id": token_id, "role": str(role), "expires_at": expiry}
            note(held, now, "token_created", actor, user=owner.name, **facts)
            return secret

        return self._do(act)

    def identify(self, secret: str) -> Identity | None:
        """Whose token that is; None if it is none, or not any more.

        It may never do more than its owner may today.
        """
        row = self._row(access.TOKEN, the_token_hash=digest(secret))
        now = self._clock.now()
        if row is None or row.revoked_at is not None or (row.expires_at and row.expires_at <= now):
            return None
        if row.last_used_at is None or now - row.last_used_at >= USED_EVERY:
            self._note_use(access.NOTE_USED, the_id=row.id, last_used_at=now)
        role, owners = Role(row.token_role), Role(row.role)
        return Identity(row.name, role if owners.allows(role) else owners, "token")

    def of(self, owner: User) -> list[Token]:
        """A user's tokens, the newest first, those that were revoked among them."""
        return [_token(row) for row in self._rows(access.TOKENS_OF, the_user_id=owner.id)]

    def revoke(self, token_id: int, owner: User, *, actor: str) -> bool:
        """Make a token good for nothing, at once; whether it was good for anything before."""

        def act(held: Held, now: datetime) -> bool:
            values = {"the_id": token_id, "the_user_id": owner.id, "revoked_at": now}
            revoked = held.run(access.REVOKE_TOKEN, **values) > 0
            if revoked:
                note(held, now, "token_revoked", actor, user=owner.name, id=token_id)
            return revoked

        return self._do(act)


def _token(row: Any) -> Token:
    times = (row.created_at, row.expires_at, row.last_used_at, row.revoked_at)
    return Token(row.id, row.name, Role(row.role), row.hint, *times)
