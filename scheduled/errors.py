"""Every way in which scheduled can fail. Each class's docstring says when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, what, and what to do about it."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class ScheduledError(Exception):
    """The root of all errors that scheduled raises on purpose; its text is for people."""

    exit_status = 1


class UsageError(ScheduledError):
    """The caller asked for something that cannot be: a wrong name, argument or state."""

    exit_status = 2


class ExpressionError(ScheduledError, ValueError):
    """An expression or its time zone is not valid, or can never fire."""

    exit_status = 2


class FaultsError(ScheduledError):
    """Several faults, all told at once."""

    heading = "cannot go on"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: Sequence[Fault] = tuple(faults)
        super().__init__("\n".join([f"{self.heading}:", *(f"  - {fault}" for fault in self.faults)]))


class DefinitionsError(FaultsError):
    """The definitions (schedules.py) have faults."""

    heading = "the definitions have faults"


class SettingsError(FaultsError):
    """The environment (or .env) holds settings that are not valid."""

    heading = "the settings have faults"
    exit_status = 2


class UnknownNameError(UsageError):
    """A schedule, job or row was named that does not exist."""


class ConflictError(ScheduledError):
    """The thing exists, but its state does not allow what was asked."""


class LockedError(ConflictError):
    """Another worker instance holds the schedule's lock."""


class DatabaseError(ScheduledError):
    """The database is absent, unreachable, or not ours."""


class DatabaseUnavailableError(DatabaseError):
    """The database did not answer, is locked for too long, is full, or went away: worth another try."""


class DeadlockError(DatabaseUnavailableError):
    """The database had us give way to another transaction: worth another try at once."""


class RowLockedError(DatabaseUnavailableError):
    """Another transaction holds the row, and goes on holding it: others may be free."""


class DuplicateError(DatabaseError):
    """A row that must be unique exists already: somebody was first."""


class SchemaError(DatabaseError):
    """The database's schema is not the one that this version of scheduled expects."""


class CopyError(ScheduledError):
    """A database could not be copied to another one, and no row was."""


class PlatformError(ScheduledError):
    """This operating system cannot run the daemon."""


class FencedError(ScheduledError):
    """The occurrence is no longer ours: somebody reaped our lock. Write nothing more under it."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The hint for a misspelt `name`: the nearest of `known`, or else all of them (at most ten)."""
    from difflib import get_close_matches  # seldom needed

    names = sorted(set(known))
    folded = {candidate.casefold(): candidate for candidate in names}
    if close := get_close_matches(name.casefold(), folded, n=1):
        return f"did you mean {folded[close[0]]!r}?"
    if not names:
        return "there are none"
    shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return f"known: {shown}"
