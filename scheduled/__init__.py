"""Runs an application's background jobs on a schedule from one small process, and accounts for every one."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scheduled.context import JobContext, SkipJob
    from scheduled.definitions import Schedule, command, job
    from scheduled.embedding import Daemon
    from scheduled.errors import ExpressionError, ScheduledError
    from scheduled.instants import upcoming
    from scheduled.lives import DaemonStatus
    from scheduled.loading import load
    from scheduled.registry import Registry
    from scheduled.settings import Settings, load_settings

_HOMES = {
    "Daemon": "scheduled.embedding",
    "DaemonStatus": "scheduled.lives",
    "ExpressionError": "scheduled.errors",
    "JobContext": "scheduled.context",
    "Registry": "scheduled.registry",
    "Schedule": "scheduled.definitions",
    "ScheduledError": "scheduled.errors",
    "Settings": "scheduled.settings",
    "SkipJob": "scheduled.context",
    "command": "scheduled.definitions",
    "job": "scheduled.definitions",
    "load": "scheduled.loading",
    "load_settings": "scheduled.settings",
    "upcoming": "scheduled.instants",
}

__all__ = [
    "Daemon",
    "DaemonStatus",
    "ExpressionError",
    "JobContext",
    "Registry",
    "Schedule",
    "ScheduledError",
    "Settings",
    "SkipJob",
    "command",
    "job",
    "load",
    "load_settings",
    "upcoming",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `scheduled --help` loads next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'scheduled' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
