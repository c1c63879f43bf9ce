"""The shapes of what the API answers: those of the commands' `--json`. They document, and tests hold them."""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from scheduled.words import Status, Trigger

T = TypeVar("T")
Text = str | None
Moment = datetime | None
MomentUtc = Annotated[datetime, Field(examples=["2026-03-29T01:00:00+00:00"])]


class Shape(BaseModel):
    """An object whose keys are stable; new ones may come."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Page(Shape, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: Text = Field(
        description="The path of the next page; null at the end. Rows that arrive move nothing."
    )


class Problem(Shape):
    """What went wrong (RFC 9457). Some have further members, as `errors` of a request that is not valid."""

    type: str = Field("about:blank", examples=["about:blank"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no schedule 'nigthly': did you mean 'nightly'?"])


class Cause(Shape):
    """One cause of what happened, or of what happens next."""

    code: str = Field(description="Stable.", examples=["daemon_down"])
    message: str = Field(description="A sentence for people.")


class Schedule(Shape):
    """A schedule in short."""

    id: str = Field(examples=["nightly-report"])
    name: str
    description: str
    expression: str = Field(examples=["0 2 * * *"])
    in_words: str = Field(examples=["At 02:00"])
    timezone: str = Field(examples=["Europe/Riga"])
    enabled: bool
    orphaned: bool = Field(description="It is no longer in the code, and never runs.")
    last_run_at: Moment
    last_status: Status | None
    next_run_at: Moment
    run_count: int
    failure_count: int
    skipped_count: int
    consecutive_failures: int
    running: bool
    jobs: list[str] = Field(description="What it runs, dependencies included, in their order.")


class OccurrenceInShort(Shape):
    """A row of the ledger: a due instant, a stretch of skipped ones, or a request; and what became of it."""

    id: int = Field(examples=[42])
    schedule_id: str
    due_at: MomentUtc
    due_until: datetime = Field(description="The last instant of a stretch; else the same as `due_at`.")
    due_count: int = Field(description="For how many instants it answers.")
    trigger: Trigger
    status: Status
    reason: Text = Field(description="A stable code, where it did not run as it should.")
    detail: Text = Field(description="The same as a sentence.")
    requested_by: Text
    requested_at: Moment
    params: dict[str, Any] | None
    started_at: Moment
    finished_at: Moment
    jobs_total: int
    jobs_completed: int
    jobs_failed: int
    jobs_skipped: int


class RunInShort(Shape):
    """One attempt to run one job."""

    id: int = Field(examples=[108])
    occurrence_id: int
    schedule_id: str
    job_name: str
    tenant: str
    attempt: int
    trigger: Trigger
    status: Status
    queued_at: datetime
    started_at: Moment
    finished_at: Moment
    duration_ms: int | None
    progress_done: float | None
    progress_total: float | None
    worker_id: Text
    reason: Text
    error_type: Text
    error_message: Text


class DueRun(RunInShort):
    """One attempt, with the instant at which it was due."""

    due_at: datetime


class Occurrence(OccurrenceInShort):
    """An occurrence whole."""

    jobs: list[str] | None = Field(description="Only these were asked for; null: all.")
    rerun_of: int | None = Field(description="The occurrence that it runs again.")
    cancel_requested_at: Moment
    cancel_requested_by: Text
    worker_id: Text
    runs: list[RunInShort]


class OccurrenceOfRun(Shape):
    """The occurrence that a run belongs to."""

    id: int
    schedule_id: str
    due_at: datetime
    trigger: Trigger
    status: Status
    reason: Text
    detail: Text
    requested_by: Text
    requested_at: Moment
    params: dict[str, Any] | None
    rerun_of: int | None
    started_at: Moment
    finished_at: Moment


class Attempt(Shape):
    """One of the attempts to run the same job."""

    id: int
    attempt: int
    status: Status
    started_at: Moment
    finished_at: Moment
    duration_ms: int | None
    reason: Text


class Run(RunInShort):
    """A run whole: what it printed, raised and returned."""

    output: Text
    truncated: bool = Field(description="Only the end of the output was kept.")
    traceback: Text
    result: Any
    occurrence: OccurrenceOfRun
    attempts: list[Attempt]


class Event(Shape):
    """A line of the audit."""

    id: int
    schedule_id: str = Field(description="Empty: it is about no schedule.")
    at: datetime
    event: str = Field(examples=["disabled"])
    actor: str
    reason: Text
    data: dict[str, Any] | None


class ScheduleWhole(Schedule):
    """All about one schedule."""

    definition_hash: str
    mode: Text
    group: Text
    missed: Text
    overlap: Text
    catch_up_limit: int | None
    start_deadline: float | None
    missed_grace: float | None
    rerun_interrupted: bool | None
    params: dict[str, Any] | None
    ledger_from: datetime
    locked_by: Text
    lock_expires_at: Moment
    now: list[Cause] = Field(description="What happens next with it, and what it waits for.")
    upcoming: list[datetime]
    recent: list[OccurrenceInShort]
    events: list[Event]


class Next(Shape):
    """When something is due next, and what is to be known of that."""

    at: Moment
    causes: list[Cause]


class Why(Shape):
    """What became of one instant of one schedule, why, and what happens next."""

    schedule: str
    at: Moment = Field(description="null: it has not been due yet.")
    due: bool
    outcome: str
    occurrence_id: int | None
    causes: list[Cause]
    next: Next


class Asked(Shape):
    """A request that waits for a daemon."""

    url: str = Field(examples=["/api/occurrences/42"])
    already: bool = Field(description="It had been asked for before: this is that one.")
    occurrence: Occurrence


class Cancelled(Shape):
    """A cancellation."""

    url: str
    occurrence_id: int
    schedule_id: str
    at_once: bool = Field(description="False: the daemon that runs it is asked to stop it.")
