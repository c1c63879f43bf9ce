"""Core statements, compiled once for each dialect and then run for the cost of the driver."""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Float, Insert, Numeric
from sqlalchemy.sql.base import Executable
from sqlalchemy.types import TypeEngine

Processor = Callable[[Any], Any]
FLOAT8 = 701
"""PostgreSQL's number of the type (pg_type.oid)."""


class Statement:
    """A statement whose bind parameters get their values when it is run, by name."""

    def __init__(self, clause: Executable) -> None:
        self.clause: Any = clause
        self.adds = isinstance(clause, Insert)
        self._compiled: dict[tuple[str, bool], Compiled] = {}

    def compiled(self, dialect: Dialect, own_clock: bool = False) -> "Compiled":
        found = self._compiled.get((dialect.name, own_clock))
        if found is None:
            found = self._compiled[dialect.name, own_clock] = Compiled(self.clause, dialect, own_clock)
        return found


class Write(NamedTuple):
    """A statement that changes or adds a row, and the values of its parameters."""

    statement: Statement
    values: Mapping[str, Any]
    of: str | None = None
    """The parameter that gets the id of the row which the write before this one adds."""
    in_turn: bool = False
    """It touches a row that another write of the same commit touches, too: they need their order."""


class Compiled:
    """What one dialect makes of a statement: its text, and how values go in and come out."""

    def __init__(self, clause: Any, dialect: Dialect, own_clock: bool = False) -> None:
        columns = list(clause.exported_columns) if clause.is_select else []
        if isinstance(clause, Insert) and dialect.name == "postgresql":
            columns = [next(iter(clause.table.primary_key))]
            clause = clause.returning(*columns)
        compiled = clause.compile(dialect=dialect, compile_kwargs={"own_clock": own_clock})
        self.sql = str(compiled)
        self._in_order = None if compiled.positiontup is None else _picked(compiled.positiontup)
        required = {name for parameter, name in compiled.bind_names.items() if parameter.required}
        self._fixed = {name: value for name, value in compiled.params.items() if name not in required}
        into: dict[str, Processor] = {
            name: processor
            for parameter, name in compiled.bind_names.items()
            if (processor := parameter.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        self._into = list(into.items())
        self.returns_rows = bool(columns)
        self._row = namedtuple("Row", [column.key for column in columns]) if columns else tuple
        self._out: list[tuple[int, Processor]] = [
            (index, processor)
            for index, column in enumerate(columns)
            if (processor := _out_of(column.type, dialect)) is not None
        ]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """The driver's parameters. Raises KeyError for a parameter that has no value."""
        merged = {**self._fixed, **values}
        for name, processor in self._into:
            merged[name] = processor(merged[name])
        return merged if self._in_order is None else self._in_order(merged)

    def results(self, rows: Sequence[Any]) -> list[Any]:
        """The driver's rows as named tuples of Python values."""
        make = self._row._make  # type: ignore[attr-defined]
        if not self._out:
            return [make(row) for row in rows]
        found = []
        for row in rows:
            values = list(row)
            for index, processor in self._out:
                values[index] = processor(values[index])
            found.append(make(values))
        return found


def _picked(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """What takes the values of these names out of a mapping, in their order."""
    if len(names) > 1:
        return itemgetter(*names)  # which gives no tuple for a single name
    return lambda values: tuple(values[name] for name in names)


def _out_of(type_: TypeEngine[Any], dialect: Dialect) -> Processor | None:
    """What makes a Python value of the driver's. PostgreSQL's wants to know how numbers are sent."""
    sent_as = FLOAT8 if dialect.name == "postgresql" and isinstance(type_, Numeric | Float) else None
    processor: Processor | None = type_.dialect_impl(dialect).result_processor(dialect, sent_as)
    return processor
