"""What is sent to the API."""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from scheduled.web.api.asking import Moment, Text

DEEPEST = 32


def _storable(params: dict[str, Any]) -> dict[str, Any]:
    """JSON that every database takes."""
    _check(params, DEEPEST)
    return params


def _check(value: Any, deeper: int) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("NaN and Infinity are no JSON")
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        raise ValueError("a whole number has more than 64 bits: send it as text")
    if isinstance(value, dict | list):
        if not deeper:
            raise ValueError(f"it is nested more than {DEEPEST} deep")
        for one in value.values() if isinstance(value, dict) else value:
            _check(one, deeper - 1)


Params = Annotated[
    dict[Annotated[str, Field(max_length=200)], Any],
    Field(
        max_length=100,
        description="Parameters for the jobs, over those of the schedule: any JSON, nested at most"
        f" {DEEPEST} deep, with whole numbers of at most 64 bits.",
    ),
    AfterValidator(_storable),
]
JobName = Annotated[Text, Field(min_length=1, max_length=64)]


class Body(BaseModel):
    """Keys that are not known are refused, because they may be misspelt."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Switch(Body):
    """A schedule's switch."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"enabled": False, "reason": "the disk is being replaced"}]}
    )

    enabled: bool
    reason: str | None = Field(None, max_length=1000, description="Why: kept with the event.")


class Triggering(Body):
    """A run to ask for; by default of all jobs of the schedule, as it is defined."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"jobs": ["report"], "params": {"day": "2026-03-28"}}]}
    )

    jobs: list[JobName] = Field(
        default_factory=list, max_length=100, description="Only these, and what they depend on."
    )
    params: Params = Field(default_factory=dict)
    for_: Moment | None = Field(
        None, alias="for", description="A past due instant that it is for; the jobs see it as `ctx.due_at`."
    )


class Rerun(Body):
    """How to run an occurrence again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"failed_only": True}]})

    failed_only: bool = Field(
        False, description="Do not repeat the jobs that completed: their results reach those that run now."
    )
