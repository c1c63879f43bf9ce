"""Addresses that people try by hand, and where they lead."""

from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from scheduled.web.gate import public
from scheduled.web.links import link

LEAD_TO = {
    "/": "schedules",
    "/admin": "schedules",
    "/admin/": "schedules",
    "/api": "openapi",
}
"""By the names of routes."""


def doorways() -> APIRouter:
    """They tell nothing: so anybody may use them."""
    router = APIRouter(include_in_schema=False, dependencies=[public])
    for path, name in LEAD_TO.items():
        router.add_api_route(path, _leading_to(name), name=f"from {path}")
    return router


def _leading_to(name: str) -> Callable[[Request], Response]:
    def lead(request: Request) -> Response:
        return RedirectResponse(link(request, name))

    return lead
