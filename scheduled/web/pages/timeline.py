"""A stretch of time as lanes, one for each schedule: what ran, what was skipped, and what is to come."""

from itertools import accumulate
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from scheduled.missed_runs import Interval
from scheduled.store.lanes import counts as counted
from scheduled.store.searching import Sought, find_schedules
from scheduled.timeline import timeline as found_in
from scheduled.web import chart
from scheduled.web.drawing_timeline import ticks
from scheduled.web.pages.common import OfSite, Viewer, note_vitals
from scheduled.web.rendering import page
from scheduled.web.site import Site
from scheduled.web.window import SPANS, Window, window

router = APIRouter(prefix="/admin", include_in_schema=False, dependencies=[Depends(note_vitals)])
LANES = 20
MOST_BARS = 48
MOST_ROWS = 12_000
"""So many rows of the ledger are counted for one page, or those of one schedule: then it has fewer lanes."""
Short = Annotated[str, Query(max_length=64)]


def through(
    site: OfSite, at: Short = "", span: Short = "", zone: Short = "", since: Short = "", until: Short = ""
) -> Window:
    """The window that is asked for."""
    return window(site.clock.now(), at=at, span=span, zone=zone, since=since, until=until)


@router.get("/timeline", name="timeline")
def timeline(
    request: Request,
    site: OfSite,
    _identity: Viewer,
    seen: Annotated[Window, Depends(through)],
    q: Annotated[str, Query(max_length=200)] = "",
    after: Short = "",
) -> Response:
    """So many schedules side by side, or rather one above the other."""
    drawn = _drawn(site, seen, q.strip(), after)
    live = seen.since <= drawn["now"] < seen.until
    told = {"title": "Timeline", "section": "timeline", "live": live, "spans": tuple(SPANS)}
    return page(request, "timeline.html", **told, **drawn, window=seen, q=q.strip(), after=after)


def _drawn(site: Site, seen: Window, q: str, after: str) -> dict[str, Any]:
    now = site.clock.now()
    rows = find_schedules(site.database, Sought(q or None), LANES + 1, after or None)
    shown = rows[: _fitting(site, [row["id"] for row in rows[:LANES]], seen)]
    found = found_in(site.database, shown, seen.since, seen.until, now, most=MOST_BARS)
    zones = {row["definition"].get("timezone", "UTC") for row in shown}
    return {
        "now": now,
        "lanes": [chart.lane(lane, seen, now) for lane in found["lanes"]],
        "pauses": chart.pauses(found["downtime"], seen),
        "ticks": ticks(seen, seen.zone),
        "following": shown[-1]["id"] if len(rows) > len(shown) else None,
        "zones": sorted(zones | {"UTC", seen.timezone}),
    }


def _fitting(site: Site, ids: list[str], seen: Window) -> int:
    """How many of the schedules a page can show: at least one."""
    counts = counted(site.database, ids, Interval(seen.since, seen.until)) if ids else {}
    totals = accumulate(counts.get(one, 0) for one in ids)
    return max(1, sum(total <= MOST_ROWS for total in totals))
