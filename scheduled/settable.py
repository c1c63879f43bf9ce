"""A clock for tests, which stands still until it is told to go on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from scheduled.clock import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


class SettableClock(Clock):
    """A clock that stands still until it is told to go on."""

    def __init__(self, now: datetime = START) -> None:
        if now.tzinfo is None:
            raise ValueError(f"{now!r} has no time zone")
        self._now = now.astimezone(UTC)
        self._awake = 0.0
        self._since_boot = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._awake

    def since_boot(self) -> float:
        return self._since_boot

    def wait(self, wait: Callable[[float], object], seconds: float) -> None:
        self.advance(seconds=seconds)

    def advance(self, **duration: float) -> None:
        """Time passes: `advance(minutes=5)`. For a job to take time, let it call this."""
        passed = timedelta(**duration)
        self._now += passed
        self._awake += passed.total_seconds()
        self._since_boot += passed.total_seconds()

    def advance_to(self, moment: datetime) -> None:
        """Time passes until that instant."""
        self.advance(seconds=max(0.0, (moment - self._now).total_seconds()))

    def step(self, **duration: float) -> None:
        """Somebody sets the clock, forward or (with a negative duration) back."""
        self._now += timedelta(**duration)

    def suspend(self, **duration: float) -> None:
        """The host sleeps for so long."""
        asleep = timedelta(**duration)
        self._now += asleep
        self._since_boot += asleep.total_seconds()
