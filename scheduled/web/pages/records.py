"""The workers, and the audit of events."""

from datetime import datetime
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from scheduled.presence import why_absent
from scheduled.store import audit_log
from scheduled.store.searching import find_workers
from scheduled.store.working import at_work
from scheduled.web.auditing import EVENTS, line
from scheduled.web.curtain import Curtain
from scheduled.web.finding import cursor, instant
from scheduled.web.pages.common import OfSite, Viewer, note_vitals
from scheduled.web.rendering import page
from scheduled.web.site import Site
from scheduled.web.wellbeing import wellbeing
from scheduled.words import WorkerStatus, WorkerType

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])
HERE, GONE = (WorkerStatus.RUNNING, WorkerStatus.STOPPING), (WorkerStatus.STOPPED, WorkerStatus.LOST)
MOST, PAGE, LINES = 100, 20, 50
Short = Annotated[str, Query(max_length=64)]
Text = Annotated[str, Query(max_length=200)]


@router.get("/workers", name="workers")
def workers(request: Request, site: OfSite, _identity: Viewer, before: Short = "") -> Response:
    """Those that are here, and what each does; and those that are gone."""
    here = _here(site)
    gone = find_workers(site.database, GONE, PAGE + 1, _place(before))
    older = gone[PAGE - 1] if len(gone) > PAGE else None
    daemons = [one for one in here if one["worker_type"] == WorkerType.SCHEDULE_DAEMON and not one["absent"]]
    told: dict[str, Any] = {"title": "Workers", "section": "workers", "live": not before, "before": before}
    told |= {"here": here, "daemons": daemons, "gone": gone[:PAGE], "older": older}
    return page(request, "workers.html", **told)


def _here(site: Site) -> list[dict[str, Any]]:
    now = site.clock.now()
    rows = find_workers(site.database, HERE, MOST)
    busy = at_work(
        site.database, [one["current_occurrence_id"] for one in rows if one["current_occurrence_id"]]
    )
    for row in rows:
        row["absent"] = why_absent(SimpleNamespace(**row), now)
        row["health"] = wellbeing(row, row["absent"], now)
        row["doing"] = busy.get(row["current_occurrence_id"])
    return sorted(rows, key=lambda row: (row["worker_type"] == WorkerType.WEB, row["absent"] is not None))


def _place(text: str) -> tuple[datetime, str] | None:
    moment, _, worker_id = text.partition("~")
    return (instant(moment, "before"), worker_id) if text else None


@router.get("/events", name="events")
def events(
    request: Request,
    site: OfSite,
    _identity: Viewer,
    schedule: Short = "",
    event: Short = "",
    actor: Text = "",
    before: Short = "",
) -> Response:
    """Who changed what should run, when and why; the newest first."""
    asked = {"schedule": schedule.strip(), "event": event.strip(), "actor": actor.strip()}
    wanted = {name: value.replace("\0", "") or None for name, value in asked.items()}
    found = audit_log.lines(
        *(site.database, LINES + 1), schedule_id=wanted["schedule"], event=wanted["event"],
        actor=wanted["actor"], before=cursor(before),
    )  # fmt: skip
    shown = [_told(row, Curtain.of(site.settings.redact)) for row in found.rows[:LINES]]
    older = shown[-1]["id"] if len(found.rows) > LINES else found.down_to
    told: dict[str, Any] = {"title": "Events", "section": "events", "live": not before, "before": before}
    return page(
        request, "events.html", **told, rows=shown, asked=asked, older=older, found=found, known=EVENTS
    )


def _told(row: dict[str, Any], curtain: Curtain) -> dict[str, Any]:
    """Without what looks like a secret."""
    open_to_all = row | {"data": curtain.values(row["data"]), "reason": curtain.text(row["reason"])}
    return open_to_all | {"line": line(open_to_all)}
