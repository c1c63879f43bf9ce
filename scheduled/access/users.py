"""The users of the admin: who there is, what each may do, and their passwords."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from scheduled.access import passwords
from scheduled.access.identity import Role
from scheduled.access.keeping import Keeper, note
from scheduled.errors import ConflictError, DuplicateError, UnknownNameError, UsageError, did_you_mean
from scheduled.store import access
from scheduled.store.held import Held

__all__ = ["User", "Users", "role_named", "tidy_name"]

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True)
class User:
    """Somebody who may log in."""

    id: int
    name: str
    role: Role
    created_at: datetime
    password_changed_at: datetime
    last_login_at: datetime | None
    password_hash: str = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """What may be told of them. The keys are stable."""
        return {
            "name": self.name,
            "role": str(self.role),
            "created_at": self.created_at,
            "password_changed_at": self.password_changed_at,
            "last_login_at": self.last_login_at,
        }


class Users(Keeper):
    """The users of a database. `actor` is whom the audit names for a change."""

    def exist(self) -> bool:
        """Whether there is any."""
        return self._row(access.ANY_USER) is not None

    def all(self) -> list[User]:
        """All of them, by name."""
        return [_user(row) for row in self._rows(access.USERS)]

    def named(self, name: str) -> User | None:
        """The one of that name, in upper or lower case; None if there is none."""
        row = self._row(access.USER, the_name=name.strip().lower()[:65])
        return None if row is None else _user(row)

    def require(self, name: str) -> User:
        """The one of that name, in upper or lower case.

        Raises:
            UnknownNameError: there is none.
        """
        return _one_of(self.all(), name)

    def add(self, name: str, role: Role, password: str, *, actor: str, only_as_first: bool = False) -> User:
        """Let somebody in; with `only_as_first`, only if there is nobody yet.

        Raises:
            UsageError: the name or the password will not do.
            ConflictError: there is such a user already, or one at all.
        """
        name = tidy_name(name)
        passwords.require_good(password, name)
        known = passwords.hashed(password)

        def act(held: Held, now: datetime) -> None:
            if only_as_first and held.rows(access.USERS_TO_CHANGE):
                raise ConflictError("there is a user already")
            values = {"name": name, "role": str(role), "password_hash": known}
            held.insert(access.ADD_USER, **values, password_changed_at=now, created_at=now)
            note(held, now, "user_added", actor, user=name, role=str(role))

        try:
            self._do(act)
        except DuplicateError:
            raise ConflictError(
                f"there is a user {name!r} already: `scheduled user passwd {name}` changes the password"
            ) from None
        return self.require(name)

    def set_role(self, name: str, role: Role, *, actor: str, force: bool = False) -> bool:
        """Change what somebody may do, at once; whether it was another role before.

        Raises:
            UnknownNameError: there is no such user.
            ConflictError: without `force`: it is the last ADMIN.
        """

        def act(held: Held, now: datetime) -> bool:
            everybody = [_user(row) for row in held.rows(access.USERS_TO_CHANGE)]
            user = _one_of(everybody, name)
            if user.role == role:
                return False
            if not force:
                _require_another_admin(user, everybody)
            held.run(access.SET_ROLE, the_id=user.id, role=str(role))
            note(held, now, "user_role_changed", actor, user=user.name, role=str(role), before=str(user.role))
            return True

        return self._do(act)

    def set_password(self, name: str, password: str, *, actor: str) -> None:
        """Change somebody's password. Wherever they are logged in, they are not any more.

        Raises:
            UnknownNameError: there is no such user.
            UsageError: the password will not do.
        """
        passwords.require_good(password, name.strip())
        self.require(name)
        known = passwords.hashed(password)

        def act(held: Held, now: datetime) -> None:
            user = _one_of([_user(row) for row in held.rows(access.USERS_TO_CHANGE)], name)
            held.run(access.SET_PASSWORD, the_id=user.id, password_hash=known, password_changed_at=now)
            held.run(access.END_SESSIONS_OF, the_user_id=user.id)
            note(held, now, "user_password_changed", actor, user=user.name)

        self._do(act)

    def remove(self, name: str, *, actor: str, force: bool = False) -> None:
        """Let somebody in no more: their logins and tokens end with them.

        Raises:
            UnknownNameError: there is no such user.
            ConflictError: without `force`: it is the last ADMIN.
        """

        def act(held: Held, now: datetime) -> None:
            everybody = [_user(row) for row in held.rows(access.USERS_TO_CHANGE)]
            user = _one_of(everybody, name)
            if not force:
                _require_another_admin(user, everybody)
            held.run(access.END_SESSIONS_OF, the_user_id=user.id)
            held.run(access.DROP_TOKENS_OF, the_user_id=user.id)
            held.run(access.REMOVE_USER, the_id=user.id)
            note(held, now, "user_removed", actor, user=user.name, role=str(user.role))

        self._do(act)

    def check(self, name: str, password: str) -> User | None:
        """The user whose name and password these are; None if they are nobody's. Takes long on purpose."""
        user = self.named(name)
        if not passwords.check(password, user.password_hash if user else None) or user is None:
            return None
        if passwords.outdated(user.password_hash):
            self._hash_again(user, password)
            return self.named(name)
        return user

    def _hash_again(self, user: User, password: str) -> None:
        known = passwords.hashed(password)
        values = {"the_id": user.id, "known": user.password_hash, "password_hash": known}
        self._do(lambda held, now: held.run(access.HASH_AGAIN, **values))


def tidy_name(name: str) -> str:
    """A user's name as it is kept: in lower case.

    Raises:
        UsageError: it has what a name must not have.
    """
    tidy = name.strip().lower()
    if not NAME.fullmatch(tidy):
        raise UsageError(
            f"{name[:80]!r} is no name for a user: at most 64 letters (a to z), digits and . _ @ + - "
            "that begin with a letter or digit"
        )
    return tidy


def role_named(text: str) -> Role:
    """The role of that name, in upper or lower case.

    Raises:
        UsageError: there is none.
    """
    try:
        return Role(text.strip().upper())
    except ValueError:
        raise UsageError(f"there is no role {text[:80]!r}: {did_you_mean(text, map(str, Role))}") from None


def _user(row: Any) -> User:
    return User(
        id=row.id,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        password_changed_at=row.password_changed_at,
        last_login_at=row.last_login_at,
        password_hash=row.password_hash,
    )


def _one_of(everybody: Iterable[User], name: str) -> User:
    known = {user.name: user for user in everybody}
    if (user := known.get(name.strip().lower())) is None:
        raise UnknownNameError(f"there is no user {name[:80]!r}: {did_you_mean(name, known)}")
    return user


def _require_another_admin(user: User, everybody: Iterable[User]) -> None:
    others = [other for other in everybody if other.role is Role.ADMIN and other.id != user.id]
    if user.role is Role.ADMIN and not others:
        raise ConflictError(
            f"{user.name} is the last ADMIN: make somebody else one first "
            f"(`scheduled user role NAME {Role.ADMIN}`); only the command goes on regardless, with --force"
        )
