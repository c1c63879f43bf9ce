"""Is all well? Each check says what it found and, if that is not well, what to do."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from scheduled.clock import Clock
from scheduled.errors import ExpressionError, ScheduledError
from scheduled.phrases import instant, lasting
from scheduled.presence import GONE, why_absent
from scheduled.settings import Settings
from scheduled.store import vitals
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.schema import require_current

OLD, DEAD = timedelta(seconds=120), timedelta(seconds=300)
LEAST_SUCCESS = 0.95
MOST_SKEW_MS = 2000
WEEK = timedelta(days=7)
SHOWN = 5
LONGEST = 300


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    message: str


@dataclass(frozen=True)
class Health:
    """The report. Its JSON is a public contract."""

    checks: tuple[Check, ...]

    @property
    def healthy(self) -> bool:
        return all(check.ok for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        return {"healthy": self.healthy, "checks": [asdict(check) for check in self.checks]}


def health(settings: Settings, clock: Clock | None = None) -> Health:
    """Look at everything that can be wrong. Raises nothing: what cannot be looked at is unhealthy too."""
    now = (clock or Clock()).now()
    try:
        database = Database(settings.database_url)
    except ScheduledError as error:
        return Health((Check("database", False, str(error)),))
    try:
        with database.hold() as held:
            require_current(database)
            checks = [Check("database", True, f"{database.name} answers, at the right revision")]
            checks += [check for look in _LOOKS for check in look(held, settings, now)]
            return Health(tuple(checks))
    except ScheduledError as error:
        return Health((Check("database", False, str(error)),))
    finally:
        database.close()


def glance(database: Database, settings: Settings, now: datetime) -> tuple[Check, ...]:
    """What ails the daemon, if anything: quick enough for the top of every page.

    Raises:
        DatabaseError: the database does not answer.
    """
    with database.hold() as held:
        return tuple(check for look in _GLANCES for check in look(held, settings, now))


def heartbeat(database: Database, now: datetime) -> datetime | None:
    """When a daemon that is there last said so; None if none is.

    Raises:
        DatabaseError: the database does not answer.
    """
    with database.hold() as held:
        daemons = _there(held, now)
    return daemons[0].last_heartbeat_at if daemons else None


def _daemon(held: Held, settings: Settings, now: datetime) -> Iterator[Check]:
    daemons = _there(held, now)
    if not daemons:
        last = held.row(vitals.LAST_DAEMON)
        seen = "none has ever run" if last is None else _last_seen(last, now)
        yield Check("daemon", False, f"no daemon is alive: {seen}. Start one: `scheduled run`")
        return
    newest = daemons[0]
    age = now - newest.last_heartbeat_at
    # Under SCHEDULE_WAKE=poll a daemon beats once a poll only.
    allowed = (
        max(DEAD, 2 * timedelta(milliseconds=newest.poll_interval_ms)) if settings.wake == "poll" else DEAD
    )
    name = f"{newest.hostname}/{newest.pid}"
    told = f"the last heartbeat, of {name}, is {age.total_seconds():.0f} s old"
    if age > allowed:
        yield Check("daemon", False, f"{told}: it hangs, or died. Restart it: `scheduled run`")
    elif age > OLD:
        yield Check("daemon", True, f"warning: {told}")
    else:
        yield Check("daemon", True, f"{len(daemons)} alive; {told}")


def _there(held: Held, now: datetime) -> list[Any]:
    """The daemons that say that they live, without those whose process is gone from this host."""
    return [row for row in held.rows(vitals.DAEMONS) if why_absent(row, now) != GONE]


def _last_seen(last: Any, now: datetime) -> str:
    ago = _age(now - last.last_heartbeat_at)
    status = last.status
    if status in ("RUNNING", "STOPPING"):
        return f"the last one, {last.hostname}/{last.pid}, lived {ago} ago, and its process is gone"
    return f"the last one, {last.hostname}/{last.pid}, was {status} {ago} ago"


def _age(span: timedelta) -> str:
    """'4 s', '3 h 20 min': whole seconds."""
    return f"{span.total_seconds():.0f} s" if span < timedelta(minutes=2) else lasting(span)


def _locks(held: Held, _settings: Settings, now: datetime) -> Iterator[Check]:
    dead = [
        f"{row.id} (since {instant(row.lock_expires_at)})"
        for row in held.rows(vitals.DEAD_LOCKS, the_now=now)
    ]
    dead += [
        f"{row.id} (the process of {row.hostname}/{row.pid} is gone)"
        for row in held.rows(vitals.HELD_LOCKS, the_now=now)
        if why_absent(row, now) == GONE
    ]
    yield _listed(
        "locks",
        dead,
        "no lock outlived its lease or its holder",
        "locks that outlived their lease or their holder",
        "a daemon takes them when it next looks: is one alive?",
    )


def _overdue(held: Held, settings: Settings, now: datetime) -> Iterator[Check]:
    late = timedelta(milliseconds=settings.missed_grace_ms)
    if settings.wake == "poll":
        late = max(late, 2 * timedelta(milliseconds=settings.poll_interval_ms))
    found = [
        f"{row.id} (due {instant(row.next_run_at)})" for row in held.rows(vitals.OVERDUE, before=now - late)
    ]
    yield _listed(
        "overdue",
        found,
        "nothing is overdue",
        "overdue",
        "another schedule runs for long, or no daemon has these definitions",
    )


def _failing(held: Held, _settings: Settings, _now: datetime) -> Iterator[Check]:
    rows = sorted(held.rows(vitals.FAILING), key=lambda row: str(row.id))
    found = [
        f"{row.id} ({row.consecutive_failures} times)" for row in rows if row.enabled and not row.orphaned
    ]
    yield _listed(
        "failing",
        found,
        "no schedule failed three times in a row",
        "failing again and again",
        "see `scheduled history ID --status FAILED` and `scheduled run-log RUN`",
    )


def _success(held: Held, _settings: Settings, now: datetime) -> Iterator[Check]:
    ended = vitals.outcomes(held, now - WEEK)
    failed = ended.get("FAILED", 0) + ended.get("TIMED_OUT", 0)
    total = failed + ended.get("COMPLETED", 0)
    rate = 1.0 if total == 0 else 1 - failed / total
    told = f"{rate:.1%} of {total} attempts of the last 7 days succeeded"
    ok = rate >= LEAST_SUCCESS
    yield Check("success_rate", ok, told if ok else f"{told}: see `scheduled history --status FAILED`")


def _definitions(held: Held, _settings: Settings, now: datetime) -> Iterator[Check]:
    daemons = [row for row in _there(held, now) if now - row.last_heartbeat_at <= DEAD]
    versions = {row.definition_hash: f"{row.hostname}/{row.pid}" for row in daemons}
    started = held.row(vitals.NEWEST_START)
    rejected = None if started is None else held.row(vitals.REJECTED, since=started.started_at)
    if rejected is not None:
        told = f"the definitions did not load at {instant(rejected.at)}"
        remedy = "Mend them, and start a daemon: `scheduled run`"
        if daemons:
            told, remedy = f"{told}, and the old ones stay", "Mend them, and send SIGHUP again"
        faults = _faults(str((rejected.data or {}).get("faults", "")))
        yield Check("definitions", False, "\n  - ".join([f"{told}. {remedy}", *faults]))
    elif len(versions) > 1:
        names = " and ".join(sorted(versions.values()))
        yield Check("definitions", False, f"{names} run different versions: restart or reload the older one")
    elif daemons and started is not None and started.definition_hash not in versions:
        names = " and ".join(sorted(versions.values()))
        stored = f"{started.hostname}/{started.pid} stored others at {instant(started.started_at)}"
        yield Check(
            "definitions", False, f"{names} stands aside where definitions differ: {stored}. Reload it"
        )
    else:
        yield Check("definitions", True, "the daemons agree on the definitions")


def _faults(said: str) -> list[str]:
    """Each of the faults that `check` told of; or all that it said, if that was something else."""
    lines = [line.strip() for line in said.splitlines()]
    faults = [line.removeprefix("- ") for line in lines if line.startswith("- ")]
    faults = faults or [" ".join(said.split()).removeprefix("Error: ")]
    more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    return [fault[:LONGEST] for fault in faults[:SHOWN] if fault] + more


def _skew(held: Held, _settings: Settings, now: datetime) -> Iterator[Check]:
    off = [
        f"{row.hostname}/{row.pid} ({row.clock_skew_ms / 1000:+.1f} s)"
        for row in _there(held, now)
        if abs(row.clock_skew_ms or 0) > MOST_SKEW_MS
    ]
    yield _listed(
        "clock_skew",
        off,
        "the daemons' clocks agree with the database's",
        "clocks off the database's",
        "synchronise the host's clock (NTP)",
    )


def _clocks(held: Held, _settings: Settings, now: datetime) -> Iterator[Check]:
    ahead = []
    rows = held.rows(vitals.AHEAD, the_now=now)
    if rows:
        from scheduled.expressions import parse  # croniter takes long to import, and is seldom needed here
        from scheduled.planner import due_if_set_back
    for row in rows:
        try:
            due = due_if_set_back(
                parse(row.definition["cron"], row.definition["timezone"]), row.next_run_at, now
            )
        except (ExpressionError, KeyError):
            continue
        if due is not None:
            ahead.append(f"{row.id} (next {instant(row.next_run_at)}, though due {instant(due)})")
    yield _listed(
        "clock",
        ahead,
        "no schedule waits beyond its time",
        "waiting beyond their time",
        "the clock once ran ahead: disable and enable them",
    )


def _listed(name: str, found: list[str], well: str, what: str, remedy: str) -> Check:
    if not found:
        return Check(name, True, well)
    shown = ", ".join(found[:SHOWN]) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
    return Check(name, False, f"{what}: {shown}. {remedy}")


_LOOKS: tuple[Callable[[Held, Settings, datetime], Iterator[Check]], ...] = (
    _daemon,
    _locks,
    _overdue,
    _failing,
    _success,
    _definitions,
    _clocks,
    _skew,
)
_GLANCES = (_daemon, _definitions, _skew)
