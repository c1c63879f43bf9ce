"""PostgreSQL makes all writes of a commit by one statement: in one round trip, instead of one for each.

The first of them is the fence: unless it changes a row, none of the others does anything. They are made in no
certain order, and none sees what another one does: so no two of them may touch the same row.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Dialect,
    Insert,
    TableClause,
    exists,
    insert,
    literal_column,
    select,
    table,
)

from scheduled.store.statements import Compiled, Statement, Write

Shape = tuple[tuple[Statement, str | None], ...]
"""Of writes: their statements, and which of its parameters takes the id that the write before it adds."""
ONE: ColumnElement[int] = literal_column("1")


def shape_of(writes: Sequence[Write]) -> Shape | None:
    """None if they must be made one after another: two of a kind may need an order, or touch the same row."""
    if any(write.in_turn for write in writes):
        return None
    shape = tuple((write.statement, write.of) for write in writes)
    return shape if len(set(shape)) == len(shape) else None


class AtOnce:
    """All writes of one shape as one statement. Its row has the id for each write that adds a row, else 0."""

    def __init__(self, shape: Shape, dialect: Dialect, own_clock: bool) -> None:
        self._parts, steps, answers = list[Compiled](), list[str](), list[Any]()
        for number, (statement, of) in enumerate(shape):
            clause = _fenced(statement.clause, number, of) if number else statement.clause.returning(ONE)
            self._parts.append(Compiled(clause, dialect, own_clock))
            steps.append(f"{_step(number)} AS ({self._parts[-1].sql})")
            answers.append(_id_of(statement.clause, number) if statement.adds else literal_column("0"))
        self.sql = f"WITH {', '.join(steps)} {select(*answers).select_from(_step(0))}"

    def parameters(self, writes: Sequence[Write]) -> list[Any]:
        """The driver's parameters."""
        found = []
        for part, write in zip(self._parts, writes, strict=True):
            found += part.parameters(write.values)
        return found


class Shapes:
    """The shapes that were written so far, each of them compiled once."""

    def __init__(self, dialect: Dialect, own_clock: bool) -> None:
        self._dialect = dialect
        self._own_clock = own_clock
        self._known: dict[Shape, AtOnce] = {}

    def compiled(self, shape: Shape) -> AtOnce:
        found = self._known.get(shape)
        if found is None:
            found = self._known[shape] = AtOnce(shape, self._dialect, self._own_clock)
        return found


def _step(number: int) -> TableClause:
    return table(f"write_{number}")


def _fenced(clause: Any, number: int, of: str | None) -> Any:
    """The same, but only if the fence changed a row."""
    if not isinstance(clause, Insert):
        return clause.where(exists().select_from(_step(0)))
    values: dict[str, Any] = dict(clause.compile().binds)
    if of is not None:
        values[of] = select(literal_column("id")).select_from(_step(number - 1)).scalar_subquery()
    row = select(*values.values()).select_from(_step(0))
    return insert(clause.table).from_select(list(values), row, include_defaults=False)


def _id_of(clause: Insert, number: int) -> Any:
    key = next(iter(clause.table.primary_key)).name
    return select(literal_column(key)).select_from(_step(number)).scalar_subquery()
