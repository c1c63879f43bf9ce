"""What a definition says about misfortune, in words. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from scheduled.phrases import lasting

MISSED = {
    "skip": "skipped",
    "run_latest": "the newest runs once",
    "run_all": "all run, at most {limit}",
}


def if_missed(definition: Mapping[str, Any]) -> str:
    """What becomes of instants at which no daemon was alive: 'skipped'."""
    return _policy(definition, "missed")


def if_running(definition: Mapping[str, Any]) -> str:
    """What becomes of instants at which it still runs."""
    return _policy(definition, "overlap")


def policies(definition: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All that the definition says about misfortune, as pairs of a question and its answer."""
    told = [("If missed", if_missed(definition)), ("If it still runs", if_running(definition))]
    if (grace := definition.get("missed_grace")) is not None:
        told.append(("Missed means", f"no daemon was alive for more than {_seconds(grace)}"))
    if (deadline := definition.get("start_deadline")) is not None:
        told.append(("If late", f"skipped when it could not start within {_seconds(deadline)}"))
    again = "it runs once more" if definition.get("rerun_interrupted") else "it is not run again"
    return [*told, ("If interrupted", again)]


def chosen(definition: Mapping[str, Any]) -> str:
    """Which jobs its mode chooses: 'all jobs', 'the group reports', 'jobs by name'."""
    mode = definition.get("mode")
    return {"ALL_JOBS": "all jobs", "GROUP": f"the group {definition.get('group')}"}.get(
        str(mode), "jobs by name"
    )


def _policy(definition: Mapping[str, Any], key: str) -> str:
    words = MISSED.get(str(definition.get(key, "skip")), str(definition.get(key)))
    return words.format(limit=definition.get("catch_up_limit", 100))


def _seconds(seconds: float) -> str:
    return lasting(timedelta(seconds=seconds))
