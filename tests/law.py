"""The law of the ledger, for tests: everything that was due is in exactly one row.

Held against our own audit (`verify`), and, apart from that, against the events and the rows alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from scheduled.expressions import Expression, parse
from scheduled.store import tables
from scheduled.store.database import Database
from scheduled.testing import ManualDaemon
from scheduled.verifying import verify

TICK = timedelta(microseconds=1)
BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
FAILED = ("FAILED", "TIMED_OUT")
OPEN = ("RUNNING", "QUEUED")


def assert_lawful(daemon: ManualDaemon) -> None:
    """Nothing is missing, nothing twice, nothing that was not due; and all rows agree with each other."""
    found = breaches(daemon.database)
    assert not found, "\n".join(found)
    verdict = verify(daemon.database, clock=daemon.clock)
    assert verdict.ok, verdict.as_json()


def breaches(database: Database) -> list[str]:
    """A sentence for each way in which the rows break the law or disagree; also while a daemon lies dead."""
    return [*_breaches(database), *_half_rows(database)]


@dataclass(frozen=True)
class Stretch:
    """From `since` up to, not including, `until` the schedule owed each instant of the expression.

    If the clock was set back within it, rows may reach up to `ahead`.
    """

    expression: Expression
    since: datetime
    until: datetime
    ahead: datetime

    def count(self, first: datetime, last: datetime) -> int:
        return max(0, self.expression.count(first - TICK, last))


def owed(database: Database, schedule: dict[str, Any]) -> list[Stretch]:
    """When the schedule owed what, as its events tell.

    Where a stretch begins before an earlier one ended, because the clock was set back, that owes no more.
    """
    found: list[Stretch] = []
    since: datetime | None = None
    enabled: bool | None = False
    definition: dict[str, Any] | None = None
    for event in _all(database, tables.events, schedule_id=schedule["id"]):
        name, data = event["event"], event["data"] or {}
        before = definition
        definition = data.get("to", definition)
        enabled = {"added": data.get("enabled"), "enabled": True, "disabled": False}.get(name, enabled)
        retimed = name == "changed" and _timing(before) != _timing(definition)
        if since is not None and (retimed or name in ("disabled", "orphaned")):
            ahead = datetime.fromisoformat(data.get("frontier", event["at"].isoformat()))
            found.append(Stretch(parse(*_timing(before)[:2]), since, event["at"], max(ahead, event["at"])))
            since = None
        if enabled and (retimed or name in ("added", "enabled", "back")):
            found = [replace(stretch, until=min(stretch.until, event["at"])) for stretch in found]
            since = max(event["at"], kept_from(schedule))
    if since is not None and (until := schedule["next_run_at"]) is not None:
        found.append(Stretch(parse(*_timing(definition)[:2]), since, until, until))
    return found


def kept_from(schedule: dict[str, Any]) -> datetime:
    """What is older, `prune` has forgotten. (A clock set back knows instants from before the creation.)"""
    pruned = schedule["ledger_from"] > schedule["created_at"]
    return schedule["ledger_from"] if pruned else BEGINNING


def _breaches(database: Database) -> Iterator[str]:
    for schedule in _all(database, tables.schedules):
        rows = _ledger(database, schedule["id"])
        stretches = owed(database, schedule)
        for left, right in pairwise(rows):
            if left["due_until"] >= right["due_at"]:
                yield f"{_told(left)} and {_told(right)} overlap"
        for row in rows:
            if row["due_until"] < kept_from(schedule):
                continue  # older than what `prune` keeps, but for the newest
            home = [s for s in stretches if s.since <= row["due_at"] and row["due_until"] < s.ahead]
            if not home:
                yield f"{_told(row)} was never owed"
            elif not any(_fits(stretch, row) for stretch in home):
                yield f"{_told(row)} does not hold exactly {row['due_count']} instants"
        for stretch in stretches:
            due = stretch.count(stretch.since, stretch.until - TICK)
            within = [row for row in rows if stretch.since <= row["due_at"] < stretch.until]
            ends = [min(row["due_until"], stretch.until - TICK) for row in within]
            held = sum(
                stretch.count(row["due_at"], end)
                for row, end in zip(within, ends, strict=True)
                if _fits(stretch, row)
            )
            if due != held:
                yield f"{schedule['id']} owed {due} from {stretch.since} to {stretch.until}, not {held}"
        skipped = sum(row["due_count"] for row in rows if row["status"] == "SKIPPED")
        pruned = kept_from(schedule) > BEGINNING  # the counters remember what is forgotten
        if schedule["skipped_count"] != skipped and not (pruned and schedule["skipped_count"] > skipped):
            yield f"{schedule['id']} counts {schedule['skipped_count']} skipped instants, not {skipped}"


def _fits(stretch: Stretch, row: dict[str, Any]) -> bool:
    first, last = row["due_at"], row["due_until"]
    ends = (stretch.expression.at_or_after(first), stretch.expression.at_or_after(last))
    return ends == (first, last) and stretch.count(first, last) == row["due_count"]


def _half_rows(database: Database) -> Iterator[str]:
    """What no crash and no error may leave behind."""
    locked = {s["id"]: s["locked_by"] for s in _all(database, tables.schedules) if s["locked_by"]}
    patient = {s["id"] for s in _all(database, tables.schedules) if _may_rerun(database, s)}
    for row in _all(database, tables.occurrences):
        runs = _all(database, tables.runs, occurrence_id=row["id"])
        waiting = [run for run in runs if run["status"] in OPEN]
        if row["status"] == "RUNNING":
            if len(waiting) != 1 or locked.get(row["schedule_id"]) != row["worker_id"]:
                yield f"{_told(row)} runs without a lock, or without exactly one open attempt"
        elif waiting:
            yield f"{_told(row)} is over, but {waiting[0]['job_name']} is {waiting[0]['status']}"
        elif row["started_at"] is not None and row["status"] != "QUEUED":
            answers = [run for run in runs if not _abandoned(run)]
            yield from _miscounts(row, {run["job_name"]: run["status"] for run in answers})
        again = []
        for job in {run["job_name"] for run in runs}:
            attempts = [run for run in runs if run["job_name"] == job]
            if (numbers := [run["attempt"] for run in attempts]) != list(range(1, len(attempts) + 1)):
                yield f"{_told(row)} numbers the attempts of {job} {numbers}"
            again += attempts[:-1]
        yield from _repeats(row, again, row["schedule_id"] in patient)


def _repeats(row: dict[str, Any], again: list[dict[str, Any]], may_rerun: bool) -> Iterator[str]:
    """An attempt follows one that failed; or, once, if the schedule asks for that, one cut off."""
    cut_off = [run for run in again if run["status"] == "INTERRUPTED" or _abandoned(run)]
    for run in again:
        if run["status"] not in FAILED and run not in cut_off:
            yield f"{_told(row)} repeats {run['job_name']}, which was {run['status']}"
    if len(cut_off) > may_rerun:
        jobs = [run["job_name"] for run in cut_off]
        yield f"{_told(row)} begins {jobs} again, more often than its schedule asks for"


def _may_rerun(database: Database, schedule: dict[str, Any]) -> bool:
    """Whether any of its definitions asks for what was interrupted to be run once more."""
    events = _all(database, tables.events, schedule_id=schedule["id"])
    known = [schedule["definition"], *((event["data"] or {}).get("to") for event in events)]
    return any(definition.get("rerun_interrupted") for definition in known if definition)


def _abandoned(run: dict[str, Any]) -> bool:
    """A retry that was never begun, because its occurrence ended: the attempt before it is the answer."""
    return bool(run["status"] == "SKIPPED" and run["attempt"] > 1 and run["reason"] != "skipped_by_job")


def _miscounts(row: dict[str, Any], last: dict[str, str]) -> Iterator[str]:
    if len(last) != row["jobs_total"]:
        yield f"{_told(row)} tells of {sorted(last)}, not of {row['jobs_total']} jobs"
    counted = (row["jobs_completed"], row["jobs_failed"], row["jobs_skipped"])
    ends = list(last.values())
    if counted != (ends.count("COMPLETED"), sum(e in FAILED for e in ends), ends.count("SKIPPED")):
        yield f"{_told(row)} counts {counted}, but its jobs ended {last}"


def _ledger(database: Database, schedule_id: str) -> list[dict[str, Any]]:
    rows = _all(database, tables.occurrences, schedule_id=schedule_id)
    return sorted((row for row in rows if row["unique_key"]), key=lambda row: row["due_at"])


def _timing(definition: dict[str, Any] | None) -> tuple[str, str, str]:
    given = definition or {}
    return given.get("cron", ""), given.get("timezone", ""), given.get("zone_data", "")


def _told(row: dict[str, Any]) -> str:
    span = f"{row['due_at']:%d %H:%M:%S} to {row['due_until']:%d %H:%M:%S}"
    return f"{row['schedule_id']} {span} ({row['status']})"


def _all(database: Database, table: Any, **where: Any) -> list[dict[str, Any]]:
    query = select(*table.c).order_by(next(iter(table.primary_key)))
    for name, value in where.items():
        query = query.where(table.c[name] == value)
    with database.reading() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
