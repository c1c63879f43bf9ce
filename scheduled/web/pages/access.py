"""Logging in and out, and letting the first user in."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from scheduled.access import secrecy
from scheduled.access.identity import Role
from scheduled.web.closing import is_from_here
from scheduled.web.forwarded import client_address
from scheduled.web.gate import closed_to, public, session_cookie
from scheduled.web.links import link
from scheduled.web.logins import REFUSALS, forget, form, is_own, logged_in, require_same, to_page
from scheduled.web.origins import local_path
from scheduled.web.pages.common import OfSite, Viewer
from scheduled.web.problems import ProblemError
from scheduled.web.site import Site

Text = Annotated[str, Form(max_length=2000)]
router = APIRouter(prefix="/admin", include_in_schema=False)

SETUP = "setup"
"""Under which name attempts at the setup code are counted: no user's, for it has a space."""
WRONG = "the name or the password is wrong"
STALE = "the form was too old, or cookies are switched off: try again"


@router.get("/login", name="login", dependencies=[public])
def login(request: Request, site: OfSite, next: str = "") -> Response:
    """The form to log in with."""
    _require_logins(site)
    if site.gate.is_closed():
        return to_page(request, "setup")
    return form(request, "login.html", next=next)


@router.post("/login", name="log_in", dependencies=[public])
def log_in(
    request: Request,
    site: OfSite,
    name: Text = "",
    password: Text = "",
    next: Text = "",
    csrf: Text = "",
) -> Response:
    """Log in: each time with a new cookie, so that nobody can know it beforehand."""
    _require_logins(site)
    told = {"name": name, "next": next}
    if not is_own(request, csrf):
        return form(request, "login.html", 403, fault=STALE, **told)
    known = name.strip().lower()[:65]
    site.gate.attempts.note(client_address(request.scope), known)
    with site.gate.room.enter():
        user = site.gate.users.check(known, password)
    answer = (
        None if user is None else logged_in(request, user, local_path(next) or link(request, "schedules"))
    )
    if answer is None:
        return form(request, "login.html", 401, fault=WRONG, **told)
    site.gate.attempts.succeeded(client_address(request.scope), known)
    return answer


@router.post("/logout", name="log_out")
def log_out(request: Request, site: OfSite, _identity: Viewer) -> Response:
    """End this login."""
    answer = to_page(request, "login" if site.gate.has_logins else "schedules")
    if cookie := request.cookies.get(session_cookie(request)):
        site.gate.sessions.end_own(cookie)
    forget(request, answer)
    return answer


@router.get("/setup", name="setup", dependencies=[public])
def setup(request: Request, site: OfSite, code: str = "") -> Response:
    """The form that lets the first user in."""
    return _unless_open(request, site) or form(request, "setup.html", code=code[:40])


@router.post("/setup", name="set_up", dependencies=[public])
def set_up(
    request: Request,
    site: OfSite,
    code: Text = "",
    name: Text = "",
    password: Text = "",
    again: Text = "",
    csrf: Text = "",
) -> Response:
    """Let the first user in, as ADMIN, if they can read what the process that serves has printed."""
    if (answer := _unless_open(request, site)) is not None:
        return answer
    told = {"code": code[:40], "name": name}
    if not is_own(request, csrf):
        return form(request, "setup.html", 403, fault=STALE, **told)
    site.gate.attempts.note(client_address(request.scope), f" {SETUP}")
    if not secrecy.same(code.strip().upper(), site.gate.setup_code):
        wrong = "that is not the code that the process printed when it started"
        return form(request, "setup.html", 403, fault=wrong, **told)
    try:
        require_same(password, again)
        with site.gate.room.enter():
            user = site.gate.users.add(name, Role.ADMIN, password, actor=SETUP, only_as_first=True)
            site.gate.setup_code = secrecy.new_code()
    except REFUSALS as error:
        return form(request, "setup.html", 400, fault=str(error), **told)
    return logged_in(request, user, link(request, "schedules")) or to_page(request, "login")


def _require_logins(site: Site) -> None:
    if not site.gate.has_logins:
        raise ProblemError(404, "nobody logs in here, but at the application that this is a part of")


def _unless_open(request: Request, site: Site) -> Response | None:
    """What is answered when nobody may set up anything here, or not any more."""
    _require_logins(site)
    if not site.gate.is_closed():
        return to_page(request, "login")
    if not is_from_here(request):
        raise closed_to(request)
    return None
