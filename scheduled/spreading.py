"""In what order one of many daemons takes what is due, so that they seldom reach for the same. Pure.

Rendezvous hashing (Thaler and Ravishankar, 1998): every daemon ranks all daemons for each schedule, each by
the same rule, and so they agree without a word about who reaches for it first. Nobody is kept from anything:
who has taken what was theirs goes on with what others have not.
"""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from zlib import crc32

from scheduled.planner import Start
from scheduled.words import REQUESTS, Trigger

WAITED_ENOUGH = timedelta(seconds=5)
"""What is later than this goes by its age, whoever's it is."""


def spread(starts: Iterable[Start], me: str, living: Collection[str], now: datetime) -> tuple[Start, ...]:
    """The starts in the order in which the daemon `me` should try them; `living` are all daemons' ids.

    Requests come first and what was missed last, as planned. In between, what is old comes by its age, and of
    the rest what is ours comes before that of others.
    """
    planned = tuple(starts)
    if len(living) < 2:
        return planned

    def place(numbered: tuple[int, Start]) -> tuple[int, int, int]:
        number, start = numbered
        if start.trigger in REQUESTS:
            kind = 0
        elif start.trigger is Trigger.CATCH_UP:
            kind = 3
        else:
            kind = 1 if now - start.due_at > WAITED_ENOUGH else 2
        return kind, rank(start.schedule_id, me, living), number

    return tuple(start for _, start in sorted(enumerate(planned), key=place))


def rank(schedule_id: str, me: str, living: Collection[str]) -> int:
    """How many of the others reach for the schedule before us."""
    mine = _weight(schedule_id, me), me
    return sum((_weight(schedule_id, other), other) > mine for other in living if other != me)


def _weight(schedule_id: str, worker_id: str) -> int:
    return crc32(f"{schedule_id} {worker_id}".encode())
