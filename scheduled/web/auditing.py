"""A line of the audit as people read it: what it is about, and what changed from what to what. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

EVENTS = {
    "added": "was added to the code",
    "changed": "was changed in the code",
    "orphaned": "is gone from the code",
    "back": "is back in the code",
    "enabled": "was switched on",
    "disabled": "was switched off",
    "triggered": "was asked to run",
    "cancelled": "was cancelled",
    "lock_reaped": "was freed from a lost daemon",
    "fenced": "was taken from a daemon that had lost its lock",
    "unsettled": "could not be settled",
    "reload_failed": "Definitions did not load",
    "check_requested": "A look at what is due was asked for",
    "user_added": "Somebody may use the admin",
    "user_removed": "Somebody may use the admin no longer",
    "user_role_changed": "Somebody may do more, or less",
    "user_password_changed": "A password was changed",
    "token_created": "An API token was made",
    "token_revoked": "An API token was revoked",
    "session_revoked": "A session was ended",
}
"""What each event says of its schedule; those with a capital letter are about none."""
LONGEST = 300
NAMES = {
    "frontier": "was due next",
    "withdrawn": "no longer skipped",
    "due_at": "for",
    "ledger_from": "judged from",
}


@dataclass(frozen=True)
class Change:
    """One part of a definition, before and after; None where there was none."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Line:
    """What there is to be told of an event, beside who did it and when."""

    told: str
    changes: tuple[Change, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    occurrence_id: int | None = None


def line(event: Mapping[str, Any]) -> Line:
    """Of its row."""
    data = dict(event["data"] or {})
    number = data.pop("occurrence_id", None)
    before, after = data.pop("from", None), data.pop("to", None)
    definitions = isinstance(before, dict | None) and isinstance(after, dict | None)
    if not definitions:
        data |= {"from": before, "to": after}
    changed = tuple(changes(before, after)) if definitions and before and after else ()
    told = EVENTS.get(event["event"], event["event"].replace("_", " "))
    if event["event"] == "added" and "enabled" in data:
        told += ", switched on" if data.pop("enabled") else ", switched off"
    facts = tuple(
        (NAMES.get(name, name.replace("_", " ")), shown(value))
        for name, value in data.items()
        if _says(value)
    )
    return Line(told, changed, facts, number if isinstance(number, int) else None)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """The parts that differ."""
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old != new:
            told = [None if value is None else shown(value) for value in (old, new)]
            yield Change(name.replace("_", " "), told[0], told[1])


def shown(value: Any) -> str:
    """A value in one line, not endlessly."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = ", ".join(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _says(value: Any) -> bool:
    return value not in (None, "", [], {})
