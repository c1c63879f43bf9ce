"""Writes to the ledger: locks, frontiers and occurrences. One statement each, in the caller's transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, func, select, true, update

from scheduled.missed_runs import Entry
from scheduled.store.held import Held
from scheduled.store.leases import LeaseEnd
from scheduled.store.statements import Statement, Write
from scheduled.store.tables import all_given, given, inserted, lock_is_free, occurrences, schedules, spelled
from scheduled.words import Reason, Status

_s, _o = schedules.c, occurrences.c

_moved = {
    "next_run_at": given(_s.next_run_at, "new_frontier"),
    "skipped_count": _s.skipped_count + given(_s.skipped_count, "skipped"),
    "updated_at": given(_s.updated_at, "the_now"),
}
_locked = {
    "locked_at": given(_s.locked_at, "the_now"),
    "locked_by": given(_s.locked_by, "me"),
    "lock_expires_at": LeaseEnd(),
    "last_run_at": given(_s.last_run_at, "the_now"),
    "run_count": _s.run_count + 1,
}
_as_planned = and_(
    _s.id == given(_s.id),
    _s.enabled == true(),
    _s.next_run_at == given(_s.next_run_at, "planned_from"),
    _s.definition_hash == given(_s.definition_hash, "mine"),
)
_ours_to_run = and_(
    _s.id == given(_s.id), _s.definition_hash == given(_s.definition_hash, "mine"), lock_is_free()
)

LOCK_DUE = Statement(update(schedules).where(_as_planned, lock_is_free()).values(_moved | _locked))
MOVE_FRONTIER = Statement(update(schedules).where(_as_planned, lock_is_free()).values(_moved))
LOCK_OWED = Statement(update(schedules).where(_ours_to_run, _s.enabled == true()).values(_locked))
LOCK_REQUESTED = Statement(update(schedules).where(_ours_to_run, _s.orphaned != true()).values(_locked))

ADD_OCCURRENCE = Statement(
    inserted(
        occurrences,
        *("schedule_id", "due_at", "due_until", "trigger", "status"),
        due_count=1,
        **dict.fromkeys(("unique_key", "reason", "detail", "requested_by", "requested_at", "jobs", "params")),
        **dict.fromkeys(("rerun_of", "worker_id", "started_at", "finished_at")),
        **dict.fromkeys(("jobs_total", "jobs_completed", "jobs_failed", "jobs_skipped"), 0),
    )
)
START_WAITING = Statement(
    update(occurrences)
    .where(_o.id == given(_o.id), _o.status == Status.QUEUED)
    .values(
        status=Status.RUNNING,
        worker_id=given(_o.worker_id, "me"),
        started_at=given(_o.started_at, "the_now"),
        finished_at=None,
        jobs_total=given(_o.jobs_total, "jobs_total"),
    )
)
_status = bindparam("status", type_=_o.status.type)
_rerun_ends = case((_status == Status.SKIPPED, Status.INTERRUPTED), else_=_status)
END_WAITING = Statement(
    update(occurrences)
    .where(_o.id == given(_o.id), _o.status == Status.QUEUED)
    .values(
        all_given(occurrences, "reason", "detail")
        # What ran once, and was interrupted, is not skipped; and it ran until then, and not until now.
        | {
            "status": case((_o.reason == Reason.RERUN, _rerun_ends), else_=_status),
            "finished_at": func.coalesce(_o.finished_at, bindparam("finished_at", type_=_o.finished_at.type)),
        }
    )
)
_counts = all_given(occurrences, "jobs_completed", "jobs_failed", "jobs_skipped")
_under_the_lock = and_(
    _o.id == given(_o.id), _o.worker_id == given(_o.worker_id, "holder"), _o.status == Status.RUNNING
)
COUNT_JOBS = Statement(
    update(occurrences).where(_o.id == given(_o.id)).values(_counts | all_given(occurrences, "jobs_total"))
)
FENCE = Statement(update(occurrences).where(_under_the_lock).values(_counts))
FINISH = Statement(
    update(occurrences)
    .where(_under_the_lock)
    .values(_counts | all_given(occurrences, "status", "reason", "detail", "finished_at"))
)
INTERRUPT = Statement(
    update(occurrences)
    .where(_under_the_lock)
    .values(all_given(occurrences, "reason", "detail", "finished_at") | {"status": Status.INTERRUPTED})
)
REQUEUE = Statement(
    update(occurrences)
    .where(_under_the_lock)
    .values(
        all_given(occurrences, "reason", "detail", "finished_at")
        | {"status": Status.QUEUED, "worker_id": None}
    )
)
WAIT_AGAIN = Statement(
    update(occurrences).where(_under_the_lock).values(status=Status.QUEUED, worker_id=None, started_at=None)
)
_freed = (
    update(schedules)
    .where(_s.id == given(_s.id), _s.locked_by == given(_s.locked_by, "holder"))
    .values(locked_at=None, locked_by=None, lock_expires_at=None, updated_at=given(_s.updated_at, "the_now"))
)
GIVE_BACK = Statement(_freed.values(run_count=_s.run_count - 1))
RELEASE = Statement(
    _freed.values(
        last_status=given(_s.last_status, "status"),
        failure_count=_s.failure_count + given(_s.failure_count, "failed"),
        consecutive_failures=case(
            (bindparam("kept", type_=_s.failure_count.type) == 0, 0),
            else_=_s.consecutive_failures + given(_s.consecutive_failures, "failed"),
        ),
    )
)
RUNNING_OF = Statement(
    select(
        _o.id,
        _o.schedule_id,
        _o.started_at,
        _o.trigger,
        _o.jobs,
        _o.reason,
        _o.rerun_of,
        _o.cancel_requested_at,
        _o.jobs_total,
    ).where(
        _o.status == spelled(Status.RUNNING),
        _o.schedule_id == given(_o.schedule_id),
        _o.worker_id == given(_o.worker_id, "holder"),
    )
)
RENEW = Statement(
    update(schedules).where(_s.locked_by == given(_s.locked_by, "me")).values(lock_expires_at=LeaseEnd())
)
ADD_SKIPPED = Statement(
    update(schedules)
    .where(_s.id == given(_s.id))
    .values(skipped_count=_s.skipped_count + given(_s.skipped_count, "skipped"))
)


def unique_key(schedule_id: str, due_at: datetime) -> str:
    """What makes an occurrence by CRON or CATCH_UP the only one of its due instant."""
    return f"{schedule_id}@{due_at:%Y-%m-%dT%H:%M:%S.%fZ}"


def entry_of(schedule_id: str, entry: Entry, now: datetime, **values: Any) -> Write:
    """One entry of a settled window. What is skipped has ended `now`."""
    skipped = entry.status is Status.SKIPPED
    return Write(
        ADD_OCCURRENCE,
        {
            "schedule_id": schedule_id,
            "due_at": entry.due_at,
            "due_until": entry.due_until,
            "due_count": entry.count,
            "unique_key": unique_key(schedule_id, entry.due_at),
            "trigger": entry.trigger,
            "finished_at": now if skipped else None,
            "status": entry.status,
            "reason": entry.reason,
            "detail": entry.detail,
            **values,
        },
    )


def add_entry(held: Held, schedule_id: str, entry: Entry, now: datetime) -> int:
    """Write one entry of a settled window; the new occurrence's id.

    Raises:
        DuplicateError: the instant stands in the ledger already.
    """
    return add_occurrence(held, **entry_of(schedule_id, entry, now).values)


def add_occurrence(held: Held, **values: Any) -> int:
    """Write one occurrence; its id. What is not given is null or zero."""
    return int(held.insert(ADD_OCCURRENCE, **values))


def skipped_instants(entries: tuple[Entry, ...]) -> int:
    return sum(entry.count for entry in entries if entry.status is Status.SKIPPED)
