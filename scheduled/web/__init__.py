"""The admin: pages for people under /admin, and an API for programs under /api. Needs the extra `web`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scheduled.web.app import create_app as create_app

__all__ = ["create_app"]


def __getattr__(name: str) -> Any:
    """`create_app` is imported when it is asked for: FastAPI takes long to import."""
    if name != "create_app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from scheduled.web.app import create_app

    return create_app
