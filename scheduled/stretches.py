"""Taking stretches of time out of each other. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from scheduled.missed_runs import Interval


@dataclass(frozen=True)
class Share:
    """How much of a stretch one cause answers for."""

    cause: str
    lasted: timedelta


def without(whole: Interval, holes: Iterable[Interval]) -> list[Interval]:
    """What is left of an interval when the holes are taken out."""
    left = [whole]
    for hole in holes:
        left = [
            part
            for piece in left
            for part in (
                Interval(piece.start, min(piece.end, max(hole.start, piece.start))),
                Interval(max(piece.start, min(hole.end, piece.end)), piece.end),
            )
            if part.start < part.end
        ]
    return left


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
