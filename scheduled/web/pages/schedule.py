"""One schedule: what it is, what comes, what was, who changed it, and what it takes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from scheduled.errors import ExpressionError, UsageError
from scheduled.explain.standing import standing
from scheduled.expressions import parse
from scheduled.store import admin, reads
from scheduled.views import show
from scheduled.web.clock_changes import Coming, with_clock_changes
from scheduled.web.curtain import Curtain
from scheduled.web.drawing import strip
from scheduled.web.graphs import of_schedule
from scheduled.web.pages.common import OfSite, ScheduleId, Viewer, note_vitals
from scheduled.web.plots import durations, lateness
from scheduled.web.rendering import page
from scheduled.web.site import Site
from scheduled.web.telling import chosen, policies

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])
SHOWN, EVENTS = 25, 15


@router.get("/schedules/{schedule_id}", name="schedule")
def schedule(
    request: Request,
    site: OfSite,
    schedule_id: ScheduleId,
    _identity: Viewer,
    before: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """All about one schedule; of its history the newest, or what came before."""
    found = show(site.database, schedule_id, grace_seconds=site.settings.grace_seconds, clock=site.clock)
    curtain = Curtain.of(site.settings.redact)
    found["now"] = [cause | {"message": curtain.text(cause["message"])} for cause in found["now"]]
    title, live = found["name"], not before
    context = _now(site, found, curtain) | _past(site, schedule_id, before, curtain)
    return page(
        request, "schedule.html", title=title, section="schedules", live=live, schedule=found, **context
    )


def _now(site: Site, found: dict[str, Any], curtain: Curtain) -> dict[str, Any]:
    """What it is and what comes."""
    now = site.clock.now()
    row = reads.schedule_row(site.database, found["id"])
    definition = {} if row is None else row["definition"]
    switches = [_told(row._asdict(), curtain) for row in admin.switches(site.database, found["id"])]
    lately = admin.lately(site.database, found["id"], found["jobs"])
    return {
        "standing": standing((SimpleNamespace(**row) for row in switches), now),
        "coming": _coming(found, now),
        "policies": policies(definition),
        "chosen": chosen(definition),
        "params": curtain.values(definition.get("params")),
        "details": definition.get("job_details") or {},
        "lately": lately,
        "graph": of_schedule(definition, lately),
    }


def _past(site: Site, schedule_id: str, before: str, curtain: Curtain) -> dict[str, Any]:
    """A page of its history, what its newest occurrences took, and its events."""
    newest = admin.ledger_page(site.database, schedule_id, admin.NEWEST)
    rows = newest
    if before:
        rows = admin.ledger_page(site.database, schedule_id, SHOWN + 1, _cursor(before))
    older = f"{rows[SHOWN - 1].due_at.isoformat()}~{rows[SHOWN - 1].id}" if len(rows) > SHOWN else ""
    return {
        "strip": strip(newest, admin.NEWEST),
        "history": rows[:SHOWN],
        "older": older,
        "before": before,
        "plots": [plot for plot in (durations(newest), lateness(newest)) if plot is not None],
        "newest_ran": [one for one in newest if one.started_at is not None],
        "events": [_told(row, curtain) for row in reads.schedule_events(site.database, schedule_id, EVENTS)],
    }


def _told(event: Mapping[str, Any], curtain: Curtain) -> dict[str, Any]:
    """With its reason, in which people may write a secret."""
    return {**event, "reason": curtain.text(event["reason"])}


def _coming(found: dict[str, Any], now: datetime) -> Sequence[Coming]:
    """Its next instants; those of its expression also while it is off."""
    try:
        zone = parse(found["expression"], found["timezone"]).zone
    except ExpressionError:
        return []
    return with_clock_changes(found["upcoming"], zone, now)


def _cursor(text: str) -> tuple[datetime, int]:
    moment, _, one = text.partition("~")
    try:
        due = datetime.fromisoformat(moment.replace(" ", "+"))
        if due.tzinfo is not None and one.isdigit() and int(one) < 2**63:
            return due.astimezone(UTC), int(one)
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"{text!r} is no place in a history: begin at the newest")
