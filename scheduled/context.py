"""What a job is told about the run that it is in, and how it may decline to run."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class SkipJob(Exception):  # noqa: N818 - a decision, not an error
    """Raised by a job that has nothing to do; its text is recorded as the reason, and it is no failure."""


def _never() -> bool:
    return False


def _ignore(done: float, total: float | None) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class JobContext:
    """One attempt to run one job, as the job sees it.

    `due_at` is the instant that this run answers for (aware, UTC): not the time at which it started.
    `results` holds what the jobs that this one depends on returned, by job name (None where nothing was).
    """

    schedule_id: str
    occurrence_id: int
    job_run_id: int
    job_name: str
    due_at: datetime
    trigger: str = "MANUAL"
    attempt: int = 1
    tenant: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    on_progress: Callable[[float, float | None], None] = field(default=_ignore, repr=False, compare=False)
    is_cancelled: Callable[[], bool] = field(default=_never, repr=False, compare=False)

    @property
    def log(self) -> logging.Logger:
        """A logger named after the job; what it logs is captured with the run."""
        return logging.getLogger(f"scheduled.job.{self.job_name}")

    @property
    def cancelled(self) -> bool:
        """True once somebody cancelled this run or the daemon wants to stop: a long loop may look at it."""
        return self.is_cancelled()

    def progress(self, done: float, total: float | None = None) -> None:
        """Tell how far the job has come: `done` of `total` units, or just `done` without a known total.

        As often as you like: it is written about once a second.

        Raises:
            TypeError, ValueError: that is no number.
        """
        self.on_progress(float(done), None if total is None else float(total))
