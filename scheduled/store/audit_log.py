"""The audit in pages, searched by schedule, event, actor or time: so many lines at a time, at any length."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from scheduled.store.database import Database
from scheduled.store.dicts import dicts_on
from scheduled.store.tables import events

_e = events.c
SEARCHED = 20_000
"""So many lines are looked at for one page, at most: by event, actor or time, no index finds them."""


@dataclass(frozen=True)
class Found:
    """Lines of the audit, the newest first."""

    rows: list[dict[str, Any]]
    down_to: int | None
    """Down to which line it was searched, if there may be older ones."""


def lines(
    database: Database,
    limit: int,
    *,
    schedule_id: str | None = None,
    event: str | None = None,
    actor: str | None = None,
    since: datetime | None = None,
    before: int | None = None,
    most: int = SEARCHED,
) -> Found:
    """The newest lines that are wanted, before that one. `actor`: this text is in the name."""
    query = select(*_e).order_by(_e.id.desc()).limit(limit)
    if before is not None:
        query = query.where(_e.id < before)
    if schedule_id is not None:
        query = query.where(_e.schedule_id == schedule_id)
    if event is not None:
        query = query.where(_e.event == event)
    if actor is not None:
        query = query.where(_e.actor.icontains(actor, autoescape=True))
    if since is not None:
        query = query.where(_e.at >= since)
    with database.reading() as connection:
        down_to = None
        if event is not None or actor is not None or since is not None:
            top = before or (connection.execute(select(func.max(_e.id))).scalar() or 0) + 1
            first = connection.execute(select(func.min(_e.id))).scalar() or 0
            down_to = top - most if top - most > first else None
            query = query if down_to is None else query.where(_e.id >= down_to)
        if down_to is not None and since is not None:
            # Lines stand in the order of their instants: where one is too old, those below it are, too.
            next_one = select(_e.at).where(_e.id < down_to).order_by(_e.id.desc()).limit(1)
            at = connection.execute(next_one).scalar()
            down_to = down_to if at is not None and at >= since else None
        return Found(dicts_on(connection, query), down_to)
