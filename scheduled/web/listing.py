"""Which schedules a page lists: by state, by words, so many at once. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Known(Protocol):
    """A schedule's state. To be searched, it has `name`, `description` and `cron`, too."""

    @property
    def id(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def orphaned(self) -> bool: ...
    @property
    def consecutive_failures(self) -> int: ...
    @property
    def locked_by(self) -> str | None: ...
    @property
    def ever_on(self) -> bool: ...


STATES: Mapping[str, tuple[str, Callable[[Known], bool]]] = {
    "on": ("On", lambda one: bool(one.enabled) and not one.orphaned),
    "off": ("Off", lambda one: not one.enabled and not one.orphaned),
    "failing": ("Failing", lambda one: one.consecutive_failures > 0 and not one.orphaned),
    "running": ("Running", lambda one: one.locked_by is not None),
    "never": ("Never enabled", lambda one: not one.ever_on and not one.orphaned),
    "orphaned": ("Orphaned", lambda one: bool(one.orphaned)),
}
"""What one can ask for: its name in an address, its name for people, and which schedules it means."""


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. A state that is unknown is none."""

    q: str = ""
    state: str = ""
    page: int = 1

    @property
    def filters(self) -> bool:
        return bool(self.q.strip() or self.state in STATES)


@dataclass(frozen=True)
class Listing:
    """One page of what was found, and what else there is."""

    ids: tuple[str, ...]
    marks: Mapping[str, tuple[str, ...]]
    """Of those ids, the states that fit them."""
    found: int
    known: int
    page: int
    pages: int
    counts: Mapping[str, int]
    """How many of those that fit the words are in each state."""


def listing(known: Sequence[Known], wanted: Wanted, size: int) -> Listing:
    """The page that is wanted, or the last one if there are not so many."""
    words = wanted.q.casefold().split()
    fitting = [one for one in known if all(word in _text(one) for word in words)]
    counts = {state: sum(map(fits, fitting)) for state, (_, fits) in STATES.items()}
    if wanted.state in STATES:
        fitting = [one for one in fitting if STATES[wanted.state][1](one)]
    pages = max(1, -(-len(fitting) // size))
    page = min(max(wanted.page, 1), pages)
    shown = fitting[(page - 1) * size : page * size]
    marks = {one.id: tuple(state for state, (_, fits) in STATES.items() if fits(one)) for one in shown}
    return Listing(tuple(one.id for one in shown), marks, len(fitting), len(known), page, pages, counts)


def _text(one: Any) -> str:
    """What is searched; only who knows the words can be searched by them."""
    return "\n".join(part for part in (one.id, one.name, one.description, one.cron) if part).casefold()
