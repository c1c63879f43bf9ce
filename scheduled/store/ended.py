"""What has ended since one looked last, for the metrics: however long the history is, only what is new."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Column, Table, bindparam, func, select

from scheduled.store.held import Held
from scheduled.store.statements import Statement
from scheduled.store.tables import occurrences, runs, spelled
from scheduled.words import GOING_ON

BACK = 200
"""Rows may be committed out of the order of their ids: so many of the newest are looked at again."""
BATCH = 1000


class _Queries:
    """The questions about one table."""

    def __init__(self, table: Table, *names: str) -> None:
        columns: list[Column[Any]] = [table.c[name] for name in ("id", "status", *names)]
        key = table.c.id
        self.newest = Statement(select(func.max(key).label("id")))
        self.after = Statement(
            select(*columns).where(key > bindparam("after", type_=key.type)).order_by(key).limit(BATCH)
        )
        self.going_on = [
            Statement(select(key).where(table.c.status == spelled(status))) for status in GOING_ON
        ]
        self.one = Statement(select(*columns).where(key == bindparam("the_id", type_=key.type)))


OCCURRENCES = _Queries(occurrences, "schedule_id", "reason", "trigger", "due_at", "due_count", "started_at")
RUNS = _Queries(runs, "job_name", "duration_ms")


class Ended:
    """Tells each row once, after it has ended; from the first look on."""

    def __init__(self, queries: _Queries) -> None:
        self._queries = queries
        self._newest: int | None = None
        self._told: set[int] = set()
        """Those of the newest `BACK` that were told, or were there at first."""
        self._unfinished: set[int] = set()

    def look(self, held: Held) -> Iterator[Any]:
        """The rows that have ended since the last look. At the first one there are none.

        Raises:
            DatabaseError: the database does not answer; what was told stays told.
        """
        if self._newest is None:
            self._begin(held)
            return
        going_on = self._going_on(held)
        for row_id in sorted(self._unfinished - going_on):
            row = held.row(self._queries.one, the_id=row_id)
            self._unfinished.discard(row_id)
            if row is not None and row.status not in GOING_ON:
                yield row
            elif row is not None:  # it is waiting again since
                self._unfinished.add(row_id)
        yield from self._new(held)

    def _begin(self, held: Held) -> None:
        newest = held.row(self._queries.newest).id or 0
        self._told = {row.id for row in held.rows(self._queries.after, after=newest - BACK)}
        self._unfinished = self._going_on(held)
        self._newest = newest

    def _new(self, held: Held) -> Iterator[Any]:
        after = max(0, (self._newest or 0) - BACK)
        while rows := held.rows(self._queries.after, after=after):
            for row in rows:
                if row.id in self._told:
                    continue
                self._told.add(row.id)
                self._newest = max(self._newest or 0, row.id)
                if row.status in GOING_ON:
                    self._unfinished.add(row.id)
                else:
                    yield row
            after = rows[-1].id
            if len(rows) < BATCH:
                break
        least = (self._newest or 0) - BACK
        self._told = {row_id for row_id in self._told if row_id > least}

    def _going_on(self, held: Held) -> set[int]:
        return {row.id for query in self._queries.going_on for row in held.rows(query)}
