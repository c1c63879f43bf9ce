"""Cookies of logins, and the forms that come before one."""

from typing import Any, TypedDict

from fastapi import Request, Response
from starlette.responses import RedirectResponse

from scheduled.access import secrecy
from scheduled.access.users import User
from scheduled.errors import ConflictError, UsageError
from scheduled.web.forwarded import client_address
from scheduled.web.gate import is_own_form, session_cookie
from scheduled.web.links import link
from scheduled.web.origins import from_elsewhere
from scheduled.web.rendering import page
from scheduled.web.site import site_of

GUEST = "scheduled_guest"
"""The cookie of a browser that shows a form before anybody has logged in with it."""
REFUSALS = (UsageError, ConflictError)
"""What is wrong with what somebody typed into a form, to be told beside it."""


class _Attributes(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Any


def form(request: Request, template: str, status: int = 200, **told: Any) -> Response:
    """A page with a form for somebody who has not logged in."""
    guest = request.cookies.get(GUEST) or secrecy.new_secret()
    request.state.csrf = secrecy.csrf_token(guest)
    answer = page(request, template, status=status, **({"fault": None} | told))
    answer.set_cookie(GUEST, guest, **_attributes(request))
    return answer


def is_own(request: Request, token: str) -> bool:
    """Whether such a form was sent from our own page."""
    return not from_elsewhere(request) and is_own_form(request.cookies.get(GUEST), token)


def logged_in(request: Request, user: User, path: str) -> Response | None:
    """An answer that logs the browser in and sends it on; None if the user is not what they were just now."""
    site, name = site_of(request), session_cookie(request)
    address = client_address(request.scope)
    cookie = site.gate.sessions.open(
        user,
        address=None if address is None else str(address),
        agent=request.headers.get("user-agent"),
        replacing=request.cookies.get(name),
    )
    if cookie is None:
        return None
    answer = RedirectResponse(path, 303)
    lifetime = site.settings.session_lifetime_ms // 1000
    answer.set_cookie(name, cookie, max_age=lifetime, **_attributes(request))
    answer.delete_cookie(GUEST, **_attributes(request))
    return answer


def forget(request: Request, answer: Response) -> None:
    """Have the browser forget its login."""
    answer.delete_cookie(session_cookie(request), **_attributes(request))


def require_same(password: str, again: str) -> None:
    """Refuse a new password that was not typed twice alike.

    Raises:
        UsageError: it was not.
    """
    if password != again:
        raise UsageError("the two passwords differ: type the same one twice")


def to_page(request: Request, name: str, **parameters: Any) -> RedirectResponse:
    """An answer that sends a browser on to one of our pages."""
    return RedirectResponse(link(request, name, **parameters), 303)


def _attributes(request: Request) -> _Attributes:
    path = request.scope.get("root_path") or "/"
    return {"path": path, "secure": request.url.scheme == "https", "httponly": True, "samesite": "lax"}
