"""Gathers the jobs that are decorated and the faults that are found, while definitions are made. Pure."""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from pathlib import PurePath
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from scheduled.errors import DefinitionsError, Fault, did_you_mean

if TYPE_CHECKING:
    from scheduled.definitions import Job

T = TypeVar("T")

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
NAME_RULE = "a name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or a digit"
LONGEST = timedelta(days=36525).total_seconds()


@dataclass(frozen=True)
class _Decorated:
    job: "Job"
    home: str
    """The module whose body was executing when the job was decorated."""


_decorated: list[_Decorated] = []
_faults: ContextVar[list[Fault] | None] = ContextVar("faults", default=None)


def add_job(made: "Job") -> None:
    """Count `made` from now on."""
    _decorated.append(_Decorated(made, _module_being_executed()))


def jobs() -> list["Job"]:
    """Every job that counts, in the order in which they were decorated."""
    return [entry.job for entry in _decorated]


def forget(module: str) -> None:
    """Drop the jobs that came from `module`'s body, because it is about to be executed afresh."""
    _decorated[:] = [entry for entry in _decorated if entry.home != module]


def jobs_so_far() -> tuple[Any, ...]:
    """What counts now, for `restore`: so that tests can take back what they decorated."""
    return tuple(_decorated)


def restore(before: tuple[Any, ...]) -> None:
    """Only what counted then counts again."""
    _decorated[:] = before


@contextmanager
def gathering() -> Iterator[list[Fault]]:
    """Within this block faults are gathered in the list that it gives, instead of being raised."""
    faults: list[Fault] = []
    token = _faults.set(faults)
    try:
        yield faults
    finally:
        _faults.reset(token)


def tell(faults: Iterable[Fault]) -> None:
    """Gather the faults, or raise DefinitionsError when nobody gathers."""
    found = list(faults)
    gathered = _faults.get()
    if gathered is not None:
        gathered.extend(found)
    elif found:
        raise DefinitionsError(found)


@contextmanager
def together() -> Iterator[list[Fault]]:
    """Tell the faults of this block as one, when it ends."""
    with gathering() as faults:
        yield faults
    tell(faults)


def unknown_arguments(where: str, given: Iterable[str], known: Iterable[str]) -> list[Fault]:
    """A fault for each argument that is not known."""
    names = set(known)
    return [
        Fault(where, f"unknown argument {name!r}", did_you_mean(name, names))
        for name in given
        if name not in names
    ]


