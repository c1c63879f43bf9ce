"""Takes locks from holders who died, and makes their rows true."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from scheduled.dependencies import order
from scheduled.errors import FencedError
from scheduled.history import skip_queued_attempt
from scheduled.lock import release
from scheduled.registry import Registry
from scheduled.resuming import done_before
from scheduled.running.identity import alive, kill_group
from scheduled.store import ledger, runs, schedules, workers
from scheduled.store.held import Held
from scheduled.waiting import end_unreached
from scheduled.words import Reason, Status, WorkerStatus, WorkerType


class Identity(Protocol):
    """Who reaps: a worker instance, and the host that it runs on."""

    id: str
    hostname: str
    boot_id: str
    pid: int
    pid_started_at: float
    last_begun_id: int | None

    @property
    def name(self) -> str: ...


LEFT_BEHIND = "its claim came to nothing"


@dataclass(frozen=True)
class Reaped:
    """A lock that was taken from its dead holder."""

    schedule_id: str
    holder: str
    occurrence_id: int | None
    why: str
    requeued: bool


def reap_locks(held: Held, me: Identity, registry: Registry, now: datetime) -> list[Reaped]:
    """Take every dead lock: one whose lease ran out, or whose holder is gone from this host.

    Only while we run nothing: then one of our own was left behind by a claim that we never heard of again.
    """
    return [
        reaped
        for lock in held.rows(workers.LOCKS, me="", the_now=now)
        if (why := LEFT_BEHIND if lock.locked_by == me.id else why_dead(lock, me))
        and (reaped := _reap(held, lock, me, registry, why, now))
    ]


def reap_own(held: Held, me: Identity, registry: Registry, now: datetime) -> None:
    """Take our own lock from a main thread that a job does not give back."""
    for lock in held.rows(workers.LOCKS, me="", the_now=now):
        if lock.locked_by == me.id:
            _reap(held, lock, me, registry, "it was told to stop, and its job would not end", now)


def lose_the_dead(
    held: Held, me: Identity, now: datetime, patience_seconds: float
) -> tuple[list[str], frozenset[str]]:
    """Mark instances as LOST that are gone from this host, or have been silent for longer than they may.

    Returns their ids, and those of the daemons that live.
    """
    lost, living = [], set()
    for worker in held.rows(workers.LIVING):
        silent = (now - worker.last_heartbeat_at).total_seconds()
        patience = max(patience_seconds, 2 * worker.poll_interval_ms / 1000)
        if worker.id != me.id and (_process_is_gone(worker, me) or silent > patience):
            with held.transaction():
                if held.run(workers.LOST, holder=worker.id, last_sign=worker.last_heartbeat_at):
                    lost.append(str(worker.id))
        elif worker.worker_type == WorkerType.SCHEDULE_DAEMON:
            living.add(str(worker.id))
    return lost, frozenset(living)


def why_dead(lock: Any, me: Identity) -> str | None:
    """Why a lock's holder counts as dead, as part of a sentence; None if it lives for all we know."""
    if lock.status in (None, WorkerStatus.STOPPED):
        return "it had stopped"
    if _process_is_gone(lock, me):
        return f"its process {lock.pid} was gone"
    if lock.run_out:
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
    if why is LEFT_BEHIND and running is not None and running.id != me.last_begun_id:
        return _give_back(held, lock, running.id, me, now)
    if running is not None and (lock.hostname, lock.boot_id) == (me.hostname, me.boot_id):
        for child in held.rows(workers.CHILDREN, the_occurrence_id=running.id):
            kill_group(child.pid, child.pid_started_at)
    try:
        with held.transaction():
            if lock not in held.rows(workers.LOCKS, me="", the_now=now):
                return None  # renewed, released or reaped since we looked
            last_sign, requeued = lock.last_heartbeat_at or now, False
            if running is not None:
                last_sign, requeued = _interrupt(held, lock, running, registry, why, now)
            held.make(release(lock.schedule_id, lock.locked_by, Status.INTERRUPTED, now))
            if lock.locked_by != me.id:
                held.run(workers.LOST, holder=lock.locked_by, last_sign=last_sign)
            reaped = Reaped(lock.schedule_id, lock.locked_by, running and running.id, why, requeued)
            data = {key: value for key, value in asdict(reaped).items() if key != "schedule_id"}
            schedules.add_event(held, lock.schedule_id, "lock_reaped", now, f"daemon {me.name}", why, data)
    except FencedError:
        return None
    return reaped


