"""Makes a job of a factory's function and options, as if it were decorated where the factory is called."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from scheduled import collecting
from scheduled.collecting import LONGEST
from scheduled.definitions import Isolation, Job, Seconds
from scheduled.errors import Fault, did_you_mean
from scheduled.phrases import lasting

Wrong = tuple[str, str]
"""What is wrong with one of a factory's own options, and what is allowed."""


class JobOptions(TypedDict, total=False):
    """What every factory takes besides its own options. The meaning is that of `@job`."""

    name: str | None
    group: str | None
    depends_on: Sequence[Any]
    description: str | None
    timeout: Seconds | None
    retries: int
    retry_backoff: Seconds
    retry_backoff_max: Seconds
    isolation: Isolation
    run_if_dependency_fails: bool


def make(
    function: Callable[..., Any],
    name: str,
    description: str,
    options: JobOptions,
    *,
    own: Iterable[str] = (),
    wrong: Iterable[Wrong] = (),
) -> Job:
    """The job, which counts from now on. `own` names the factory's own options, for suggestions.

    Raises:
        DefinitionsError: with every fault, unless definitions are being loaded, which gathers them.
    """
    where = _users_line()
    given: dict[str, Any] = {key: value for key, value in options.items() if value is not None}
    known = JobOptions.__annotations__
    told = f"{where} job {given.get('name', name)!r}"
    faults = [Fault(told, message, hint) for message, hint in wrong]
    for key in given.keys() - known.keys():
        faults.append(Fault(told, f"unknown argument {key!r}", did_you_mean(key, {*known, *own})))
    collecting.tell(faults)
    values = {"name": name, "description": description} | {k: v for k, v in given.items() if k in known}
    made = Job(**values, function=function, where=where)
    collecting.add_job(made)
    return made


def not_whole(what: str, value: object, least: int) -> list[Wrong]:
    """What is wrong with an option that must be a whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return []
    return [(f"{what} {value!r} is not allowed", f"a whole number, at least {least}")]


def not_between(what: str, value: object, least: float, most: float) -> list[Wrong]:
    """What is wrong with an option that must be a number within bounds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return []
    return [(f"{what} {value!r} is not allowed", f"a number from {least:g} to {most:g}")]


def not_lasting(what: str, value: object, least: timedelta) -> list[Wrong]:
    """What is wrong with an option that must be a duration of at least so long."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if not not_between(what, seconds, least.total_seconds(), LONGEST):
        return []
    hint = f"at least {lasting(least)}: a timedelta, as in timedelta(days=90), or seconds"
    return [(f"{what} {value!r} is not allowed", hint)]


def _users_line() -> str:
    """`file:line` of whoever called the factory."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("scheduled.builtin"):
        frame = frame.f_back
    return collecting.short(f"{frame.f_code.co_filename}:{frame.f_lineno}")
