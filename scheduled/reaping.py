"""Takes locks from holders who died, and makes their rows true."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from scheduled.dependencies import order
from scheduled.history import skip_queued_attempt
from scheduled.lock import release
from scheduled.registry import Registry
from scheduled.running.processes import alive, kill_group
from scheduled.store import ledger, runs, schedules, workers
from scheduled.store.database import Held
from scheduled.words import Reason, Status, WorkerStatus


class Identity(Protocol):
    """Who reaps: a worker instance, and the host that it runs on."""

    id: str
    hostname: str
    boot_id: str
    pid: int
    pid_started_at: float


@dataclass(frozen=True)
class Reaped:
    """A lock that was taken from its dead holder."""

    schedule_id: str
    holder: str
    occurrence_id: int | None
    why: str
    requeued: bool


def reap_locks(held: Held, me: Identity, registry: Registry, now: datetime) -> list[Reaped]:
    """Take every dead lock: one whose lease ran out, or whose holder is gone from this host."""
    return [
        reaped
        for lock in held.rows(workers.LOCKS, me=me.id)
        if (why := why_dead(lock, me, now)) and (reaped := _reap(held, lock, me, registry, why, now))
    ]


def reap_own(held: Held, me: Identity, registry: Registry, now: datetime) -> None:
    """Take our own lock from a main thread that a job does not give back."""
    for lock in held.rows(workers.LOCKS, me=""):
        if lock.locked_by == me.id:
            _reap(held, lock, me, registry, "it was told to stop, and its job would not end", now)


def lose_the_dead(held: Held, me: Identity, now: datetime, patience_seconds: float) -> list[str]:
    """Mark instances as LOST that are gone from this host, or have been silent for longer than they may."""
    lost = []
    for worker in held.rows(workers.LIVING):
        silent = (now - worker.last_heartbeat_at).total_seconds()
        patience = max(patience_seconds, 2 * worker.poll_interval_ms / 1000)
        if worker.id != me.id and (_process_is_gone(worker, me) or silent > patience):
            with held.transaction():
                if held.run(workers.LOST, holder=worker.id):
                    lost.append(str(worker.id))
    return lost


def why_dead(lock: Any, me: Identity, now: datetime) -> str | None:
    """Why a lock's holder counts as dead, as part of a sentence; None if it lives for all we know."""
    if lock.status in (None, WorkerStatus.STOPPED, WorkerStatus.LOST):
        return "it had stopped"
    if _process_is_gone(lock, me):
        return f"its process {lock.pid} was gone"
    if lock.lock_expires_at < now:
        return "its lease had run out"
    return None


def _process_is_gone(worker: Any, me: Identity) -> bool:
    if (worker.hostname, worker.boot_id) != (me.hostname, me.boot_id):
        return False
    ourselves = worker.pid == me.pid and abs(worker.pid_started_at - me.pid_started_at) < 0.01
    return ourselves or not alive(worker.pid, worker.pid_started_at)


def _reap(held: Held, lock: Any, me: Identity, registry: Registry, why: str, now: datetime) -> Reaped | None:
    """Take one dead lock.

    1. The holder's children on this host are killed, before anything could run twice.
    2. In one transaction under the holder's fence: its attempt and its occurrence are INTERRUPTED as of its
       last sign of life (or requeued, once, if the schedule asks for it), what it did not reach is skipped,
       the lock is released, the instance is LOST, and an event tells of it.
    """
    running = held.row(ledger.RUNNING_OF, the_schedule_id=lock.schedule_id, holder=lock.locked_by)
    if running is not None and (lock.hostname, lock.boot_id) == (me.hostname, me.boot_id):
        for child in held.rows(workers.CHILDREN, the_occurrence_id=running.id):
            kill_group(child.pid, child.pid_started_at)
    requeued = False
    with held.transaction():
        if running is not None:
            requeued = bool(lock.definition.get("rerun_interrupted")) and running.reason != Reason.RERUN
            _interrupt(held, lock, running, registry, requeued, why, now)
        release(held, lock.schedule_id, lock.locked_by, Status.INTERRUPTED, now)
        held.run(workers.LOST, holder=lock.locked_by)
        occurrence_id = None if running is None else running.id
        data = {"holder": lock.locked_by, "occurrence_id": occurrence_id, "why": why, "requeued": requeued}
        schedules.add_event(held, lock.schedule_id, "lock_reaped", now, f"daemon {me.id}", why, data)
    return Reaped(lock.schedule_id, lock.locked_by, occurrence_id, why, requeued)


def _interrupt(
    held: Held, lock: Any, running: Any, registry: Registry, requeued: bool, why: str, now: datetime
) -> None:
    attempts = held.rows(runs.ATTEMPTS, the_occurrence_id=running.id)
    last_sign = max(
        [running.started_at, lock.last_heartbeat_at or running.started_at]
        + [attempt.started_at for attempt in attempts if attempt.started_at]
    )
    for attempt in attempts:
        if attempt.status == Status.RUNNING:
            held.run(
                runs.FINISH_RUN,
                the_id=attempt.id,
                status=Status.INTERRUPTED,
                finished_at=last_sign,
                duration_ms=None,
                reason=Reason.HOLDER_LOST,
                error_type=None,
                error_message=f"the daemon {lock.locked_by} was lost: {why}",
            )
        elif attempt.status == Status.QUEUED:
            skip_queued_attempt(held, attempt.id, Reason.HOLDER_LOST, now)
    detail = f"the daemon {lock.locked_by} was lost: {why}"
    if requeued:
        held.run(
            ledger.REQUEUE,
            the_id=running.id,
            holder=lock.locked_by,
            reason=Reason.RERUN,
            detail=detail,
            finished_at=last_sign,
        )
        return
    reached = {attempt.job_name for attempt in attempts}
    unreached = [name for name in _jobs_of(running, lock, registry) if name not in reached]
    for name in unreached:
        runs.add_run(
            held,
            occurrence_id=running.id,
            schedule_id=lock.schedule_id,
            job_name=name,
            attempt=1,
            trigger=running.trigger,
            status=Status.SKIPPED,
            queued_at=now,
            finished_at=now,
            reason=Reason.HOLDER_LOST,
        )
    held.run(
        ledger.FINISH,
        the_id=running.id,
        holder=lock.locked_by,
        status=Status.INTERRUPTED,
        reason=Reason.HOLDER_LOST,
        detail=detail,
        finished_at=last_sign,
        jobs_completed=running.jobs_completed,
        jobs_failed=running.jobs_failed,
        jobs_skipped=running.jobs_skipped + len(unreached),
    )


def _jobs_of(running: Any, lock: Any, registry: Registry) -> list[str]:
    """The jobs that the occurrence was to run, as well as our own definitions can tell."""
    chosen = running.jobs or lock.definition.get("jobs") or []
    known = [name for name in chosen if name in registry.graph]
    return [*order(registry.graph, known), *(name for name in chosen if name not in registry.graph)]
