"""Who asks, and how much they may."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

__all__ = ["How", "Identity", "Role"]

How = Literal["session", "token", "jwt", "application"]
"""How somebody was known: by the cookie of a login, by an API token, by a JWT that another application
signed, or by the application that the admin is mounted in."""


class Role(StrEnum):
    """What somebody may do; each role may all that the ones before it may."""

    VIEWER = "VIEWER"
    """Read everything."""
    OPERATOR = "OPERATOR"
    """Run, cancel and switch, too."""
    ADMIN = "ADMIN"
    """Say who else may, too."""

    def allows(self, needed: "Role") -> bool:
        """Whether somebody with this role may do what needs the role `needed`."""
        return _ORDER.index(self) >= _ORDER.index(needed)


_ORDER = list(Role)


@dataclass(frozen=True)
class Identity:
    """Who asks: the name that their changes are written under, and how they were known."""

    name: str
    role: Role
    how: How
    session_id: int | None = None
    """The login that the request belongs to; None unless it came with the cookie of one."""

    def may(self, needed: Role) -> bool:
        """Whether they may do what needs the role `needed`."""
        return self.role.allows(needed)
