"""Occurrences and runs: what became of what was due, and what can be done about it."""

import json
from datetime import datetime

from fastapi import APIRouter, Request, Response

from scheduled.errors import UnknownNameError
from scheduled.store import searching
from scheduled.store.reads import one_run
from scheduled.web.api import asking, shapes
from scheduled.web.api.answering import answer
from scheduled.web.api.bodies import Rerun
from scheduled.web.api.schedules import asked_for, key_of, runs_of
from scheduled.web.links import link
from scheduled.words import Trigger

router = APIRouter(prefix="/api", dependencies=asking.QUERY, tags=["runs"])


@router.get(
    "/occurrences",
    name="api_occurrences",
    summary="List the ledger",
    response_model=shapes.Page[shapes.OccurrenceInShort],
)
def list_occurrences(
    request: Request,
    site: asking.OfSite,
    _identity: asking.Viewer,
    status: asking.Statuses,
    schedule: asking.OfSchedule = None,
    since: asking.Since = None,
    until: asking.Until = None,
    last: asking.Last = None,
    limit: asking.Limit = 50,
    cursor: asking.Cursor = None,
) -> Response:
    """Due instants, stretches of skipped ones, and requests: newest first.

    In the order of their due instants if a schedule or a time is asked for; else in that of their numbers.
    """
    begin = asking.since_of(since, last, site.clock.now())
    wanted = searching.Filter(schedule, None, status, begin, until)
    before = asking.read_cursor(cursor, datetime, int)
    rows = searching.find_occurrences(
        site.database, wanted, limit + 1, (before[0], before[1]) if before else None
    )
    return answer(request, asking.paged(request, rows, limit, lambda one: [one["due_at"], one["id"]]))


@router.get(
    "/occurrences/{occurrence_id}",
    name="api_occurrence",
    summary="One occurrence whole",
    response_model=shapes.Occurrence,
)
def one_occurrence(
    request: Request, occurrence_id: asking.RowId, site: asking.OfSite, _identity: asking.Viewer
) -> Response:
    """With every attempt to run its jobs."""
    found = searching.one_occurrence(site.database, occurrence_id)
    if found is None:
        raise UnknownNameError(f"there is no occurrence {occurrence_id}")
    return answer(request, found)


@router.post(
    "/occurrences/{occurrence_id}/cancel",
    name="api_cancel",
    summary="End an occurrence that waits or runs",
    response_model=shapes.Cancelled,
)
def cancel(
    request: Request, occurrence_id: asking.RowId, site: asking.OfSite, identity: asking.Operator
) -> Response:
    """At once if it waits; if it runs, the daemon that runs it is asked to stop it."""
    done = site.commands(identity).cancel(occurrence_id)
    return answer(
        request,
        {
            "url": link(request, "api_occurrence", occurrence_id=occurrence_id),
            "occurrence_id": done.occurrence_id,
            "schedule_id": done.schedule_id,
            "at_once": done.at_once,
        },
    )


@router.post(
    "/occurrences/{occurrence_id}/rerun",
    name="api_rerun",
    summary="Run once more what has ended",
    status_code=202,
    response_model=shapes.Asked,
)
def rerun(
    request: Request,
    occurrence_id: asking.RowId,
    site: asking.OfSite,
    identity: asking.Operator,
    wanted: Rerun | None = None,
    idempotency_key: asking.IdempotencyKey = None,
) -> Response:
    """With the same jobs, params and due instant; all of it, or without what completed."""
    failed_only = wanted is not None and wanted.failed_only
    asked = site.commands(identity).run_again(
        occurrence_id,
        from_failed=failed_only,
        trigger=Trigger.API,
        idempotency=key_of(identity, idempotency_key, "rerun", occurrence_id, failed_only),
    )
    return asked_for(request, site, asked.occurrence_id, asked.already)


@router.get(
    "/runs",
    name="api_runs",
    summary="List what ran: each attempt to run a job",
    response_model=shapes.Page[shapes.DueRun],
)
def list_runs(
    request: Request,
    site: asking.OfSite,
    _identity: asking.Viewer,
    wanted: asking.OfRuns,
    schedule: asking.OfSchedule = None,
) -> Response:
    """Newest first; `since` and `last` leave in what is still going on.

    `q` is sought in the errors of 5,000 runs of each status for one page: it may have fewer than `limit`,
    or none, while `next` says where to go on.
    """
    return runs_of(request, site, schedule, wanted)


@router.get("/runs/{run_id}", name="api_run", summary="One run whole", response_model=shapes.Run)
def get_run(
    request: Request, run_id: asking.RowId, site: asking.OfSite, _identity: asking.Viewer
) -> Response:
    """What it printed, raised and returned, its occurrence, and all attempts of the same job."""
    found = one_run(site.database, run_id)
    if found is None:
        raise UnknownNameError(f"there is no run {run_id}")
    result = None if found["result"] is None else json.loads(found["result"])
    return answer(request, found | {"result": result})
