"""One's own account: the password, API tokens, and where one is logged in."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request, Response

from scheduled.access.identity import Identity, Role
from scheduled.access.users import User, role_named
from scheduled.web.agents import agent_words
from scheduled.web.forwarded import client_address
from scheduled.web.links import link
from scheduled.web.logins import REFUSALS, logged_in, require_same, to_page
from scheduled.web.pages.common import OfSite, Viewer, note_vitals
from scheduled.web.problems import ProblemError
from scheduled.web.rendering import page
from scheduled.web.site import Site

Text = Annotated[str, Form(max_length=2000)]
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Days = Annotated[int, Form(ge=0, le=36_500)]
router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])


@router.get("/account", name="account")
def account(request: Request, site: OfSite, identity: Viewer) -> Response:
    """Who one is here, and what one has."""
    return _page(request, site, identity)


@router.post("/account/password", name="change_password")
def change_password(
    request: Request,
    site: OfSite,
    identity: Viewer,
    current: Text = "",
    password: Text = "",
    again: Text = "",
) -> Response:
    """Another password. All logins end; this browser gets a new one."""
    user = _own(site, identity)
    site.gate.attempts.note(client_address(request.scope), user.name)
    try:
        with site.gate.room.enter():
            if site.gate.users.check(user.name, current) is None:
                return _page(request, site, identity, 400, fault="the current password is wrong")
            require_same(password, again)
            site.gate.users.set_password(user.name, password, actor=identity.name)
    except REFUSALS as error:
        return _page(request, site, identity, 400, fault=str(error))
    site.gate.attempts.succeeded(client_address(request.scope), user.name)
    answer = logged_in(request, site.gate.users.require(user.name), link(request, "account"))
    return answer or to_page(request, "login")


@router.post("/account/tokens", name="make_token")
def make_token(
    request: Request,
    site: OfSite,
    identity: Viewer,
    name: Text = "",
    role: Text = str(Role.VIEWER),
    days: Days = 0,
) -> Response:
    """An API token, which this answer alone shows."""
    user = _own(site, identity)
    expires_at = site.clock.now() + timedelta(days=days) if days else None
    try:
        secret = site.gate.tokens.make(user, name, role_named(role), expires_at, actor=identity.name)
    except REFUSALS as error:
        return _page(request, site, identity, 400, fault=str(error))
    return _page(request, site, identity, made=(name, secret))


@router.post("/account/tokens/{token_id}/revoke", name="revoke_token")
def revoke_token(request: Request, site: OfSite, identity: Viewer, token_id: Id) -> Response:
    """Make a token good for nothing."""
    site.gate.tokens.revoke(token_id, _own(site, identity), actor=identity.name)
    return to_page(request, "account")


@router.post("/account/sessions/{session_id}/revoke", name="revoke_session")
def revoke_session(request: Request, site: OfSite, identity: Viewer, session_id: Id) -> Response:
    """Log another browser out."""
    site.gate.sessions.end(session_id, _own(site, identity), actor=identity.name)
    return to_page(request, "account")


def _own(site: Site, identity: Identity) -> User:
    """The user whose account it is. Only who has logged in has one: a token makes no other token."""
    if identity.how != "session":
        raise ProblemError(403, "only who has logged in with a password can change an account")
    return site.gate.users.require(identity.name)


def _page(request: Request, site: Site, identity: Identity, status: int = 200, **told: Any) -> Response:
    own = _own(site, identity) if identity.how == "session" else None
    shown = {
        "fault": None,
        "made": None,
        "tokens": site.gate.tokens.of(own) if own else [],
        "sessions": site.gate.sessions.of(own) if own else [],
        "roles": [role for role in Role if identity.role.allows(role)],
        "own": own,
        "agent_words": agent_words,
    }
    return page(request, "account.html", status=status, title="Account", section="account", **(shown | told))
