"""The only place that asks for the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import TZPATH


class Clock:
    """The system's clock. Tests and simulations hand in one of their own."""

    def now(self) -> datetime:
        """This instant: aware, UTC, with microseconds."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never step; they stand still while the host sleeps (on Linux)."""
        return time.monotonic()

    def since_boot(self) -> float:
        """Seconds that never step and go on while the host sleeps, where the system has such a clock."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    def wait(self, wait: Callable[[float], object], seconds: float) -> None:
        """Let `seconds` pass, by `wait(seconds)`, which may come back early."""
        wait(seconds)


def zone_data_version() -> str:
    """Which release of the time zone data zoneinfo reads: the system's, else the tzdata package's."""
    for folder in TZPATH:
        if (file := Path(folder, "tzdata.zi")).is_file():
            with file.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version ").strip()
        if (file := Path(folder, "+VERSION")).is_file():
            return file.read_text(encoding="utf-8").strip()
    import tzdata  # type: ignore[import-untyped, unused-ignore]

    return str(tzdata.IANA_VERSION)
