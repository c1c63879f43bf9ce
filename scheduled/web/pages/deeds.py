"""What can be done with a schedule: switched on and off, and run now."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from scheduled.commands import read_params
from scheduled.errors import ScheduledError, UnknownNameError, UsageError
from scheduled.store import reads
from scheduled.views import described
from scheduled.web.links import link
from scheduled.web.pages.common import OfSite, Operator, ScheduleId, done, note_vitals
from scheduled.web.problems import status_of
from scheduled.web.rendering import page
from scheduled.web.site import Site

router = APIRouter(prefix="/admin/schedules/{schedule_id}", include_in_schema=False)
asking = [Depends(note_vitals)]
Text = Annotated[str, Form(max_length=2000)]
Long = Annotated[str, Form(max_length=100_000)]
Names = Annotated[list[str], Form(max_length=1000)]


@router.get("/disable", name="ask_to_disable", dependencies=asking)
def ask_to_disable(
    request: Request, site: OfSite, schedule_id: ScheduleId, _identity: Operator, back: str = ""
) -> Response:
    """Why is it to be switched off?"""
    row = _known(site, schedule_id)
    return page(request, "disable.html", title=f"Switch {row['name']} off", schedule=row, back=back)


@router.post("/disable", name="disable")
def disable(
    request: Request,
    site: OfSite,
    schedule_id: ScheduleId,
    identity: Operator,
    reason: Text = "",
    back: Text = "",
) -> Response:
    """Switch it off; what runs now, runs on."""
    site.commands(identity).disable([schedule_id], reason.strip() or None)
    return done(request, back, link(request, "schedule", schedule_id=schedule_id))


@router.post("/enable", name="enable")
def enable(
    request: Request, site: OfSite, schedule_id: ScheduleId, identity: Operator, back: Text = ""
) -> Response:
    """Switch it on."""
    site.commands(identity).enable([schedule_id])
    return done(request, back, link(request, "schedule", schedule_id=schedule_id))


@router.get("/run", name="ask_to_run", dependencies=asking)
def ask_to_run(
    request: Request,
    site: OfSite,
    schedule_id: ScheduleId,
    _identity: Operator,
    instant: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Which jobs, with which parameters, for which past instant if for one?"""
    return _run_form(request, _known(site, schedule_id), instant=instant)


@router.post("/run", name="run_now")
def run_now(
    request: Request,
    site: OfSite,
    schedule_id: ScheduleId,
    identity: Operator,
    jobs: Names = [],  # noqa: B006 - FastAPI copies it
    params: Long = "",
    instant: Text = "",
) -> Response:
    """Ask for a run, and show what becomes of it; or show the form again, with what is wrong."""
    try:
        given = read_params([line.strip() for line in params.splitlines() if line.strip()])
        asked = site.commands(identity).trigger(schedule_id, jobs, given, for_instant=_instant(instant))
    except ScheduledError as error:
        kept = {"chosen": jobs, "params": params, "instant": instant}
        return _run_form(request, _known(site, schedule_id), error, **kept)
    return done(request, "", link(request, "occurrence", occurrence_id=asked.occurrence_id))


def _run_form(
    request: Request, schedule: dict[str, Any], error: ScheduledError | None = None, **kept: Any
) -> Response:
    shown = {"chosen": [], "params": "", "instant": ""} | kept
    title = f"Run {schedule['name']} now"
    status = 200 if error is None else status_of(error)
    return page(request, "run_now.html", status=status, title=title, schedule=schedule, error=error, **shown)


def _known(site: Site, schedule_id: str) -> dict[str, Any]:
    row = reads.schedule_row(site.database, schedule_id)
    if row is None:
        raise UnknownNameError(f"there is no schedule {schedule_id!r}: it may have been renamed")
    definition = row["definition"]
    return described(row) | {
        "details": definition.get("job_details") or {},
        "preset": definition.get("params") or {},
    }


def _instant(text: str) -> datetime | None:
    """What stands in the form; nothing is none."""
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is no date and time: write it as in 2026-03-29T02:30 or 2026-03-29 02:30+02:00"
        ) from None
