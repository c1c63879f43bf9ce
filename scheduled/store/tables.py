"""The tables as Core sees them, and small words that the statements share."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Insert,
    String,
    Table,
    and_,
    bindparam,
    insert,
    literal_column,
    or_,
)

from scheduled import models


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


schedules = _table(models.JobSchedule)
occurrences = _table(models.Occurrence)
runs = _table(models.JobRun)
outputs = _table(models.JobOutput)
events = _table(models.ScheduleEvent)
workers = _table(models.WorkerInstance)
gaps = _table(models.WorkerGap)


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


def within(column: Column[Any]) -> ColumnElement[bool]:
    """The column has the value given, said as a range: for rows in the order of this column and another one.

    Then only their common index has the order. Else PostgreSQL, which deems all values equally frequent, may
    sort all rows of a frequent value, or walk through those of all others to find one of a rare value.
    """
    return and_(column >= given(column), column <= given(column))


def any_of(column: Column[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """The column has one of the values. (IN would be spelled afresh at each execution.)"""
    return or_(*(column == str(value) for value in values))
