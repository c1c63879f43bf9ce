"""What came before: in an occurrence that was interrupted, and in one that is run again."""

import json
from collections.abc import Iterable
from typing import Any

from scheduled.sequence import Sequence
from scheduled.store import runs, schedules
from scheduled.store.held import Held
from scheduled.words import Reason, Status


def remember(held: Held, occurrence_id: int, sequence: Sequence) -> None:
    """Take over the attempts of an occurrence that was interrupted, so that it goes on from there."""
    for run in held.rows(runs.ATTEMPTS, the_occurrence_id=occurrence_id):
        blocked = run.reason == Reason.DEPENDENCY_FAILED
        # A retry that was skipped because its daemon ended is no answer: the job has yet to give one.
        final = blocked or run.status != Status.SKIPPED or run.reason == Reason.SKIPPED_BY_JOB
        status = Status(run.status) if final else Status.INTERRUPTED
        sequence.remember(run.job_name, run.attempt, status, blocked=blocked)
    sequence.results.update(_results(held, occurrence_id))


def done_before(held: Held, rerun_of: int | None, names: Iterable[str]) -> dict[str, Any]:
    """Of these jobs, those that completed in the occurrence that is run again, with what they returned.

    A job that was not repeated there either, because that was a rerun itself, is looked for before it.
    """
    done: dict[str, Any] = {}
    wanted = set(names)
    while wanted and rerun_of is not None:
        attempts = held.rows(runs.ATTEMPTS, the_occurrence_id=rerun_of)
        completed = {run.job_name for run in attempts if run.status == Status.COMPLETED} & wanted
        if completed:
            results = _results(held, rerun_of)
            done |= {name: results.get(name) for name in completed}
        wanted -= {run.job_name for run in attempts}
        before = held.row(schedules.OCCURRENCE, the_id=rerun_of)
        rerun_of = None if before is None else before.rerun_of
    return done


def _results(held: Held, occurrence_id: int) -> dict[str, Any]:
    found = held.rows(runs.RESULTS, the_occurrence_id=occurrence_id)
    return {row.job_name: None if row.result is None else json.loads(row.result) for row in found}
