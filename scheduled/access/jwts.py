"""JWT bearer tokens: another application, which shares a secret with us, says who somebody is."""

from datetime import datetime, timedelta
from typing import Any

from scheduled.access.identity import Identity, Role
from scheduled.errors import ScheduledError

__all__ = ["JwtError", "identity_of"]

LEEWAY = timedelta(seconds=10)
"""How far the clock of whoever signed may be from ours."""
ALGORITHMS = ["HS256"]
LONGEST = 8192
"""Letters. Ours to judge are short; a long one would only cost time."""
FAR = 1e12
"""Seconds: an instant that no clock will show."""


class JwtError(ScheduledError):
    """A JWT that is not good: why not, without anything secret."""


def identity_of(token: str, secret: str, now: datetime) -> Identity:
    """Whom a JWT is about, if whoever has the secret signed it and it is good `now`.

    Raises:
        JwtError: it is not good.
    """
    claims = _claims(token, secret)
    _require_in_time(claims, now.timestamp())
    return Identity(_name(claims), _role(claims), "jwt")


def _claims(token: str, secret: str) -> dict[str, Any]:
    try:
        import jwt
    except ModuleNotFoundError:
        raise ScheduledError("JWT_SECRET is set, which needs pyjwt: install scheduled-daemon[web]") from None
    # The times are judged by our own clock, below.
    options: Any = {"require": ["exp"]} | dict.fromkeys(
        ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_sub"), False
    )
    if len(token) > LONGEST:
        raise JwtError("it is too long")
    try:
        return dict(jwt.decode(token, secret, algorithms=ALGORITHMS, options=options))
    except jwt.InvalidSignatureError:
        raise JwtError("it was not signed with JWT_SECRET") from None
    except jwt.InvalidAlgorithmError:
        raise JwtError("it is not signed by HS256") from None
    except jwt.MissingRequiredClaimError:
        raise JwtError("it has no claim exp, so it would never expire") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise JwtError("it is no JWT") from None


def _require_in_time(claims: dict[str, Any], now: float) -> None:
    if _seconds(claims, "exp") + LEEWAY.total_seconds() <= now:
        raise JwtError("it has expired")
    if "nbf" in claims and _seconds(claims, "nbf") - LEEWAY.total_seconds() > now:
        raise JwtError("it is not good yet")


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < FAR:
        raise JwtError(f"its claim {name} is no time in seconds")
    return float(value)


def _name(claims: dict[str, Any]) -> str:
    value = claims.get("sub") or claims.get("name")
    if not isinstance(value, str) or not value.strip() or len(value) > 255 or not value.isprintable():
        raise JwtError("it has no claim sub or name that tells whom it is about")
    return value.strip()


def _role(claims: dict[str, Any]) -> Role:
    value = claims.get("role")
    try:
        return Role(str(value).upper())
    except ValueError:
        raise JwtError(f"its claim role is none of {', '.join(Role)}") from None