class Checks:
    """Collects the faults of one definition, so that they are told together."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.faults: list[Fault] = []

    def fault(self, message: str, hint: str = "") -> None:
        self.faults.append(Fault(self.where, message, hint))

    def name(self, what: str, value: object) -> str:
        if not isinstance(value, str) or not NAME.fullmatch(value):
            self.fault(f"{what} {shown(value)} is not a valid name", NAME_RULE)
        return value if isinstance(value, str) else ""

    def one_of(self, what: str, value: object, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            self.fault(f"unknown {what} {shown(value)}", did_you_mean(str(value), allowed))

    def seconds(self, what: str, value: object, *, least: float = 0.0) -> float:
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fault(f"{what} {shown(value)} is no duration", "seconds as a number, or a timedelta")
        elif not least <= value <= LONGEST:
            self.fault(f"{what} {shown(value)} is not allowed", f"from {least:g} seconds to a hundred years")
        else:
            return float(value)
        return least

    def whole(self, what: str, value: object, least: int = 0) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fault(f"{what} {shown(value)} is not allowed", f"a whole number, at least {least}")

    def kind(self, what: str, value: object, kind: type | tuple[type, ...], allowed: str) -> bool:
        if not isinstance(value, kind):
            self.fault(f"{what} {shown(value)} is not allowed", allowed)
            return False
        return True

    def listed(self, what: str, value: object, kind: type, allowed: str) -> tuple[Any, ...]:
        """A list of which each item is of that kind."""
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.fault(f"{what} {shown(value)} is no list", f"a list of {allowed}")
            return ()
        return tuple(item for item in value if self.kind(f"{what}: the item", item, kind, allowed))

    def names(self, what: str, value: object) -> tuple[str, ...]:
        """A list of jobs as names: each given as a name, a decorated function or a command."""
        items = self.listed(what, value, object, "names of jobs, or functions decorated with @job")
        return tuple(name for item in items if (name := self._job_name(what, item)) is not None)

    def function(self, function: Callable[..., Any]) -> None:
        """A function that can be called with a JobContext where it asks for one, and else with nothing."""
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            self.fault("it is a generator, whose body would never run", "return a list instead of yielding")
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # some functions that are written in C do not tell
            return
        needed = [
            p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        ]
        contexts = [p for p in needed if _is_context(function, p.annotation)]
        strange = [p.name for p in needed if p not in contexts[:1]]
        if strange:
            told = ", ".join(map(shown, strange))
            self.fault(f"it needs {told}, which nobody gives it", "a job takes nothing, or `ctx: JobContext`")

    def _job_name(self, what: str, item: object) -> str | None:
        made = getattr(item, "__scheduled_job__", None)
        name = item if made is None else made.name
        if isinstance(name, str):
            return name
        self.fault(
            f"{what} holds {shown(item)}, which is no job", "a job's name, or a function decorated with @job"
        )
        return None

    def json_values(self, what: str, value: object) -> dict[str, Any]:
        """A mapping of text to what JSON can hold."""
        if not isinstance(value, Mapping):
            self.fault(f"{what} {shown(value)} is not allowed", "a mapping of names to JSON values")
            return {}
        for name, item in value.items():
            self.kind(f"{what}: the name", name, str, "text")
            try:
                json.dumps(item, allow_nan=False, sort_keys=True)
            except (TypeError, ValueError, RecursionError) as error:
                self.fault(f"{what}[{shown(name)}] {shown(item)} is no JSON value", str(error))
        return dict(value)


def _is_context(function: Callable[..., Any], annotation: object) -> bool:
    if isinstance(annotation, str):
        annotation = getattr(function, "__globals__", {}).get(annotation, annotation)
    return "JobContext" in str(annotation)


def shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def lenient(what: str) -> Callable[[type[T]], type[T]]:
    """A class decorator: unknown and missing arguments become faults, told with all the others."""

    def decorate(cls: type[T]) -> type[T]:
        strict = cls.__init__
        known = {p.name: p for p in list(inspect.signature(strict).parameters.values())[1:]}
        required = [p.name for p in known.values() if p.default is p.empty]

        @wraps(strict)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it becomes one
            named = dict(zip(known, args, strict=False)) | kwargs
            where = f"{caller()} {what} {shown(named.get('id', '?'))}"
            missing = [name for name in required if name not in named]
            with together() as faults:
                faults += unknown_arguments(where, kwargs, known)
                faults += [Fault(where, f"the argument {name!r} is missing") for name in missing]
                understood = {name: value for name, value in kwargs.items() if name in known}
                strict(self, *args, **dict.fromkeys(missing, "unnamed"), **understood)

        cls.__init__ = __init__  # type: ignore[method-assign]
        return cls

    return decorate


def caller() -> str:
    """`file:line` of the user's code that is making a definition."""
    for frame in _frames():
        module = frame.f_globals.get("__name__", "")
        if module not in (__name__, "scheduled.definitions") and frame.f_code.co_filename != "<string>":
            return short(f"{frame.f_code.co_filename}:{frame.f_lineno}")
    return "?"


def short(where: str) -> str:
    """The last part of a path, as people call a file."""
    return PurePath(where).name


def _module_being_executed() -> str:
    bodies = (frame for frame in _frames() if frame.f_code.co_name == "<module>")
    return str(next((frame.f_globals.get("__name__") for frame in bodies), ""))


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
