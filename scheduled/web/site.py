"""What every page and every answer of the API is made from."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, cast

from fastapi import Request

from scheduled.access.identity import Identity
from scheduled.clock import Clock
from scheduled.commands import Commands
from scheduled.health import Check, glance, heartbeat
from scheduled.settings import Settings
from scheduled.store.database import Database

if TYPE_CHECKING:
    from scheduled.web.gate import Gate


FRESH_SECONDS = 2.0


@dataclass(frozen=True)
class Vitals:
    """How the daemons are."""

    checks: tuple[Check, ...]
    heartbeat_at: datetime | None
    """When one that is alive last said so."""

    @property
    def ailing(self) -> list[Check]:
        """What is not well."""
        return [check for check in self.checks if not check.ok]

    @property
    def warnings(self) -> list[Check]:
        """What is worth a look, though it may mend itself."""
        return [check for check in self.checks if check.ok and check.message.startswith("warning")]


@dataclass(frozen=True)
class Site:
    """One admin, on one database."""

    settings: Settings
    database: Database
    clock: Clock
    gate: "Gate"
    _vitals: list[tuple[float, Vitals]] = field(default_factory=list, repr=False)

    def vitals(self) -> Vitals:
        """What ails the daemon, if anything; as it was a moment ago."""
        moment = self.clock.monotonic()
        if not self._vitals or moment - self._vitals[0][0] > FRESH_SECONDS:
            now = self.clock.now()
            checks = glance(self.database, self.settings, now)
            self._vitals[:] = [(moment, Vitals(checks, heartbeat(self.database, now)))]
        return self._vitals[0][1]

    def commands(self, identity: Identity) -> Commands:
        """What they may do, under their name."""
        return Commands(self.database, identity.name, self.settings.grace_seconds, self.clock)


def site_of(request: Request) -> Site:
    """The site that serves the request."""
    return cast(Site, request.app.state.site)
