"""Gathers the jobs as they are decorated and the faults as they are found, while definitions are made. Pure."""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from pathlib import PurePath
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from scheduled.errors import DefinitionsError, Fault, did_you_mean

if TYPE_CHECKING:
    from scheduled.definitions import Job

T = TypeVar("T")


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


def lenient(what: str) -> Callable[[type[T]], type[T]]:
    """A class decorator: unknown and missing arguments become faults, told with all the others."""

    def decorate(cls: type[T]) -> type[T]:
        strict = cls.__init__
        known = list(inspect.signature(strict).parameters.values())[1:]
        required = [p.name for p in known if p.default is p.empty]

        @wraps(strict)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            named = dict(zip((p.name for p in known), args, strict=False)) | kwargs
            name = named.get("id", named.get("name", "?"))
            where = f"{named.get('where') or caller()} {what} {name!r}"
            unknown = [key for key in kwargs if key not in {p.name for p in known}]
            public = [p.name for p in known if p.name not in ("where", "function", "command")]
            faults = [Fault(where, f"unknown argument {key!r}", did_you_mean(key, public)) for key in unknown]
            for key in required:
                if key not in named:
                    faults.append(Fault(where, f"the argument {key!r} is missing"))
                    kwargs[key] = "unnamed"
            tell(faults)
            strict(self, *args, **{key: value for key, value in kwargs.items() if key not in unknown})

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
    """A path as people call it: relative to the working directory's name when it lies below, else its name."""
    return PurePath(where).name


def _module_being_executed() -> str:
    bodies = (frame for frame in _frames() if frame.f_code.co_name == "<module>")
    return str(next((frame.f_globals.get("__name__") for frame in bodies), ""))


def _frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
