"""Passwords: which are good enough, and their argon2 hashes. Making or checking one takes a while."""

from functools import cache
from typing import TYPE_CHECKING
from unicodedata import normalize

from scheduled.errors import ScheduledError, UsageError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["LEAST", "LONGEST", "check", "hashed", "outdated", "require_good"]

LEAST = 10
LONGEST = 1000
"""Letters. More would only let somebody keep the hashing busy."""


def require_good(password: str, name: str) -> None:
    """Refuse a password that `name` should not have.

    Raises:
        UsageError: it is too short, too long, or the name.
    """
    if len(password) < LEAST:
        raise UsageError(f"the password has fewer than {LEAST} characters: choose a longer one")
    if len(password) > LONGEST:
        raise UsageError(f"the password has more than {LONGEST} characters: choose a shorter one")
    if password.strip().casefold() == name.casefold():
        raise UsageError("the password is the user's name: choose another one")


def hashed(password: str) -> str:
    """The hash that is kept of a password."""
    return _hasher().hash(_bytes(password))


def check(password: str, known: str | None) -> bool:
    """Whether the hash `known` is this password's.

    Without a hash, because there is no such user, it takes as long, so that nobody learns who there is.
    """
    hasher, nobodys = _hasher(), _nobodys()
    from argon2.exceptions import Argon2Error, InvalidHashError

    if len(password) > LONGEST:
        return False
    try:
        hasher.verify(nobodys if known is None else known, _bytes(password))
    except (Argon2Error, InvalidHashError):
        return False
    return known is not None


def outdated(known: str) -> bool:
    """Whether a hash was made with other parameters than are right today."""
    return _hasher().check_needs_rehash(known)


def _bytes(password: str) -> bytes:
    """One spelling of letters that look the same, because keyboards differ in how they compose them."""
    return normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _hasher() -> "PasswordHasher":
    """argon2id with the parameters that its library recommends today.

    Raises:
        ScheduledError: the library is not installed.
    """
    try:
        from argon2 import PasswordHasher
    except ModuleNotFoundError:
        raise ScheduledError("passwords need argon2-cffi: install scheduled-daemon[web]") from None
    return PasswordHasher()


@cache
def _nobodys() -> str:
    """The hash of a password that nobody has."""
    return hashed("nobody has this password")
