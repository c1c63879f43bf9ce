"""What routes answer with."""

from typing import Any

from fastapi import Request, Response

from scheduled.web.showing import as_json, shown
from scheduled.web.site import site_of


def answer(request: Request, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON, in which nothing stands that looks like a secret."""
    text = as_json(shown(body, site_of(request).settings.redact))
    return Response(text.encode("utf-8", "replace"), status, headers, "application/json")
