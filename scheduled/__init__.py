"""Runs an application's background jobs on a schedule from one small process, and accounts for every one."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scheduled.context import JobContext, SkipJob
    from scheduled.definitions import Schedule, command, job
    from scheduled.errors import ExpressionError
    from scheduled.instants import upcoming

_HOMES = {
    "JobContext": "scheduled.context",
    "SkipJob": "scheduled.context",
    "Schedule": "scheduled.definitions",
    "command": "scheduled.definitions",
    "job": "scheduled.definitions",
    "ExpressionError": "scheduled.errors",
    "upcoming": "scheduled.instants",
}

__all__ = ["ExpressionError", "JobContext", "Schedule", "SkipJob", "command", "job", "upcoming"]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `scheduled --help` loads next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'scheduled' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
