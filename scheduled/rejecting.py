"""Definitions that do not load: it is noted, for those who look from elsewhere (`health`, the admin)."""

import os
import socket
from contextlib import closing, suppress
from datetime import datetime

from scheduled.errors import ScheduledError
from scheduled.store import schedules, vitals
from scheduled.store.database import Database
from scheduled.store.held import Held
from scheduled.store.schema import require_current


def note_rejected(held: Held, at: datetime, actor: str, faults: str) -> None:
    """Add it to the audit, once for as long as the faults are the same and nothing has started since."""
    started = held.row(vitals.NEWEST_START)
    known = None if started is None else held.row(vitals.REJECTED, since=started.started_at)
    if known is None or (known.data or {}).get("faults") != faults:
        with held.transaction():
            schedules.add_event(held, "", "reload_failed", at, actor, None, {"faults": faults})


def note_failed_start(url: str, at: datetime, faults: str) -> None:
    """The same, as far as there is a database of ours: to tell why a start failed must not fail, too."""
    with suppress(ScheduledError), closing(Database(url)) as database:
        require_current(database)
        with database.hold() as held:
            note_rejected(held, at, f"daemon {socket.gethostname()}/{os.getpid()}", faults)
