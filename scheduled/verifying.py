"""`verify`: the audit of every schedule's ledger, as it stands in the database."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scheduled.audit import Account, hold_against, periods
from scheduled.clock import Clock
from scheduled.expressions import parse
from scheduled.missed_runs import TICK
from scheduled.store import auditing
from scheduled.store.database import Database
from scheduled.store.held import Held


@dataclass(frozen=True)
class Verdict:
    """The account of all schedules together."""

    accounts: tuple[Account, ...]

    @property
    def ok(self) -> bool:
        return all(account.ok for account in self.accounts)

    def as_json(self) -> dict[str, Any]:
        """The keys are a public contract."""
        sums = {
            name: sum(getattr(account, name) for account in self.accounts)
            for name in ("expected", "accounted", "ran", "skipped", "waiting", "pending", "running")
        }
        lists = {
            name: [sentence for account in self.accounts for sentence in getattr(account, name)]
            for name in ("missing", "duplicate", "unexpected")
        }
        return {"ok": self.ok, **sums, **lists}


def verify(database: Database, since: datetime | None = None, clock: Clock | None = None) -> Verdict:
    """Recompute what was due and hold it against the ledger, from `since` (by default, all that is kept).

    It may run beside daemons: each schedule is judged up to the frontier that it had when it was looked at.
    """
    with database.hold() as held:
        now = (clock or Clock()).now()
        rows = held.rows(auditing.SCHEDULES)
        return Verdict(tuple(_account(held, row, since, now) for row in rows))


def _account(held: Held, row: Any, since: datetime | None, now: datetime) -> Account:
    """One schedule's, up to its frontier: whatever is written meanwhile lies beyond that."""
    account = Account(row.id)
    start = row.ledger_from if since is None else max(since, row.ledger_from)
    events = held.rows(auditing.EVENTS, the_schedule_id=row.id)
    deciding = periods(events, start, row.next_run_at, now)
    # The clock may have been set back since: then the ledger of what is off now reaches beyond this moment.
    end = row.next_run_at or max([now, *(period.planned_to for period in deciding)])
    hold_against(account, deciding, auditing.ledger(held, row.id, end), start)
    if row.next_run_at is not None and row.next_run_at <= now:
        expression = parse(row.definition["cron"], row.definition["timezone"])
        account.pending = expression.count(row.next_run_at - TICK, now)
    return account
