"""Jobs, workers, the scheduler as a whole, the audit, and time as lanes."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from scheduled.gauges import gauges
from scheduled.joblist import stored_jobs
from scheduled.store import audit_log, searching
from scheduled.store.gauges import doing
from scheduled.timeline import timeline
from scheduled.web.api import asking, shapes
from scheduled.web.api import shapes_of_records as of_records
from scheduled.web.api.answering import answer
from scheduled.web.site import Site

router = APIRouter(prefix="/api", dependencies=asking.QUERY)

WorkerState = Literal["RUNNING", "STOPPING", "STOPPED", "LOST"]
BACK, AHEAD = timedelta(hours=18), timedelta(hours=6)


@router.get(
    "/jobs",
    name="api_jobs",
    tags=["jobs"],
    summary="List the jobs, by name",
    response_model=shapes.Page[of_records.Job],
)
def jobs(
    request: Request,
    site: asking.OfSite,
    _identity: asking.Viewer,
    limit: asking.Limit = 100,
    cursor: asking.Cursor = None,
) -> Response:
    """Those that schedules run, by the definitions that a daemon stored last."""
    after = asking.read_key(cursor, str)
    entries = stored_jobs(site.database, after, limit + 1)
    found = [entry.as_json() for entry in entries]
    return answer(request, asking.paged(request, found, limit, lambda job: [job["name"]]))


@router.get(
    "/workers",
    name="api_workers",
    tags=["scheduler"],
    summary="List the daemons, alive and gone",
    response_model=shapes.Page[of_records.Worker],
)
def workers(
    request: Request,
    site: asking.OfSite,
    _identity: asking.Viewer,
    status: Annotated[
        list[WorkerState],
        Query(default_factory=list, max_length=4, description="Only those that are so."),
    ],
    limit: asking.Limit = 50,
    cursor: asking.Cursor = None,
) -> Response:
    """The one that started last first."""
    before = asking.read_cursor(cursor, datetime, str)
    rows = searching.find_workers(
        site.database, status, limit + 1, (before[0], before[1]) if before else None
    )
    return answer(request, asking.paged(request, rows, limit, lambda row: [row["started_at"], row["id"]]))


@router.get(
    "/scheduler",
    name="api_scheduler",
    tags=["scheduler"],
    summary="Is it running, and what is it doing?",
    response_model=of_records.Scheduler,
)
def scheduler(request: Request, site: asking.OfSite, _identity: asking.Viewer) -> Response:
    """The daemons that are alive, what they run, what waits, and what ails them."""
    return answer(request, _scheduler(site))


@router.post(
    "/scheduler/trigger",
    name="api_check_now",
    tags=["scheduler"],
    summary="Look for due schedules now",
    status_code=202,
    response_model=of_records.Scheduler,
)
def check_now(request: Request, site: asking.OfSite, identity: asking.Operator) -> Response:
    """Instead of at the next due instant or poll. Under SCHEDULE_WAKE=poll the daemons hear nothing of it."""
    site.commands(identity).check_now()
    return answer(request, _scheduler(site), 202)


@router.get(
    "/events",
    name="api_events",
    tags=["events"],
    summary="List who changed what, when and why",
    response_model=shapes.Page[shapes.Event],
)
def events(
    request: Request,
    site: asking.OfSite,
    _identity: asking.Viewer,
    schedule: asking.OfSchedule = None,
    event: asking.OfEvent = None,
    actor: asking.OfActor = None,
    since: asking.Since = None,
    limit: asking.Limit = 50,
    cursor: asking.Cursor = None,
) -> Response:
    """The audit, newest first.

    By `event`, `actor` or `since`, 20,000 lines are searched for one page: it may have fewer events than
    `limit`, or none, while `next` says where to go on.
    """
    before = asking.read_key(cursor, int)
    found = audit_log.lines(
        *(site.database, limit + 1), schedule_id=schedule, event=event, actor=actor, since=since,
        before=before,
    )  # fmt: skip
    searched_to = None if found.down_to is None else [found.down_to]
    return answer(request, asking.paged(request, found.rows, limit, lambda one: [one["id"]], searched_to))


@router.get(
    "/timeline",
    name="api_timeline",
    tags=["timeline"],
    summary="A stretch of time as lanes",
    response_model=of_records.Timeline,
)
def lanes(
    request: Request,
    site: asking.OfSite,
    _identity: asking.Viewer,
    since: Annotated[
        asking.Moment | None, Query(alias="from", description="By default 18 hours ago.")
    ] = None,
    until: Annotated[
        asking.Moment | None, Query(alias="to", description="By default a day after `from`.")
    ] = None,
    words: asking.Words = None,
    limit: Annotated[int, Query(ge=1, le=100, description="At most so many lanes.")] = 50,
    cursor: asking.Cursor = None,
) -> Response:
    """What ran, what was skipped, when no daemon lived, and what is coming; a year at most.

    A lane with more than sixty occurrences has bundles of them instead.
    """
    after = asking.read_key(cursor, str)
    now = site.clock.now()
    begin = since or (until - BACK - AHEAD if until else now - BACK)
    rows = searching.find_schedules(site.database, searching.Sought(words), limit + 1, after)
    page = asking.paged(request, rows, limit, lambda row: [row["id"]])
    drawn = timeline(site.database, page["items"], begin, until or begin + BACK + AHEAD, now)
    return answer(request, drawn | {"next": page["next"]})


def _scheduler(site: Site) -> dict[str, Any]:
    with site.database.hold() as held:
        found = gauges(held, site.clock.now())
        current = doing(held)
    return {
        "running": bool(found.daemons),
        "daemons": len(found.daemons),
        "heartbeat_at": found.daemons[0].last_heartbeat_at if found.daemons else None,
        "current": current,
        "waiting": found.waiting,
        "due": found.due,
        "next_run_at": found.next_run_at,
        "jobs_processed": sum(daemon.jobs_processed for daemon in found.daemons),
        "checks": [asdict(check) for check in site.vitals().checks],
    }
