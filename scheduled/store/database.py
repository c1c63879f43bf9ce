"""A database: where it is, what it speaks, and the connections to it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, make_url

from scheduled.errors import DatabaseError
from scheduled.store.engines import make_engine, sqlite_file
from scheduled.store.faults import despite_deadlocks, translated
from scheduled.store.held import Held

T = TypeVar("T")


class Database:
    """One database, by its URL. Nothing is opened before it is asked for."""

    def __init__(
        self, url: str, *, create: bool = False, own_clock: bool = False, patient: bool = False
    ) -> None:
        """`create` allows a SQLite file to come into being; else its absence is a DatabaseError.

        `own_clock`: leases end by the caller's clock, not by the server's; for one that is set by hand.
        `patient`: a server may take its time for an answer, as for a change of its tables.
        """
        self.url = url
        self.own_clock = own_clock
        self.file = sqlite_file(url)
        if self.file is not None and not create and not self.file.exists():
            raise DatabaseError(
                f"there is no database at {self.file}: `scheduled run` or `scheduled db upgrade` creates it"
            )
        self.engine = make_engine(url, patient=patient)
        self.dialect = self.engine.dialect
        assert self.dialect.loaded_dbapi is not None  # noqa: S101 - an engine has its driver
        self.errors: type[Exception] = self.dialect.loaded_dbapi.Error

    @property
    def name(self) -> str:
        """The URL without its password."""
        return make_url(self.url).render_as_string(hide_password=True)

    def hold(self) -> Held:
        """A connection that is kept until it is closed: by the end of a `with`, or in so many words."""
        return Held(self)

    def change(self, act: Callable[[Held], T]) -> T:
        """What `act` returns, done in one transaction; begun again if the database has it give way."""
        with self.hold() as held:

            def at_once() -> T:
                with held.transaction():
                    return act(held)

            return despite_deadlocks(at_once)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction of SQLAlchemy's, committed at the end of the block."""
        with translated(self.errors), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on which each query is a transaction of its own."""
        with translated(self.errors), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        self.engine.dispose()
