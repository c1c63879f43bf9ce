"""Where things are: paths within the admin, below whatever prefix it is mounted under."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import HTTPConnection, Request

REMEMBERED = 10_000


def link(
    request: HTTPConnection, name: str, query: Mapping[str, Any] | None = None, **parameters: Any
) -> str:
    """The path of the route of that name, with the prefix and, if given, a query string."""
    path = request.scope.get("root_path", "") + _paths(request.app)(name, tuple(parameters.items()))
    given = {key: value for key, value in (query or {}).items() if value not in (None, "", [], ())}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def _paths(app: Any) -> Callable[[str, tuple[tuple[str, Any], ...]], str]:
    """Where the app has its routes; what was asked before is remembered, for a page may have hundreds."""
    found: Callable[..., str] | None = getattr(app.state, "paths", None)
    if found is None:
        found = app.state.paths = lru_cache(REMEMBERED)(
            lambda name, items: str(app.url_path_for(name, **dict(items)))
        )
    return found


def here(request: Request) -> str:
    """The path of the page that is asked for, with its query."""
    prefix = request.scope.get("root_path", "")
    path = prefix + quote(request.scope["path"].removeprefix(prefix))
    return f"{path}?{request.url.query}" if request.url.query else path


def is_api(request: HTTPConnection) -> bool:
    """Whether a program asks, and not a browser for a page."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return not (path.startswith("/admin") or path == "/")
