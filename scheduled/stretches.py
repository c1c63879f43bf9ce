"""Taking stretches of time out of each other. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter

from scheduled.missed_runs import Interval


@dataclass(frozen=True)
class Share:
    """How much of a stretch one cause answers for."""

    cause: str
    lasted: timedelta


def without(whole: Interval, holes: Iterable[Interval]) -> list[Interval]:
    """What is left of an interval when the holes are taken out."""
    left, since = [], whole.start
    for hole in sorted(holes, key=attrgetter("start")):
        if hole.start > whole.end:
            break
        if since < hole.start:
            left.append(Interval(since, hole.start))
        since = max(since, hole.end)
    untouched = since == whole.start  # then it is left, also if it is but an instant
    return [*left, Interval(since, whole.end)] if untouched or since < whole.end else left


def total(parts: Iterable[Interval]) -> timedelta:
    """How long the parts last together."""
    return sum((part.end - part.start for part in parts), timedelta(0))


def shares(whole: Interval, causes: Mapping[str, Sequence[Interval]], rest: str) -> list[Share]:
    """Where the time of `whole` went: each moment goes to the first cause that covers it, else to `rest`.

    The longest share comes first. They add up to the whole.
    """
    left = [whole] if whole.start < whole.end else []
    found = []
    for cause, intervals in causes.items():
        before = total(left)
        left = [part for piece in left for part in without(piece, intervals)]
        found.append(Share(cause, before - total(left)))
    found.append(Share(rest, total(left)))
    return sorted((share for share in found if share.lasted), key=lambda share: -share.lasted)
