"""The jobs of one occurrence in their order: which is next, which are blocked, how it all ends. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scheduled.definitions import Job
from scheduled.dependencies import blocker
from scheduled.words import RETRIED, Status


@dataclass(frozen=True)
class Blocked:
    """A job that does not run because one that it depends on failed."""

    job: str
    by: str


@dataclass
class Sequence:
    """What became of the jobs so far. It starts empty, or from the attempts of an interrupted occurrence."""

    order: tuple[str, ...]
    jobs: Mapping[str, Job]
    statuses: dict[str, Status] = field(default_factory=dict)
    """Each job's final status; one that was interrupted, or never reached, is absent."""
    attempts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    _blocked: set[str] = field(default_factory=set)
    _passed: int = 0
    """So many of the first jobs have their final status."""

    def remember(self, job: str, attempt: int, status: Status, *, blocked: bool = False) -> None:
        """Take over an attempt from before an interruption, if its job still exists."""
        if job not in self.jobs:
            return
        if blocked:
            self._blocked.add(job)
        self.attempts[job] = max(attempt, self.attempts.get(job, 0))
        if status in RETRIED:
            self.failures[job] = self.failures.get(job, 0) + 1
        retried = status in RETRIED and self.failures[job] <= self.jobs[job].retries
        if not retried and status not in (Status.INTERRUPTED, Status.QUEUED, Status.RUNNING):
            self.statuses[job] = status

    def begin(self, job: str) -> int:
        """Count a new attempt of the job; its number, from 1."""
        self.attempts[job] = self.attempts.get(job, 0) + 1
        return self.attempts[job]

    def note(self, job: str, status: Status, value: Any = None) -> float | None:
        """Note how an attempt ended. Seconds until the next attempt, or None if this was the last one."""
        self.statuses[job] = status
        self.results[job] = value
        if status not in RETRIED:
            return None
        self.failures[job] = self.failures.get(job, 0) + 1
        definition = self.jobs[job]
        if self.failures[job] > definition.retries:
            return None
        doubled = definition.retry_backoff * 2.0 ** min(self.failures[job] - 1, 60)
        return float(min(doubled, definition.retry_backoff_max))

    def next(self) -> tuple[list[Blocked], str | None]:
        """The jobs found blocked on the way to the next one that may run, and that one, if any is left."""
        found: list[Blocked] = []
        for name in self.order[self._passed :]:
            if name in self.statuses:
                self._passed += not found
                continue
            job = self.jobs[name]
            by = self._blocker(job) if job.depends_on and not job.run_if_dependency_fails else None
            if by is None:
                return found, name
            found.append(Blocked(name, by))
            self.statuses[name] = Status.SKIPPED
            self._blocked.add(name)
        return found, None

    def _blocker(self, job: Job) -> str | None:
        return blocker(job.depends_on, self.statuses, self._blocked)

    def unreached(self) -> list[str]:
        """The jobs to which it has not come."""
        return [name for name in self.order if name not in self.statuses]

    def results_for(self, job: str) -> dict[str, Any]:
        """What the jobs that this one depends on returned."""
        return {name: self.results.get(name) for name in self.jobs[job].depends_on}

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs came to which end, as the columns of the occurrence."""
        ends = list(self.statuses.values())
        return {
            "jobs_completed": ends.count(Status.COMPLETED),
            "jobs_failed": sum(map(ends.count, RETRIED)),
            "jobs_skipped": ends.count(Status.SKIPPED),
        }

    @property
    def status(self) -> Status:
        """The occurrence's own status, if nothing ended it early."""
        return Status.FAILED if any(s in RETRIED for s in self.statuses.values()) else Status.COMPLETED
