"""How often somebody may try to log in, and how many passwords are checked at once."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from scheduled.clock import Clock
from scheduled.web.forwarded import Address
from scheduled.web.problems import ProblemError

PER_ADDRESS = RateLimitItemPerMinute(30, 5, namespace="address")
PER_NAME = RateLimitItemPerMinute(10, 5, namespace="name and address")
PER_NAME_ANYWHERE = RateLimitItemPerMinute(200, 5, namespace="name")
"""Far above, so that nobody shuts somebody else out by guessing at their name from one place."""
AT_ONCE = 2
"""Checks, each of which takes 64 MB and a tenth of a second."""
WAITING = 8


class TooOftenError(ProblemError):
    """Somebody tries again and again."""

    def __init__(self, seconds: int) -> None:
        minutes = math.ceil(seconds / 60)
        told = f"too many attempts: try again in {minutes} minute{'s' if minutes > 1 else ''}"
        super().__init__(429, told, {"Retry-After": str(seconds)})


class Attempts:
    """Counts attempts by the address that they come from, and by the name that they are for."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def note(self, address: Address | None, name: str) -> None:
        """Count one, before it is made.

        Raises:
            TooOftenError: it must not be made yet.
        """
        network = _network(address)
        for limit, *key in ((PER_ADDRESS, network), (PER_NAME, name, network), (PER_NAME_ANYWHERE, name)):
            if not self._limiter.hit(limit, *key):
                # By the system's clock, because that is what counts them.
                left = self._limiter.get_window_stats(limit, *key).reset_time - Clock().now().timestamp()
                raise TooOftenError(max(1, math.ceil(left)))

    def succeeded(self, address: Address | None, name: str) -> None:
        """Forget those for that name from there. Not those from there: others may be tried, too."""
        self._limiter.clear(PER_NAME, name, _network(address))


class Room:
    """Has room for so many at once; some more may wait, and all others are sent away."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._slots = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be one of them, within the block; it may wait for its turn.

        Raises:
            ProblemError: it is full.
        """
        if not self._places.acquire(blocking=False):
            raise ProblemError(503, "too many log in at this moment: try again", {"Retry-After": "2"})
        try:
            with self._slots:
                yield
        finally:
            self._places.release()


def _network(address: Address | None) -> str:
    """What one attacker has: an address, or of IPv6 a whole network of them."""
    if address is None:
        return "unknown"
    return str(address) if address.version == 4 else address.exploded[:19]
