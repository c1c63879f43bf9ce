"""What ran: a list to search."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from scheduled.store import run_lists
from scheduled.store.searching import Filter
from scheduled.web.curtain import Curtain
from scheduled.web.finding import LASTS, RunsWanted, runs_wanted
from scheduled.web.pages.common import OfSite, Viewer, note_vitals
from scheduled.web.rendering import page
from scheduled.web.showing import tells_of
from scheduled.web.site import Site
from scheduled.words import Status

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])
PAGE = 50
Name = Annotated[str, Query(max_length=64)]
Text = Annotated[str, Query(max_length=200)]


def asked(
    status: Annotated[list[str], Query(max_length=20, default_factory=list)],
    schedule: Name = "",
    job: Name = "",
    q: Text = "",
    last: Name = "",
    since: Name = "",
    until: Name = "",
    before: Name = "",
) -> RunsWanted:
    """Which runs are asked for."""
    given = {"schedule": schedule, "job": job, "q": q, "last": last, "since": since, "until": until}
    return runs_wanted(status=status, before=before, **given)


@router.get("/runs", name="runs")
def runs(
    request: Request, site: OfSite, _identity: Viewer, wanted: Annotated[RunsWanted, Depends(asked)]
) -> Response:
    """The newest runs that are wanted."""
    found = _found(site, wanted)
    rows = found.rows
    curtain = Curtain.of(site.settings.redact)
    for row in rows:
        row["error_message"] = curtain.text(row["error_message"])
    older = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    told: dict[str, Any] = {"title": "Runs", "section": "runs", "live": wanted.before is None}
    told |= {"lasts": LASTS, "statuses": tuple(Status), "searched": run_lists.SEARCHED}
    return page(
        request, "runs.html", **told, rows=rows[:PAGE], wanted=wanted, older=older, down_to=found.down_to
    )


def _found(site: Site, wanted: RunsWanted) -> run_lists.Found:
    """One row more than a page."""
    asked = Filter(
        *(wanted.schedule or None, wanted.job or None, wanted.status),
        *(wanted.begin(site.clock.now()), wanted.end(), wanted.q or None),
    )
    fits = tells_of(wanted.q, site.settings.redact)
    return run_lists.find_runs(site.database, asked, PAGE + 1, wanted.before, fits)
