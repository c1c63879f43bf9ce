"""One occurrence: what became of it, live as it runs, and what can be done about it."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from scheduled.errors import UnknownNameError
from scheduled.explain.advice import advice
from scheduled.explain.answer import Cause
from scheduled.explain.outcome import outcome
from scheduled.store.durations import median_ms, taken_ms
from scheduled.store.held import Held
from scheduled.store.whole import Whole, outputs_of, whole
from scheduled.web.curtain import Curtain, Text
from scheduled.web.graphs import of_attempts
from scheduled.web.links import link
from scheduled.web.pages.common import OccurrenceId, OfSite, Operator, Viewer, done, note_vitals
from scheduled.web.rendering import page
from scheduled.web.site import Site
from scheduled.words import GOING_ON, Status

router = APIRouter(prefix="/admin/occurrences/{occurrence_id}", include_in_schema=False)
SHOWN = 8_000
TROUBLES = (Status.FAILED, Status.TIMED_OUT, Status.INTERRUPTED, Status.CANCELLED)


@router.get("", name="occurrence", dependencies=[Depends(note_vitals)])
def occurrence(request: Request, site: OfSite, occurrence_id: OccurrenceId, _identity: Viewer) -> Response:
    """All about one occurrence."""
    with site.database.hold() as held:
        found = whole(held, occurrence_id)
        if found is None:
            raise UnknownNameError(f"there is no occurrence {occurrence_id}: it may have been pruned")
        context = _shown(site, held, found)
    live = found.row.status in GOING_ON
    watched: dict[str, Any] = {"watched": occurrence_id} if live else {}
    title = f"{context['name']}, occurrence {occurrence_id}"
    return page(request, "occurrence.html", title=title, section="schedules", live=True, **watched, **context)


@router.post("/cancel", name="cancel")
def cancel(request: Request, site: OfSite, occurrence_id: OccurrenceId, identity: Operator) -> Response:
    """End it: at once if it waits, else as soon as the daemon hears of it."""
    site.commands(identity).cancel(occurrence_id)
    return done(request, "", link(request, "occurrence", occurrence_id=occurrence_id))


@router.post("/again", name="run_again")
def run_again(
    request: Request,
    site: OfSite,
    occurrence_id: OccurrenceId,
    identity: Operator,
    from_failed: Annotated[bool, Form()] = False,
) -> Response:
    """Ask for it once more, and show what becomes of that."""
    asked = site.commands(identity).run_again(occurrence_id, from_failed=from_failed)
    return done(request, "", link(request, "occurrence", occurrence_id=asked.occurrence_id))


def _shown(site: Site, held: Held, found: Whole) -> dict[str, Any]:
    now, curtain = site.clock.now(), Curtain.of(site.settings.redact)
    definition = found.schedule.definition
    own = definition.get("missed_grace")
    grace = timedelta(seconds=site.settings.grace_seconds if own is None else own)
    advised = advice(found.row, found.schedule, found.attempts, now)
    happened = outcome(held, found.schedule, found.row, grace, now)
    return {
        "name": definition.get("name", found.schedule.id),
        "timezone": definition.get("timezone", "UTC"),
        "found": found,
        "one": found.row,
        "happened": _sentences(happened, curtain),
        "comes": _sentences(advised.next, curtain),
        "can": _sentences(advised.can, curtain),
        "advised": advised,
        "params": curtain.values(found.row.params),
        "graph": of_attempts(definition, _jobs(found), found.attempts),
        "running": _running(held, found, curtain),
        "troubles": _troubles(held, found, curtain),
    }


def _sentences(causes: Any, curtain: Curtain) -> list[Cause]:
    """What they say may come from a job's own error."""
    return [Cause(one.code, curtain.text(one.message)) for one in causes]


def _jobs(found: Whole) -> list[str]:
    """The jobs that it runs, in their order, as far as one can tell."""
    defined = found.schedule.definition.get("jobs") or []
    begun = [one.job_name for one in found.last_attempts]
    wanted = set(begun) | set(found.row.jobs or ([] if found.row.finished_at else defined))
    return [*(name for name in defined if name in wanted), *(name for name in begun if name not in defined)]


def _running(held: Held, found: Whole, curtain: Curtain) -> dict[str, Any] | None:
    """The attempt that runs now, with what it has printed so far."""
    run = next((one for one in reversed(found.attempts) if one.status == Status.RUNNING), None)
    if run is None:
        return None
    output = _printed(outputs_of(held, [run.id]).get(run.id), SHOWN, curtain)
    return {"run": run, "output": output, "usual_ms": median_ms(taken_ms(held, run.job_name))}


def _printed(left: Any, most: int, curtain: Curtain) -> Text:
    return curtain.tail(left and left.output, most, cut=bool(left and left.truncated))


def _troubles(held: Held, found: Whole, curtain: Curtain) -> list[dict[str, Any]]:
    """The jobs that did not do, by their newest attempts, with what they raised and printed."""
    runs = [one for one in found.last_attempts if one.status in TROUBLES]
    left = outputs_of(held, (one.id for one in runs))
    return [
        {
            "run": one,
            "message": curtain.text(one.error_message),
            "traceback": curtain.tail(left[one.id].traceback if one.id in left else None, SHOWN),
            "output": _printed(left.get(one.id), SHOWN // 2, curtain),
        }
        for one in runs
    ]
