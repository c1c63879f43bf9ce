"""The operating system that we are on."""

import os

from scheduled.errors import PlatformError


def require_platform() -> None:
    """Raises PlatformError where processes and signals are not as the daemon needs them."""
    if os.name != "posix":
        raise PlatformError("scheduled runs on Linux and macOS: use WSL or a container on Windows")
