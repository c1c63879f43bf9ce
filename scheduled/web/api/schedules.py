"""Schedules: what they are, their switches, and requests to run them."""

import json
from hashlib import sha256
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from scheduled.access.identity import Identity
from scheduled.errors import UnknownNameError
from scheduled.explain.why import why
from scheduled.idempotency import Key
from scheduled.store import run_lists, searching
from scheduled.store.reads import schedule_row
from scheduled.views import described, no_such_schedule, show
from scheduled.web.api import asking, shapes
from scheduled.web.api.answering import answer
from scheduled.web.api.bodies import Switch, Triggering
from scheduled.web.links import link
from scheduled.web.showing import tells_of
from scheduled.web.site import Site
from scheduled.words import Trigger

router = APIRouter(prefix="/api", dependencies=asking.QUERY, tags=["schedules"])

State = Literal["on", "off", "running", "never", "orphaned", "failing"]


@router.get(
    "/schedules",
    name="api_schedules",
    summary="List the schedules, by their ids",
    response_model=shapes.Page[shapes.Schedule],
)
def list_schedules(
    request: Request,
    site: asking.OfSite,
    _identity: asking.Viewer,
    words: asking.Words = None,
    enabled: Annotated[bool | None, Query(description="Only those that are on, or off.")] = None,
    state: Annotated[
        State | None,
        Query(description="Only those in this state; `never`: nobody has switched it on or off yet."),
    ] = None,
    limit: asking.Limit = 100,
    cursor: asking.Cursor = None,
) -> Response:
    """`q` is sought in the ids, names and descriptions."""
    after = asking.read_key(cursor, str)
    sought = searching.Sought(words, enabled, state)
    rows = searching.find_schedules(site.database, sought, limit + 1, after)
    page = asking.paged(request, rows, limit, lambda last: [last["id"]])
    return answer(request, page | {"items": [described(row) for row in page["items"]]})


@router.get(
    "/schedules/{schedule_id}",
    name="api_schedule",
    summary="All about one schedule",
    response_model=shapes.ScheduleWhole,
)
def one_schedule(
    request: Request, schedule_id: asking.ScheduleId, site: asking.OfSite, _identity: asking.Viewer
) -> Response:
    """Its definition, its state, the next ten instants, and its newest occurrences and events."""
    return _whole(request, site, schedule_id)


@router.patch(
    "/schedules/{schedule_id}",
    name="api_switch",
    summary="Switch a schedule on or off",
    response_model=shapes.ScheduleWhole,
)
def switch(
    request: Request,
    schedule_id: asking.ScheduleId,
    wanted: Switch,
    site: asking.OfSite,
    identity: asking.Operator,
) -> Response:
    """At once. What runs now, runs on; a schedule that is switched on owes nothing for the time before."""
    commands = site.commands(identity)
    (commands.enable if wanted.enabled else commands.disable)([schedule_id], wanted.reason)
    return _whole(request, site, schedule_id)


@router.post(
    "/schedules/{schedule_id}/trigger",
    name="api_trigger",
    summary="Run a schedule now",
    status_code=202,
    response_model=shapes.Asked,
)
def trigger(
    request: Request,
    schedule_id: asking.ScheduleId,
    site: asking.OfSite,
    identity: asking.Operator,
    wanted: Triggering | None = None,
    idempotency_key: asking.IdempotencyKey = None,
) -> Response:
    """Also while it is off. The occurrence waits until a daemon takes it, as a rule within a second.

    The same request while one waits is that one.
    """
    wanted = wanted or Triggering()
    body = [wanted.jobs, wanted.params, wanted.for_ and wanted.for_.isoformat()]
    asked = site.commands(identity).trigger(
        schedule_id,
        wanted.jobs,
        wanted.params,
        Trigger.API,
        wanted.for_,
        key_of(identity, idempotency_key, "trigger", schedule_id, body),
    )
    return asked_for(request, site, asked.occurrence_id, asked.already)


@router.get(
    "/schedules/{schedule_id}/history",
    name="api_history",
    summary="What ran for a schedule",
    response_model=shapes.Page[shapes.DueRun],
)
def history(
    request: Request,
    schedule_id: asking.ScheduleId,
    site: asking.OfSite,
    _identity: asking.Viewer,
    wanted: asking.OfRuns,
) -> Response:
    """Each attempt to run a job, newest first; as `GET /api/runs?schedule=…` tells it."""
    _require(site, schedule_id)
    return runs_of(request, site, schedule_id, wanted)


@router.get(
    "/schedules/{schedule_id}/why",
    name="api_why",
    summary="Why it ran, or did not",
    response_model=shapes.Why,
)
def explain(
    request: Request,
    schedule_id: asking.ScheduleId,
    site: asking.OfSite,
    _identity: asking.Viewer,
    at: Annotated[
        asking.Moment | None, Query(description="The instant; by default the newest that has come.")
    ] = None,
) -> Response:
    """What became of the instant, what caused it, and what happens next."""
    found = why(site.database, schedule_id, at, grace_seconds=site.settings.grace_seconds, clock=site.clock)
    return answer(request, found.as_json())


def runs_of(request: Request, site: Site, schedule_id: str | None, wanted: asking.RunsWanted) -> Response:
    """A page of runs: of a schedule, or of all."""
    begin = asking.since_of(wanted.since, wanted.last, site.clock.now())
    asked = searching.Filter(schedule_id, wanted.job, wanted.status, begin, wanted.until, wanted.words)
    before = asking.read_key(wanted.cursor, int)
    fits = tells_of(wanted.words, site.settings.redact)
    found = run_lists.find_runs(site.database, asked, wanted.limit + 1, before, fits)
    searched_to = None if found.down_to is None else [found.down_to]
    page = asking.paged(request, found.rows, wanted.limit, lambda run: [run["id"]], searched_to)
    return answer(request, page)


def key_of(identity: Identity, key: str | None, verb: str, what: object, body: object) -> Key | None:
    """The hashes by which a repeated request is known again: everybody has keys of their own."""
    if key is None:
        return None
    asked = json.dumps([verb, what, body], sort_keys=True)
    return _hash(json.dumps([identity.name, key])), _hash(asked)


def asked_for(request: Request, site: Site, occurrence_id: int, already: bool) -> Response:
    """202, with the occurrence that waits and where it can be looked at."""
    url = link(request, "api_occurrence", occurrence_id=occurrence_id)
    occurrence = searching.one_occurrence(site.database, occurrence_id)
    body: dict[str, Any] = {"url": url, "already": already, "occurrence": occurrence}
    return answer(request, body, 202, {"Location": url})


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _whole(request: Request, site: Site, schedule_id: str) -> Response:
    grace = site.settings.grace_seconds
    return answer(request, show(site.database, schedule_id, grace_seconds=grace, clock=site.clock))


def _require(site: Site, schedule_id: str) -> None:
    if schedule_row(site.database, schedule_id) is None:
        raise UnknownNameError(no_such_schedule(site.database, schedule_id))