def _give_back(held: Held, lock: Any, occurrence_id: int, me: Identity, now: datetime) -> Reaped | None:
    """A claim of ours that the database made and could not tell us of: its occurrence waits, as if unclaimed.

    1. The fence; the occurrence is QUEUED.
    2. Its attempt, within which nothing ever ran, is forgotten.
    3. The lock is released, and the start not counted.
    """
    with held.transaction():
        if held.run(ledger.WAIT_AGAIN, the_id=occurrence_id, holder=me.id) != 1:
            return None
        held.run(runs.FORGET_BEGUN, the_occurrence_id=occurrence_id)
        held.run(ledger.GIVE_BACK, the_id=lock.schedule_id, holder=me.id, the_now=now)
    return Reaped(lock.schedule_id, me.id, occurrence_id, LEFT_BEHIND, requeued=True)


def _interrupt(
    held: Held, lock: Any, running: Any, registry: Registry, why: str, now: datetime
) -> tuple[datetime, bool]:
    """The holder's last sign of life, and whether the occurrence is to run once more.

    1. The fence, and the occurrence's own outcome.
    2. Its attempt is interrupted, or its retry will not come.
    3. The jobs that were not reached are recorded as skipped, unless they are still to run.
    """
    attempts = held.rows(runs.ATTEMPTS, the_occurrence_id=running.id)
    signs = [lock.last_heartbeat_at, running.started_at, *(a.started_at for a in attempts)]
    last_sign: datetime = max(sign for sign in (*signs, *(a.finished_at for a in attempts)) if sign)
    wanted = lock.definition.get("rerun_interrupted") and running.cancel_requested_at is None
    requeued = bool(wanted) and running.reason != Reason.RERUN
    outcome, reason = (ledger.REQUEUE, Reason.RERUN) if requeued else (ledger.INTERRUPT, Reason.HOLDER_LOST)
    name = lock.locked_by if lock.hostname is None else f"{lock.hostname}/{lock.pid}"
    detail = f"the daemon {name} was lost: {why}"
    ended = {"the_id": running.id, "holder": lock.locked_by, "reason": reason, "detail": detail}
    if held.run(outcome, finished_at=last_sign, **ended) != 1:
        raise FencedError(f"occurrence {running.id} has ended meanwhile")
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
                error_message=detail,
            )
        elif attempt.status == Status.QUEUED:
            held.make(skip_queued_attempt(attempt.id, Reason.HOLDER_LOST, now))
    if not requeued:
        began_all = len({attempt.job_name for attempt in attempts}) >= running.jobs_total
        jobs = () if began_all else _jobs_of(held, running, lock, registry)
        end_unreached(held, running, attempts, jobs, Reason.HOLDER_LOST, now)
    return last_sign, requeued


def _jobs_of(held: Held, running: Any, lock: Any, registry: Registry) -> list[str]:
    """The jobs that the occurrence was to run, as well as our own definitions can tell."""
    chosen = running.jobs or lock.definition.get("jobs") or []
    known = [name for name in chosen if name in registry.graph]
    ordered = order(registry.graph, known)
    done = done_before(held, running.rerun_of, set(ordered).difference(chosen))
    unknown = (name for name in chosen if name not in registry.graph)
    return [*(name for name in ordered if name not in done), *unknown]
