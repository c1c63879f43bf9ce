"""The schedules: one row each, to be searched, filtered and switched."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from scheduled.store import admin
from scheduled.views import described
from scheduled.web.drawing import strip
from scheduled.web.listing import STATES, Listing, Wanted, listing
from scheduled.web.pages.common import OfSite, Viewer, note_vitals
from scheduled.web.rendering import page
from scheduled.web.site import Site
from scheduled.web.telling import if_missed

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])


@router.get("/schedules", name="schedules")
def schedules(
    request: Request,
    site: OfSite,
    _identity: Viewer,
    q: Annotated[str, Query(max_length=200)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
) -> Response:
    """One row for each schedule that fits."""
    wanted = Wanted(q, state if state in STATES else "", number)
    found = listing(admin.index(site.database, words=bool(q.strip())), wanted, admin.PAGE)
    context: dict[str, Any] = {"wanted": wanted, "found": found, "states": STATES, "newest": admin.NEWEST}
    rows = _rows(site, found)
    return page(
        request, "schedules.html", title="Schedules", section="schedules", live=True, rows=rows, **context
    )


def _rows(site: Site, found: Listing) -> list[dict[str, Any]]:
    if not found.ids:
        return []
    newest = admin.newest_occurrences(site.database, found.ids)
    return [
        {
            **described(row),
            "strip": strip(newest[row["id"]], admin.NEWEST),
            "marks": found.marks[row["id"]],
            "if_missed": if_missed(row["definition"]),
            "overdue": _overdue(site, row),
        }
        for row in admin.some_schedules(site.database, found.ids)
    ]


def _overdue(site: Site, row: dict[str, Any]) -> bool:
    """Whether it should have been taken up long ago; while it runs, that is no wonder."""
    due, grace = row["next_run_at"], timedelta(seconds=site.settings.grace_seconds)
    return bool(row["enabled"] and row["locked_by"] is None and due and due < site.clock.now() - grace)
