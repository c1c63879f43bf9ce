"""All schedules and jobs of an application, checked against each other. Pure."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeVar

from scheduled import collecting, dependencies
from scheduled.definitions import Job, Schedule
from scheduled.errors import Fault, UnknownNameError, did_you_mean

T = TypeVar("T", Schedule, Job)


@dataclass(frozen=True)
class Registry:
    """The definitions that loaded: schedules by id and jobs by name, each in the order of definition."""

    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    zone_data: str = ""
    """The version of the time zone data that the expressions are evaluated with."""

    @classmethod
    def of(
        cls, schedules: Iterable[Schedule], jobs: Iterable[Job] | None = None, zone_data: str = ""
    ) -> "Registry":
        """Check everything against everything (`jobs`: by default all that were decorated).

        Raises:
            DefinitionsError: with every fault, unless somebody gathers them.
        """
        all_jobs = list(collecting.jobs() if jobs is None else jobs)
        all_schedules = list(schedules)
        collecting.tell(_faults_between(all_schedules, all_jobs))
        return cls({s.id: s for s in all_schedules}, {j.name: j for j in all_jobs}, zone_data)

    def for_environment(self, environment: str) -> "Registry":
        """Without the schedules that are for other environments."""
        kept = {
            i: s for i, s in self.schedules.items() if not s.environments or environment in s.environments
        }
        return Registry(kept, self.jobs, self.zone_data)

    def schedule(self, schedule_id: str) -> Schedule:
        """Raises UnknownNameError, with a suggestion, where there is none of that id."""
        return _known(self.schedules, schedule_id, "schedule")

    def job(self, name: str) -> Job:
        """Raises UnknownNameError, with a suggestion, where there is none of that name."""
        return _known(self.jobs, name, "job")

    @cached_property
    def graph(self) -> dict[str, tuple[str, ...]]:
        return {job.name: job.depends_on for job in self.jobs.values()}

    @cached_property
    def _orders(self) -> dict[str, tuple[str, ...]]:
        return {}

    def order_of(self, schedule: Schedule) -> tuple[str, ...]:
        """The jobs that the schedule runs, dependencies included, in the order in which they run."""
        if schedule.id not in self._orders:
            self._orders[schedule.id] = dependencies.order(
                self.graph, chosen_by(schedule, self.jobs.values())
            )
        return self._orders[schedule.id]

    def order_of_chosen(self, schedule: Schedule, names: Iterable[str]) -> tuple[str, ...]:
        """The same for some of its jobs only. Raises UnknownNameError for one that it does not run."""
        whole = {name: self.jobs[name] for name in self.order_of(schedule)}
        chosen = [_known(whole, name, f"job of schedule {schedule.id!r}").name for name in names]
        return dependencies.order(self.graph, chosen)

    def definition(self, schedule: Schedule) -> dict[str, Any]:
        """All of a schedule that decides what should run and when, and what is told of its jobs; in JSON."""
        plain = ("id", "name", "description", "cron", "timezone", "mode", "group", "missed", "catch_up_limit",
                 "start_deadline", "missed_grace", "overlap", "rerun_interrupted")  # fmt: skip
        values = {key: getattr(schedule, key) for key in plain}
        values["params"] = dict(schedule.params)
        values["jobs"] = list(self.order_of(schedule))
        values["job_details"] = {name: self.jobs[name].details for name in values["jobs"]}
        values["zone_data"] = "" if schedule.timezone == "UTC" else self.zone_data
        return values

    def place(self, schedule_id: str) -> int:
        """How many schedules are defined before it: what is due at the same instant runs in this order."""
        return self._places.get(schedule_id, len(self._places))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {schedule_id: place for place, schedule_id in enumerate(self.schedules)}

    @cached_property
    def hashes(self) -> dict[str, str]:
        """The hash of each schedule's definition, by id; it stays when only its jobs are described afresh."""
        return {
            schedule.id: _hash_of_what_runs(self.definition(schedule)) for schedule in self.schedules.values()
        }

    @cached_property
    def hash(self) -> str:
        """One hash of all definitions: two daemons with the same one run the same things."""
        told = [part.name for part in fields(Job) if part.name not in ("function", "where")]
        jobs = [[getattr(job, part) for part in told] for job in self.jobs.values()]
        return hash_of({"schedules": self.hashes, "jobs": jobs})


def _hash_of_what_runs(definition: dict[str, Any]) -> str:
    return hash_of({key: value for key, value in definition.items() if key != "job_details"})


def hash_of(value: Mapping[str, Any]) -> str:
    """A short stable hash of JSON values."""
    text = json.dumps(value, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def chosen_by(schedule: Schedule, jobs: Iterable[Job]) -> list[str]:
    """The names of the jobs that a schedule's mode chooses, without their dependencies."""
    if schedule.mode == "JOBS":
        return list(schedule.jobs)
    return [job.name for job in jobs if schedule.mode == "ALL_JOBS" or job.group == schedule.group]


def _known(known: Mapping[str, T], name: str, what: str) -> T:
    if name not in known:
        raise UnknownNameError(f"there is no {what} {name!r}: {did_you_mean(name, known)}")
    return known[name]


def _faults_between(schedules: list[Schedule], jobs: list[Job]) -> Iterator[Fault]:
    yield from _repeated("id", [(s.id, s.where) for s in schedules])
    yield from _repeated("name", [(j.name, f"{j.where} job {j.name!r}") for j in jobs])
    names = {job.name for job in jobs}
    groups = {job.group for job in jobs if job.group}
    for job in jobs:
        for wanted in job.depends_on:
            if wanted not in names:
                hint = did_you_mean(wanted, names - {job.name})
                yield Fault(
                    f"{job.where} job {job.name!r}", f"it depends on the unknown job {wanted!r}", hint
                )
    for schedule in schedules:
        if schedule.mode == "GROUP" and schedule.group and schedule.group not in groups:
            yield Fault(
                schedule.where, f"unknown group {schedule.group!r}", did_you_mean(schedule.group, groups)
            )
        for wanted in schedule.jobs:
            if wanted not in names:
                yield Fault(schedule.where, f"unknown job {wanted!r}", did_you_mean(wanted, names))
        if schedule.mode == "ALL_JOBS" and not jobs:
            yield Fault(schedule.where, "there are no jobs to run", "decorate a function with @job")
    graph = {job.name: job.depends_on for job in jobs}
    while cycle := dependencies.find_cycle(graph):
        yield Fault(
            "jobs", "they depend on each other in a cycle: " + " -> ".join(cycle), "remove one dependency"
        )
        graph = {name: needs for name, needs in graph.items() if name not in cycle}


def _repeated(what: str, named: list[tuple[str, str]]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for name, where in named:
        earlier = first.get(name.casefold())
        if earlier is None:
            first[name.casefold()] = where
        else:
            hint = f"by {earlier}; case does not tell names apart"
            if earlier == where:
                hint = "by the same line: was it run twice, in a loop or as a module of two names?"
            yield Fault(where, f"the {what} {name!r} is taken", hint)
