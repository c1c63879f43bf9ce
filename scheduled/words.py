"""The words that stand in the database and in JSON, spelled once."""

from enum import StrEnum


class Status(StrEnum):
    """What became of an occurrence, or of one attempt to run a job."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    INTERRUPTED = "INTERRUPTED"


GOING_ON = (Status.QUEUED, Status.RUNNING)
"""What has not ended yet."""
RETRIED = (Status.FAILED, Status.TIMED_OUT)
"""The outcomes of an attempt that count as failures, and are retried."""


class Trigger(StrEnum):
    """Why an occurrence exists."""

    CRON = "CRON"
    MANUAL = "MANUAL"
    API = "API"
    CATCH_UP = "CATCH_UP"


REQUESTS = (Trigger.MANUAL, Trigger.API)
"""The triggers of requests: asked for from outside, owed to no due instant."""


class Reason(StrEnum):
    """The stable codes for why something was skipped or ended early."""

    DAEMON_DOWN = "daemon_down"
    OVERLAP = "overlap"
    COALESCED = "coalesced"
    START_DEADLINE = "start_deadline"
    CATCH_UP_LIMIT = "catch_up_limit"
    DISABLED = "disabled"
    CHANGED = "changed"
    ORPHANED = "orphaned"
    SHUTDOWN = "shutdown"
    CANCELLED = "cancelled"
    HOLDER_LOST = "holder_lost"
    RERUN = "rerun_after_interruption"
    DEPENDENCY_FAILED = "dependency_failed"
    SKIPPED_BY_JOB = "skipped_by_job"
    RESULT_NOT_JSON = "result_not_json"
    JOB_UNKNOWN = "job_unknown"
    FENCED = "fenced"


class WorkerType(StrEnum):
    SCHEDULE_DAEMON = "schedule_daemon"
    WORKER = "worker"
    WEB = "web"


class WorkerStatus(StrEnum):
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    LOST = "LOST"
