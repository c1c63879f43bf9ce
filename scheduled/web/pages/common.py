"""What each page begins with: whether the daemon lives, and who asks."""

from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.responses import RedirectResponse

from scheduled.access.identity import Identity, Role
from scheduled.collecting import NAME, NAME_RULE
from scheduled.web.gate import need
from scheduled.web.origins import local_path
from scheduled.web.problems import ProblemError
from scheduled.web.site import Site, site_of

Viewer = Annotated[Identity, need(Role.VIEWER)]
Operator = Annotated[Identity, need(Role.OPERATOR)]
Admin = Annotated[Identity, need(Role.ADMIN)]
OfSite = Annotated[Site, Depends(site_of)]


def note_vitals(request: Request) -> None:
    """Let the page tell what ails the daemon."""
    request.state.vitals = site_of(request).vitals()


def _schedule_id(schedule_id: str) -> str:
    if not NAME.fullmatch(schedule_id):
        raise ProblemError(404, f"there is no schedule {schedule_id[:100]!r}: {NAME_RULE}")
    return schedule_id


def number(text: str, what: str) -> int:
    """A row's id of an address.

    Raises:
        ProblemError: no row can have it.
    """
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63):
        raise ProblemError(404, f"there is no {what} {text[:100]!r}")
    return int(text)


def _occurrence_id(occurrence_id: str) -> int:
    return number(occurrence_id, "occurrence")


def _run_id(run_id: str) -> int:
    return number(run_id, "run")


ScheduleId = Annotated[str, Depends(_schedule_id)]
OccurrenceId = Annotated[int, Depends(_occurrence_id)]
RunId = Annotated[int, Depends(_run_id)]


def done(request: Request, back: str, otherwise: str) -> Response:
    """A change was made: go on with a page, the one that somebody came from if it is one of ours."""
    came_from = local_path(back)
    ours = request.scope.get("root_path", "") + "/admin/"
    return RedirectResponse(came_from if came_from and came_from.startswith(ours) else otherwise, 303)
