"""What is shown of what the database holds: instants as text, and nothing that looks like a secret."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from operator import is_
from typing import Any

from scheduled import redaction

VALUES = frozenset({"params", "data", "result"})
TEXTS = frozenset({"output", "traceback", "error_message", "detail", "message", "description", "reason"})
"""The keys under which something stands that we did not write: jobs, callers and definitions did."""
KEYS, NESTED = VALUES | TEXTS, (dict, list)


def shown(value: Any, setting: str | None = None) -> Any:
    """A body without what looks like a secret by its name, or by the setting SCHEDULE_REDACT."""
    return _shown(value, None if setting is None else _names(setting))


def tells_of(text: str | None, setting: str | None = None) -> Callable[[dict[str, Any]], bool]:
    """Whether a run's error has this text also as it is shown: else a search would tell what is hidden."""
    sought = (text or "").lower()

    def tells(run: dict[str, Any]) -> bool:
        told = shown({key: run[key] or "" for key in ("error_type", "error_message")}, setting)
        return not sought or any(sought in one.lower() for one in told.values())

    return tells


def as_json(value: Any) -> str:
    """JSON as the commands print it, in one line: instants as ISO 8601 with their offset."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _shown(value: Any, more: Any) -> Any:
    """The value itself where nothing is hidden: to copy a large body takes longer than to look through it."""
    if isinstance(value, dict):
        looked_at = ((key, one) for key, one in value.items() if key in KEYS or isinstance(one, NESTED))
        hidden = {key: new for key, one in looked_at if (new := _of_key(key, one, more)) is not one}
        if value.get("truncated") and isinstance(printed := value.get("output"), str):
            hidden["output"] = redaction.redact_text(redaction.whole_lines(printed), more)
        return value | hidden if hidden else value
    if isinstance(value, list):
        items = [_shown(one, more) for one in value]
        return value if all(map(is_, items, value)) else items
    return value


def _of_key(key: str, value: Any, more: Any) -> Any:
    if value is None:
        return None
    if key in VALUES:
        return redaction.redact_values(value, more)
    if key in TEXTS and isinstance(value, str):
        return redaction.redact_text(value, more)
    return _shown(value, more)


@lru_cache(maxsize=8)
def _names(setting: str) -> Any:
    return redaction.names(setting)


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
