"""The tables, and small words that the statements share."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Insert,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
)

from scheduled.tables import events, gaps, occurrences, outputs, runs, schedules, workers

__all__ = [
    "all_given",
    "any_of",
    "beside",
    "events",
    "gaps",
    "given",
    "inserted",
    "lock_is_free",
    "occurrences",
    "only",
    "outputs",
    "runs",
    "schedules",
    "spelled",
    "within",
    "workers",
]


def given(column: Column[Any], name: str | None = None) -> BindParameter[Any]:
    """A parameter of the column's type, named after it with `the_` before it unless told otherwise."""
    return bindparam(name or f"the_{column.name}", type_=column.type)


def all_given(table: Table, *columns: str) -> dict[str, Any]:
    """A parameter for each of the columns, of their own names: for the values of an INSERT or UPDATE."""
    return {name: bindparam(name, type_=table.c[name].type) for name in columns}


def inserted(table: Table, *columns: str, **others: Any) -> Insert:
    """An INSERT of one row with these columns, and with others, whose values may be left out."""
    usual = {name: bindparam(name, value, type_=table.c[name].type) for name, value in others.items()}
    return insert(table).values(all_given(table, *columns) | usual)


def lock_is_free() -> ColumnElement[bool]:
    """Nobody holds the lock. One whose lease ran out is not free before it was reaped with its rows."""
    return schedules.c.locked_at.is_(None)


def spelled(word: str) -> ColumnElement[str]:
    """One of our own words, spelled out in the statement instead of bound to it.

    PostgreSQL plans a statement once for all values, and would not know how few rows have this one.
    """
    return literal_column(f"'{word}'", String())


def only(count: int) -> ColumnElement[int]:
    """So many rows, spelled out: PostgreSQL would plan afresh, each time, for a limit that is bound."""
    return literal_column(str(count), Integer())


def beside(column: Column[Any]) -> ColumnElement[Any]:
    """The column's value, but no reason to choose an index: another condition finds fewer rows.

    SQLite knows how many rows a value of a column has on average, and nothing of the rare values.
    """
    return func.coalesce(column, "")


def within(column: Column[Any]) -> ColumnElement[bool]:
    """The column has the value given, said as a range: for rows in the order of this column and another one.

    Then only their common index has the order. Else PostgreSQL, which deems all values equally frequent, may
    sort all rows of a frequent value, or walk through those of all others to find one of a rare value.
    """
    return and_(column >= given(column), column <= given(column))


def any_of(column: Column[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """The column has one of the values. (IN would be spelled afresh at each execution.)"""
    return or_(*(column == str(value) for value in values))
