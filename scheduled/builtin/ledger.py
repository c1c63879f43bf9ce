"""Keeps the ledger short, and holds it against everything that was due."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack

from scheduled.builtin.making import JobOptions, make, not_lasting
from scheduled.clock import Clock
from scheduled.context import JobContext, SkipJob
from scheduled.definitions import Job, Seconds
from scheduled.errors import ScheduledError

if TYPE_CHECKING:
    from scheduled.store.database import Database

LEAST_AGE = timedelta(days=1)
"""History younger than this is forgotten by nobody who means it: `older_than=90` would be 90 seconds."""
NAMED = 20
"""How many problems the error names; `scheduled verify` names more."""


class LedgerError(ScheduledError):
    """Something that was due is not in the ledger, is in it twice, or something in it was not due."""


def prune_history(*, older_than: Seconds | None = None, **options: Unpack[JobOptions]) -> Job:
    """A job that forgets history, in small batches, so that nobody waits for it.

    What ended longer ago than `older_than` goes: seconds or a timedelta, at least a day; by default
    SCHEDULE_RETENTION_DAYS, where 0 keeps everything and the job skips. The newest occurrence of each
    schedule stays, and so do the events that tell what was due. Returns how many rows went, and from before
    which instant.
    """

    def run(ctx: JobContext) -> dict[str, Any]:
        from scheduled.retention import prune

        age = _retention() if older_than is None else _as_timedelta(older_than)
        cutoff = Clock().now() - age
        with _our_database() as database, database.hold() as held:
            pruned = asdict(prune(held, cutoff))
        told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in pruned.items())
        ctx.log.info("forgot %s from before %s", told, cutoff.isoformat())
        return {"cutoff": cutoff.isoformat(), **pruned}

    return make(
        run,
        "prune-history",
        "Forget history that is old enough",
        options,
        own=("older_than",),
        wrong=[] if older_than is None else not_lasting("older_than", older_than, LEAST_AGE),
    )


def verify_ledger(**options: Unpack[JobOptions]) -> Job:
    """A job that recomputes every due instant and holds it against the ledger, as `scheduled verify` does.

    Returns the account. Fails, in sentences, if an instant is missing or stands twice, or if something was
    not due.
    """

    def run(ctx: JobContext) -> dict[str, Any]:
        from scheduled.verifying import verify

        with _our_database() as database:
            verdict = verify(database)
        account = verdict.as_json()
        ctx.log.info("%d of %d due instants are accounted for", account["accounted"], account["expected"])
        if not verdict.ok:
            problems = sum(one.problems for one in verdict.accounts)
            raise LedgerError(_told(account, problems))
        return account

    return make(run, "verify-ledger", "Hold the ledger against everything that was due", options)


def _told(account: dict[str, Any], problems: int) -> str:
    kinds = ("missing", "duplicate", "unexpected")
    told = [f"{kind}: {sentence}" for kind in kinds for sentence in account[kind]][:NAMED]
    if problems > len(told):
        told.append(f"and {problems - len(told)} more: see `scheduled verify`")
    return f"the ledger is not as it should be: {'; '.join(told)}"


def _retention() -> timedelta:
    from scheduled.settings import load_settings

    days = load_settings().retention_days
    if not days:
        raise SkipJob(
            "SCHEDULE_RETENTION_DAYS is 0, which keeps everything: give prune_history(older_than=…)"
        )
    return timedelta(days=days)


def _as_timedelta(age: Seconds) -> timedelta:
    return age if isinstance(age, timedelta) else timedelta(seconds=age)


@contextmanager
def _our_database() -> Iterator["Database"]:
    """The database that DATABASE_URL names.

    Raises:
        SkipJob: it is in memory, where nobody else could look.
        DatabaseError: there is none, or its tables are not those that this version expects.
    """
    from scheduled.settings import load_settings
    from scheduled.store.database import Database
    from scheduled.store.schema import require_current

    with closing(Database(load_settings().database_url)) as database:
        if database.file is None and database.dialect.name == "sqlite":
            raise SkipJob("the database is in memory: there is no ledger to look at from here")
        require_current(database)
        yield database
