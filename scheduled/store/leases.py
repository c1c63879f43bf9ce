"""When a lease ends: by the database's clock, which is one for all daemons, whatever their own say.

SQLite has no clock of its own, and all its daemons are on one host: there the caller's instant counts, as it
does wherever a settable clock stands for the time (`Database(own_clock=True)`).
"""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, String, bindparam, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import Double

from scheduled.columns import UtcDateTime

NOW = {"postgresql": "clock_timestamp()", "mysql": "UTC_TIMESTAMP(6)", "mariadb": "UTC_TIMESTAMP(6)"}
LATER = {
    "postgresql": "{now} + {seconds} * INTERVAL '1 second'",
    "mysql": "TIMESTAMPADD(MICROSECOND, {seconds} * 1000000, {now})",
}
LATER["mariadb"] = LATER["mysql"]


class Moment(ColumnElement[Any]):
    """The database's present, or the parameter `the_now`."""

    inherit_cache = False
    type = UtcDateTime()
    own = bindparam("the_now", type_=UtcDateTime())


class LeaseEnd(ColumnElement[Any]):
    """`lease` seconds after the database's present, or the parameter `expires`."""

    inherit_cache = False
    type = UtcDateTime()
    own = bindparam("expires", type_=UtcDateTime())
    seconds: BindParameter[float] = bindparam("lease", type_=Double())


def is_taken(locked_at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Somebody holds the lock. As a range: for IS NOT NULL, SQLite would read all schedules."""
    return locked_at > literal_column("'1970-01-01'", String())


@compiles(Moment)
def _moment(element: Moment, compiler: SQLCompiler, **named: Any) -> str:
    now = None if named.get("own_clock") else NOW.get(compiler.dialect.name)
    return now or compiler.process(element.own, **named)


@compiles(LeaseEnd)
def _lease_end(element: LeaseEnd, compiler: SQLCompiler, **named: Any) -> str:
    name = compiler.dialect.name
    if named.get("own_clock") or name not in NOW:
        return compiler.process(element.own, **named)
    return LATER[name].format(now=NOW[name], seconds=compiler.process(element.seconds, **named))
