"""The shapes of what the API tells of jobs, daemons and time."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from scheduled.web.api.shapes import Moment, Shape, Text
from scheduled.words import Status, Trigger


class LastRun(Shape):
    """A job's newest attempt."""

    id: int
    status: Status
    reason: Text
    started_at: Moment
    finished_at: Moment
    duration_ms: int | None


class Job(Shape):
    """A job of the definitions that a daemon stored last, and how it did lately."""

    name: str
    group: Text
    description: str
    depends_on: list[str]
    schedules: list[str]
    last_run: LastRun | None
    median_ms: int | None = Field(description="Of its newest completed runs.")
    measured: int = Field(description="How many those are.")


class Worker(Shape):
    """A process of ours that registered itself."""

    id: str
    worker_type: str
    hostname: str
    boot_id: str
    pid: int
    pid_started_at: float
    version: str
    definition_hash: Text
    status: Literal["RUNNING", "STOPPING", "STOPPED", "LOST"]
    started_at: datetime
    last_heartbeat_at: datetime
    stopped_at: Moment
    poll_interval_ms: int
    current_occurrence_id: int | None
    jobs_processed: int
    clock_skew_ms: int | None
    current_schedule_id: Text


class Check(Shape):
    """One thing that was looked at."""

    name: str
    ok: bool
    message: str


class Doing(Shape):
    """What a daemon runs just now."""

    worker_id: str
    occurrence_id: int
    schedule_id: str
    started_at: datetime


class Scheduler(Shape):
    """Whether daemons are alive, what they are doing, and what waits for them."""

    running: bool
    daemons: int = Field(description="How many are alive.")
    heartbeat_at: Moment = Field(description="When one that is alive last said so.")
    current: list[Doing]
    waiting: int = Field(description="How many occurrences wait to run.")
    due: int = Field(description="How many schedules are due and not yet taken up.")
    next_run_at: Moment
    jobs_processed: int = Field(description="By the daemons that are alive.")
    checks: list[Check]


class Bar(Shape):
    """An occurrence, as the timeline draws it."""

    id: int
    trigger: Trigger
    status: Status
    reason: Text
    due_at: datetime
    due_until: datetime
    due_count: int
    started_at: Moment
    finished_at: Moment


class Reach(Shape):
    """From when to when the occurrences of one status were due, and their reasons."""

    since: datetime
    until: datetime
    reasons: list[str]


class Bundle(Shape):
    """Occurrences that are too many to be shown one by one."""

    since: datetime
    until: datetime
    count: int
    instants: int
    statuses: dict[Status, int]
    spans: dict[Status, Reach]


class Lane(Shape):
    """One schedule within a stretch of time."""

    schedule_id: str
    name: str
    enabled: bool
    orphaned: bool
    median_ms: int | None
    occurrences: list[Bar]
    skipped: list[Bar]
    bundles: list[Bundle]
    coming: list[datetime]
    coming_count: int


class Stretch(Shape):
    """From one instant up to another one."""

    since: datetime
    until: datetime


class Timeline(Shape):
    """A stretch of time as lanes, one for each schedule."""

    since: datetime
    until: datetime
    now: datetime
    downtime: list[Stretch]
    lanes: list[Lane]
    next: Text


class Well(Shape):
    """All is well."""

    status: Literal["ok", "ready"]
