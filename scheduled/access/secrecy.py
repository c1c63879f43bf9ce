"""Random secrets, and what is kept of them: a hash, from which nobody finds the secret again."""

import hmac
import secrets
from hashlib import sha256

__all__ = ["csrf_token", "digest", "new_code", "new_secret", "same"]

CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are taken for one another."""


def new_secret() -> str:
    """256 random bits, as text that fits a cookie and a header."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """Eighty random bits that a person can copy by hand: four groups of four letters."""
    letters = [secrets.choice(CODE_LETTERS) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


def digest(secret: str) -> str:
    """What is kept of a random secret. (A password needs more: see `passwords`.)"""
    return sha256(_bytes(secret)).hexdigest()


def csrf_token(cookie: str) -> str:
    """What a form carries to prove that its page came from us: made from the cookie that only we can read."""
    return hmac.new(_bytes(cookie), b"scheduled csrf", sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether both are the same, found in a time that tells nothing of where they differ."""
    return hmac.compare_digest(_bytes(one), _bytes(other))


def _bytes(text: str) -> bytes:
    """Whatever a request can hold, also what is no proper text."""
    return text.encode("utf-8", "surrogatepass")
