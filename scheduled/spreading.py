"""Which of what is due a daemon takes when there are others, so that they seldom reach for the same. Pure.

Rendezvous hashing (Thaler and Ravishankar, 1998): for each schedule every daemon ranks all of them by the
same rule, and so they agree without a word about who reaches for it first. Nobody is kept from anything: who
is second waits for a moment, and then takes it, if it has nothing of its own to do.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

from scheduled.planner import Start
from scheduled.words import REQUESTS, Trigger

TURN = timedelta(milliseconds=250)
"""How long each waits for the one before."""
WAITED_ENOUGH = timedelta(seconds=30)
"""What is later than this is everybody's."""


@dataclass(frozen=True)
class Share:
    """What one daemon is to try now, and when to look again although nothing new is due."""

    starts: tuple[Start, ...]
    again_at: datetime | None = None


def share(starts: Sequence[Start], me: str, living: Collection[str], now: datetime) -> Share:
    """What the daemon `me` is to try of what was planned; `living` are the ids of all daemons.

    First the requests whose turn is ours. Then what is ours, in the order in which it was planned; or else
    one of what others have left beyond their turn: for which we are next, and the last of that, as they begin
    with the first.
    """
    if not set(living) - {me}:
        return Share(tuple(starts))
    asked: list[Start] = []
    ours: list[Start] = []
    left: dict[int, Start] = {}
    turns: list[datetime] = []
    for start in starts:
        place = rank(start.schedule_id, me, living)
        turn = start.due_at + place * TURN
        if start.trigger in REQUESTS and (turn <= now or start.due_at > now):
            asked.append(start)  # comes before all else; and who asks may have a clock that is ahead
            continue
        waited = start.trigger is not Trigger.CATCH_UP and now - start.due_at > WAITED_ENOUGH
        if place == 0 or waited:
            ours.append(start)
        elif turn <= now:
            left[place] = start
        else:
            turns.append(turn)
    next_to_us = [left[min(left)]] if left else []
    return Share((*asked, *(ours or next_to_us)), min(turns, default=None))


def rank(schedule_id: str, me: str, living: Collection[str]) -> int:
    """How many of the others reach for the schedule before us."""
    mine = _weight(schedule_id, me), me
    return sum((_weight(schedule_id, other), other) > mine for other in living if other != me)


def _weight(schedule_id: str, worker_id: str) -> int:
    return crc32(f"{schedule_id} {worker_id}".encode())
