"""What routes are asked with: ids, instants, filters and cursors. What is not right is told at once."""

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Path, Query, Request
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from scheduled.access.identity import Identity, Role
from scheduled.definitions import NAME
from scheduled.errors import UnknownNameError, did_you_mean
from scheduled.web.auditing import EVENTS
from scheduled.web.gate import need
from scheduled.web.links import link
from scheduled.web.problems import ProblemError
from scheduled.web.site import Site, site_of
from scheduled.words import Status

LARGEST = 2**63 - 1
"""No database holds a greater number, and some refuse to be asked."""
MOST = 500
"""So many items a page has at most."""
ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})", re.IGNORECASE)
REPEATED = ("status",)
LENGTHS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

Viewer = Annotated[Identity, need(Role.VIEWER)]
Operator = Annotated[Identity, need(Role.OPERATOR)]
OfSite = Annotated[Site, Depends(site_of)]


def _moment(value: Any) -> datetime:
    if not isinstance(value, str) or not ISO.fullmatch(value):
        raise ValueError("it is no instant with an offset: write 2026-03-29T01:00:00+00:00")
    try:
        moment = datetime.fromisoformat(value.upper())
    except ValueError as error:
        raise ValueError(f"there is no such instant: {error}") from None
    if not 2 <= moment.year <= 9997:
        raise ValueError("it lies outside of the calendar, the years 2 to 9997")
    return moment.astimezone(UTC)


def _lasting(value: Any) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})([smhdw])", value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("it is no length of time: write 90s, 15m, 12h, 7d or 4w")
    return timedelta(seconds=int(found[1]) * LENGTHS[found[2]])


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("it has a NUL character, which no database takes")
    return text


def _event(name: str) -> str:
    if name not in EVENTS:
        raise ValueError(f"there is no such event: {did_you_mean(name, EVENTS)}")
    return name


def _sane_id(schedule_id: str) -> str:
    """An id that could be one: others are not even looked for."""
    if not NAME.fullmatch(schedule_id):
        raise UnknownNameError("there is no such schedule: an id is of letters, digits, '-', '_' and '.'")
    return schedule_id


def _path_id(
    schedule_id: Annotated[str, Path(description="The id of a schedule.", examples=["nightly-report"])],
) -> str:
    return _sane_id(schedule_id)


Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-29T01:00:00+00:00"]}),
]
"""An instant with an offset; in UTC."""
Lasting = Annotated[
    timedelta,
    PlainValidator(_lasting),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,4}[smhdw]$", "examples": ["7d"]}),
]
Text = Annotated[str, AfterValidator(_plain), Field(json_schema_extra={"pattern": r"^[^\u0000]*$"})]
ScheduleId = Annotated[str, Depends(_path_id)]
RowId = Annotated[int, Path(ge=1, le=LARGEST, description="Its number.", examples=[42])]
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many items.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="Where to go on: what `next` of the page before says.")
]
OfSchedule = Annotated[
    Text | None, Query(max_length=64, alias="schedule", description="Only what belongs to this schedule.")
]
OfEvent = Annotated[
    Annotated[str, AfterValidator(_event), Field(json_schema_extra={"enum": list(EVENTS)})] | None,
    Query(max_length=64, alias="event", description="Only what happened so."),
]
OfActor = Annotated[
    Text | None,
    Query(max_length=200, alias="actor", description="Only by those with this text in their name."),
]
OfJob = Annotated[Text | None, Query(max_length=64, alias="job", description="Only runs of this job.")]
Statuses = Annotated[
    list[Status],
    Query(
        default_factory=list,
        alias="status",
        max_length=20,
        description="Only what is or ended so. May be given several times.",
    ),
]
Since = Annotated[Moment | None, Query(description="Not before this instant.")]
Until = Annotated[Moment | None, Query(description="Before this instant.")]
Last = Annotated[Lasting | None, Query(description="Of this last stretch of time: 90s, 15m, 12h, 7d or 4w.")]
Words = Annotated[Text | None, Query(alias="q", max_length=200, description="Only what has this text.")]


@dataclass(frozen=True)
class RunsWanted:
    """Which runs a list has, and where it goes on."""

    status: Statuses
    job: OfJob = None
    since: Since = None
    until: Until = None
    last: Last = None
    words: Words = None
    limit: Limit = 50
    cursor: Cursor = None


OfRuns = Annotated[RunsWanted, Depends()]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        pattern=r"^[\x20-\x7e]+$",
        description="Of your making, and new for each request: repeated with it, the request is done once.",
    ),
]


def require_known_query(request: Request) -> None:
    """Refuse filters that the route does not have: who misspells one would be told of everything.

    Raises:
        ProblemError: one is not known, or is given more than once and may not be.
    """
    if not request.query_params:
        return
    known = list(_known(request.scope["route"].dependant))
    for name in request.query_params:
        if name not in known:
            raise ProblemError(
                422, f"there is no parameter {name[:100]!r}: {did_you_mean(name[:100], known)}"
            )
        if name not in REPEATED and len(request.query_params.getlist(name)) > 1:
            raise ProblemError(422, f"the parameter {name!r} may be given once only")


def _known(dependant: Any) -> Iterator[str]:
    """The filters of a route. Its document tells them, too, but takes a third of a second to make."""
    yield from (one.alias for one in dependant.query_params)
    for part in dependant.dependencies:
        yield from _known(part)


QUERY = [Depends(require_known_query)]


def since_of(since: datetime | None, last: timedelta | None, now: datetime) -> datetime | None:
    """The later of the two beginnings, if there are any."""
    begins = [one for one in (since, None if last is None else now - last) if one is not None]
    return max(begins, default=None)


def paged(
    request: Request,
    items: Sequence[Mapping[str, Any]],
    limit: int,
    end: Callable[[Any], Sequence[Any]],
    searched_to: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """A page of items, of which one more than `limit` were asked for; `end` tells items apart.

    `searched_to`: where to go on if these are all, but the search has not come to its end.
    """
    shown = list(items[:limit])
    after = end(shown[-1]) if len(items) > limit else searched_to
    query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    following: dict[str, Any] = {}
    for name, value in query:
        following.setdefault(name, []).append(value)
    route = request.scope["route"].name
    path = request.scope.get("path_params", {})
    following["cursor"] = None if after is None else _cursor(after)
    return {"items": shown, "next": None if after is None else link(request, route, following, **path)}


def _cursor(parts: Sequence[Any]) -> str:
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in parts]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def read_cursor(text: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """What a cursor of ours says, as values of these kinds; None without one.

    Raises:
        ProblemError: it is none of ours, or belongs to another list.
    """
    if text is None:
        return None
    try:
        parts = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        found = tuple(_part(part, kind) for part, kind in zip(parts, kinds, strict=True))
    except (ValueError, TypeError, RecursionError):
        raise ProblemError(400, "the cursor is none of this list: follow `next` as it stands") from None
    return found


def read_key(text: str | None, kind: type) -> Any:
    """The same of a cursor that has a single part; None without one."""
    found = read_cursor(text, kind)
    return found[0] if found else None


def _part(part: Any, kind: type) -> Any:
    if kind is datetime:
        return _moment(part)
    if kind is str and isinstance(part, str):
        return _plain(part)
    if kind is int and type(part) is int and 0 < part <= LARGEST:
        return part
    raise ValueError(f"no {kind.__name__}")
