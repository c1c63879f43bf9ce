"""What a schedule was at a moment, by its events: known, on or off, in the code or not. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

TIMING = ("cron", "timezone", "zone_data")
"""The parts of a definition that decide when it is due."""


class Event(Protocol):
    """A line of the audit, as `schedule_event` has it."""

    @property
    def event(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def actor(self) -> str: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def data(self) -> Mapping[str, Any] | None: ...


@dataclass
class Standing:
    """How things stood at a moment."""

    definition: Mapping[str, Any] = field(default_factory=dict)
    known: bool = False
    enabled: bool = False
    orphaned: bool = False
    added: Event | None = None
    switched: Event | None = None
    """The event that switched it on or off last; None if nothing has since it was added."""
    orphaned_by: Event | None = None
    redefined: Event | None = None
    """The first event after the moment that gave it another definition."""
    ended: Event | None = None
    """The first event after the moment that switched it the other way, or brought it back."""

    @property
    def runs(self) -> bool:
        return self.known and self.enabled and not self.orphaned


def standing(events: Iterable[Event], moment: datetime) -> Standing:
    """How the schedule stood at `moment`. An event decides from its own instant on."""
    found = Standing()
    for event in events:
        if event.at <= moment:
            _apply(found, event)
        elif found.added is None:
            found.added = event if event.event == "added" else None
        else:
            if event.event in ("changed", "back") and found.redefined is None:
                found.redefined = event
            if found.ended is None and event.event in _reversals(found):
                found.ended = event
    return found


def _apply(found: Standing, event: Event) -> None:
    data = event.data or {}
    match event.event:
        case "added":
            found.added, found.known = event, True
            found.definition, found.enabled = data["to"], bool(data.get("enabled"))
        case "changed":
            found.definition = data["to"]
        case "back":
            found.definition, found.orphaned, found.orphaned_by = data["to"], False, None
        case "orphaned":
            found.orphaned, found.orphaned_by = True, event
        case "enabled" | "disabled":
            found.enabled, found.switched = event.event == "enabled", event


def _reversals(found: Standing) -> tuple[str, ...]:
    if found.orphaned:
        return ("back",)
    return ("disabled", "orphaned") if found.enabled else ("enabled",)


def timings(events: Iterable[Event]) -> list[tuple[datetime, Mapping[str, Any]]]:
    """Since when it has been due by which definition, oldest first; changes of anything else are none."""
    found: list[tuple[datetime, Mapping[str, Any]]] = []
    for event in events:
        if event.event in ("added", "changed", "back"):
            definition = (event.data or {})["to"]
            if not found or any(found[-1][1].get(part) != definition.get(part) for part in TIMING):
                found.append((event.at, definition))
    return found
