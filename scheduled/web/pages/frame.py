"""What surrounds every page, by itself: how the daemon is, asked for again and again while one looks."""

from fastapi import APIRouter, Depends, Request, Response

from scheduled.web.pages.common import Viewer, note_vitals
from scheduled.web.rendering import page

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])


@router.get("/pulse", name="pulse")
def pulse(request: Request, _identity: Viewer) -> Response:
    """The sign of the header and the notices below it, for the script that keeps them fresh."""
    return page(request, "pulse.html")
