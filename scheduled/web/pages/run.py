"""One run, whole: an attempt to run one job."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from scheduled.errors import UnknownNameError
from scheduled.store import reads
from scheduled.store.whole import worker_name
from scheduled.web.curtain import Curtain
from scheduled.web.pages.common import OfSite, RunId, Viewer, note_vitals
from scheduled.web.rendering import page
from scheduled.words import Status

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])


@router.get("/runs/{run_id}", name="run")
def run(request: Request, site: OfSite, run_id: RunId, _identity: Viewer) -> Response:
    """All about one attempt."""
    found = reads.one_run(site.database, run_id)
    if found is None:
        raise UnknownNameError(f"there is no run {run_id}: it may have been pruned")
    live = found["status"] in (Status.QUEUED, Status.RUNNING)
    context = _shown(found, Curtain.of(site.settings.redact))
    context |= {"watched": found["occurrence_id"]} if live else {}
    context |= {"worker": worker_name(site.database, found["worker_id"])}
    title = f"{found['job_name']}, run {run_id}"
    return page(request, "run.html", title=title, section="runs", live=live, run=found, **context)


def _shown(found: dict[str, Any], curtain: Curtain) -> dict[str, Any]:
    return {
        "message": curtain.text(found["error_message"]),
        "traceback": curtain.tail(found["traceback"]),
        "output": curtain.tail(found["output"], cut=found["truncated"]),
        "result": curtain.result(found["result"]),
        "params": curtain.values(found["occurrence"]["params"]),
    }
