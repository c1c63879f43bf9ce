"""How a process of ours is, in a sentence. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduled.phrases import lasting
from scheduled.words import WorkerStatus, WorkerType

OLD = timedelta(seconds=120)
MOST_SKEW_MS = 2000
KINDS = {WorkerType.SCHEDULE_DAEMON: "daemon", WorkerType.WORKER: "worker", WorkerType.WEB: "web"}


@dataclass(frozen=True)
class Wellbeing:
    """A word for the colour ("good", "warn" or "bad"), and the sentence."""

    kind: str
    told: str


def kind_of(worker_type: str) -> str:
    """What people call such a process."""
    return next((told for known, told in KINDS.items() if known == worker_type), worker_type)


def skew(milliseconds: int | None) -> str:
    """How far its clock is off the database's: '+0.1 s'."""
    return "not measured" if milliseconds is None else f"{milliseconds / 1000:+.1f} s"


def wellbeing(worker: Mapping[str, Any], absent: str | None, now: datetime) -> Wellbeing:
    """Of one that has not said that it stopped. `absent`: why it counts as gone, if it does."""
    runs_jobs = worker["worker_type"] != WorkerType.WEB
    if absent is not None:
        after = (
            "What it ran is recorded as interrupted as soon as a daemon looks"
            if runs_jobs
            else "Start it again"
        )
        return Wellbeing("bad", f"It does not answer: {absent}. {after}.")
    silent = now - worker["last_heartbeat_at"]
    if silent > max(OLD, 2 * timedelta(milliseconds=worker["poll_interval_ms"])):
        return Wellbeing(
            "warn", f"Its last heartbeat is {lasting(silent)} old: it may hang, or its host be busy."
        )
    if abs(off := worker["clock_skew_ms"] or 0) > MOST_SKEW_MS:
        which = "ahead of" if off > 0 else "behind"
        told = f"Its clock is {abs(off) / 1000:.1f} s {which} the database's"
        return Wellbeing("warn", f"{told}: synchronise the host's clock (NTP).")
    if worker["status"] == WorkerStatus.STOPPING:
        return Wellbeing("warn", "It is stopping: it takes no new work, and lets the running job finish.")
    if not runs_jobs:
        return Wellbeing("good", "It is well, and serves this admin. It runs no jobs.")
    return Wellbeing(
        "good", "It is well, and at work." if worker["current_occurrence_id"] else "It is well, and waits."
    )
