"""For those who watch from outside: does it live, is it ready, and how much is there to do."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from scheduled.access.identity import Role
from scheduled.errors import DatabaseError
from scheduled.metrics import CONTENT_TYPE, Metrics
from scheduled.store.schema import require_current
from scheduled.web.api import asking
from scheduled.web.api import shapes_of_records as of_records
from scheduled.web.api.answering import answer
from scheduled.web.gate import public
from scheduled.web.problems import ProblemError
from scheduled.web.site import Site, site_of

router = APIRouter(tags=["monitoring"])


@router.get(
    "/healthz",
    name="healthz",
    summary="Does this process live?",
    response_model=of_records.Well,
    dependencies=[public],
)
async def healthz(request: Request) -> Response:
    """It asks the database nothing. Open to everybody."""
    return answer(request, {"status": "ok"})


@router.get(
    "/readyz",
    name="readyz",
    summary="Can it do its work?",
    response_model=of_records.Well,
    dependencies=[public],
)
async def readyz(request: Request) -> Response:
    """The database answers, its tables are those that are expected, and a daemon is alive.

    Open to everybody; but only who may see the rest is told what is wrong.
    """
    faults = await run_in_threadpool(_faults, site_of(request))
    if not faults:
        return answer(request, {"status": "ready"})
    if not await _may_see(request):
        raise ProblemError(503, "not ready", {"Retry-After": "5"})
    more: dict[str, Any] = {"faults": faults}
    raise ProblemError(503, "not ready: " + "; ".join(faults.values()), {"Retry-After": "5"}, **more)


@router.get(
    "/metrics",
    name="metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, site: asking.OfSite, _identity: asking.Viewer) -> Response:
    """Counters begin with the first scrape of this process."""
    known: Metrics | None = getattr(request.app.state, "metrics", None)
    if known is None:
        known = request.app.state.metrics = Metrics(site.database, site.clock)
    return Response(known.scrape(), media_type=CONTENT_TYPE)


def _faults(site: Site) -> dict[str, str]:
    """What is wrong, by what it is about."""
    try:
        require_current(site.database)
        ailing = site.vitals().ailing
    except DatabaseError as error:
        return {"database": str(error)}
    return {check.name: check.message for check in ailing if check.name == "daemon"}


async def _may_see(request: Request) -> bool:
    try:
        identity = await site_of(request).gate.identify(request)
    except (ProblemError, DatabaseError):
        return False
    return identity is not None and identity.may(Role.VIEWER)
