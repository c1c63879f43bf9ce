"""Every job of the definitions: where it belongs, what runs it, and how it did lately."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from scheduled.registry import Registry
from scheduled.store.database import Database
from scheduled.store.durations import LastRun, last_run, median_ms, taken_ms
from scheduled.store.held import Held
from scheduled.store.reads import job_details, jobs_by_schedule


@dataclass(frozen=True)
class JobEntry:
    """One job. What the history says is None, and `measured` 0, where there is none."""

    name: str
    group: str | None
    description: str
    depends_on: tuple[str, ...]
    schedules: tuple[str, ...]
    """The ids of the schedules that run it, be it as another job's dependency; of all environments."""
    last_run: LastRun | None = None
    median_ms: int | None = None
    """Of its newest completed runs, of which there are `measured`."""
    measured: int = 0

    def as_json(self) -> dict[str, Any]:
        """The keys are a public contract."""
        return vars(self) | {"last_run": self.last_run and asdict(self.last_run)}


def job_list(registry: Registry, database: Database | None) -> list[JobEntry]:
    """The jobs in the order of definition, with what the history says of them if there is a database."""
    orders = {schedule.id: set(registry.order_of(schedule)) for schedule in registry.schedules.values()}
    entries = [
        JobEntry(
            name=job.name,
            group=job.group,
            description=job.description,
            depends_on=job.depends_on,
            schedules=tuple(schedule_id for schedule_id, names in orders.items() if job.name in names),
        )
        for job in registry.jobs.values()
    ]
    return entries if database is None else _with_history(entries, database)


def stored_jobs(database: Database, after: str | None = None, limit: int | None = None) -> list[JobEntry]:
    """The jobs of the definitions that the database has, by name: those after that one, at most so many.

    For those who do not load the definitions. Schedules that are no longer in the code are left out.
    """
    run_by: dict[str, list[str]] = {}
    for schedule_id, names in jobs_by_schedule(database):
        for name in names:
            run_by.setdefault(name, []).append(schedule_id)
    chosen = sorted(name for name in run_by if after is None or name > after)[:limit]
    told = job_details(database, list({run_by[name][0] for name in chosen}))
    return _with_history([_stored(name, run_by[name], told[run_by[name][0]]) for name in chosen], database)


def _stored(name: str, run_by: list[str], told: Mapping[str, Any]) -> JobEntry:
    details = told.get(name, {})
    depends_on = tuple(details.get("depends_on", ()))
    return JobEntry(name, details.get("group"), details.get("description", ""), depends_on, tuple(run_by))


def _with_history(entries: list[JobEntry], database: Database) -> list[JobEntry]:
    with database.hold() as held:
        return [_one_with_history(entry, held) for entry in entries]


def _one_with_history(entry: JobEntry, held: Held) -> JobEntry:
    taken = taken_ms(held, entry.name)
    last = last_run(held, entry.name)
    return replace(entry, last_run=last, median_ms=median_ms(taken), measured=len(taken))
