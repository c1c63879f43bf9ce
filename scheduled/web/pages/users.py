"""Who else may use the admin, for those who say so."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from scheduled.access.identity import Role
from scheduled.access.users import role_named
from scheduled.web.logins import REFUSALS, require_same, to_page
from scheduled.web.pages.common import Admin, OfSite, note_vitals
from scheduled.web.rendering import page
from scheduled.web.site import Site

Text = Annotated[str, Form(max_length=2000)]
router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])


@router.get("/users", name="users")
def users(request: Request, site: OfSite, _identity: Admin) -> Response:
    """Everybody who may log in."""
    return _page(request, site)


@router.post("/users", name="add_user")
def add_user(
    request: Request,
    site: OfSite,
    identity: Admin,
    name: Text = "",
    role: Text = str(Role.VIEWER),
    password: Text = "",
    again: Text = "",
) -> Response:
    """Let somebody in."""
    try:
        require_same(password, again)
        with site.gate.room.enter():
            site.gate.users.add(name, role_named(role), password, actor=identity.name)
    except REFUSALS as error:
        return _page(request, site, 400, str(error), name)
    return to_page(request, "users")


@router.post("/users/{user}/role", name="change_role")
def change_role(request: Request, site: OfSite, identity: Admin, user: str, role: Text = "") -> Response:
    """Change what somebody may do."""
    try:
        site.gate.users.set_role(user, role_named(role), actor=identity.name)
    except REFUSALS as error:
        return _page(request, site, 400, str(error))
    return to_page(request, "users")


@router.get("/users/{user}/remove", name="removal")
def removal(request: Request, site: OfSite, _identity: Admin, user: str) -> Response:
    """Asks once more."""
    found = site.gate.users.require(user)
    return page(request, "removal.html", title="Remove a user", section="account", user=found)


@router.post("/users/{user}/remove", name="remove_user")
def remove_user(request: Request, site: OfSite, identity: Admin, user: str) -> Response:
    """Let somebody in no more."""
    try:
        site.gate.users.remove(user, actor=identity.name)
    except REFUSALS as error:
        return _page(request, site, 400, str(error))
    return to_page(request, "users")


def _page(
    request: Request, site: Site, status: int = 200, fault: str | None = None, name: str = ""
) -> Response:
    told: dict[str, Any] = {"users": site.gate.users.all(), "roles": list(Role), "fault": fault, "name": name}
    return page(request, "users.html", status=status, title="Users", section="account", **told)
