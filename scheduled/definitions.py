"""What users write in schedules.py: Schedule, @job and command(). Checked when made; frozen ever after."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from math import isfinite
from typing import Any, Literal, TypeVar, get_args, overload

from scheduled import collecting
from scheduled.collecting import lenient
from scheduled.errors import ExpressionError, Fault, did_you_mean
from scheduled.expressions import Expression, parse

Mode = Literal["ALL_JOBS", "GROUP", "JOBS"]
Policy = Literal["skip", "run_latest", "run_all"]
Isolation = Literal["inline", "process"]
Seconds = float | timedelta
"""A duration: seconds as a number, or a timedelta."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
NAME_RULE = "a name is 1 to 64 of A-Z a-z 0-9 . _ - and begins with a letter or a digit"

F = TypeVar("F", bound=Callable[..., Any])


class _Checks:
    """Collects the faults of one definition, so that they are told together."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.faults: list[Fault] = []

    def fault(self, message: str, hint: str = "") -> None:
        self.faults.append(Fault(self.where, message, hint))

    def name(self, what: str, value: object) -> str:
        if not isinstance(value, str) or not NAME.fullmatch(value):
            self.fault(f"{what} {_shown(value)} is not a valid name", NAME_RULE)
        return str(value)

    def one_of(self, what: str, value: object, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            self.fault(f"unknown {what} {_shown(value)}", did_you_mean(str(value), allowed))

    def seconds(self, what: str, value: object, *, least: float = 0.0) -> float:
        if isinstance(value, timedelta):
            value = value.total_seconds()
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            self.fault(f"{what} {_shown(value)} is no duration", "seconds as a number, or a timedelta")
            return least
        if value < least:
            self.fault(f"{what} {value:g} is too small", f"at least {least:g} seconds")
        return float(value)

    def whole(self, what: str, value: object, least: int = 0) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.fault(f"{what} {_shown(value)} is not allowed", f"a whole number, at least {least}")

    def kind(self, what: str, value: object, kind: type | tuple[type, ...], allowed: str) -> bool:
        if not isinstance(value, kind):
            self.fault(f"{what} {_shown(value)} is not allowed", allowed)
            return False
        return True

    def names(self, what: str, value: object) -> tuple[str, ...]:
        """A list of jobs as names: each given as a name, a decorated function or a command."""
        if isinstance(value, str) or not isinstance(value, Sequence):
            self.fault(
                f"{what} {_shown(value)} is no list", "a list of names, as in ['first-job', 'second-job']"
            )
            return ()
        return tuple(name for item in value if (name := self._job_name(what, item)) is not None)

    def _job_name(self, what: str, item: object) -> str | None:
        known = getattr(item, "__scheduled_job__", item)
        if isinstance(known, Job):
            return known.name
        if isinstance(known, str):
            return known
        self.fault(
            f"{what} holds {_shown(item)}, which is no job", "a job's name, or a function decorated with @job"
        )
        return None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _set(target: object, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(target, name, value)


@lenient("job")
@dataclass(frozen=True, eq=False)
class Job:
    """A unit of work: a Python function or a command. Made by `@job` and `command()`, not directly.

    Durations are in seconds. `timeout` None means SCHEDULE_JOB_TIMEOUT_MS.
    """

    name: str
    function: Callable[..., Any] | None = field(default=None, repr=False)
    command: str | tuple[str, ...] | None = None
    group: str | None = None
    depends_on: tuple[str, ...] = ()
    description: str = ""
    timeout: float | None = None
    retries: int = 0
    retry_backoff: float = 1.0
    retry_backoff_max: float = 10.0
    isolation: Isolation = "inline"
    run_if_dependency_fails: bool = False
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str | None = None
    ok_exit_codes: tuple[int, ...] = (0,)
    where: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        check = _Checks(f"{self.where or collecting.caller()} job {_shown(self.name)}")
        check.name("the name", self.name)
        if self.group is not None:
            check.name("group", self.group)
        check.one_of("isolation", self.isolation, get_args(Isolation))
        check.whole("retries", self.retries)
        check.kind("description", self.description, str, "text")
        check.kind("run_if_dependency_fails", self.run_if_dependency_fails, bool, "True or False")
        self._check_command(check)
        _set(
            self,
            depends_on=check.names("depends_on", self.depends_on),
            timeout=None if self.timeout is None else check.seconds("timeout", self.timeout, least=0.001),
            retry_backoff=check.seconds("retry_backoff", self.retry_backoff),
            retry_backoff_max=check.seconds("retry_backoff_max", self.retry_backoff_max),
        )
        collecting.tell(check.faults)

    def _check_command(self, check: _Checks) -> None:
        if self.function is None and not self.command:
            check.fault("there is nothing to run", "a function, or a command that is not empty")
        if self.command is not None and not isinstance(self.command, str):
            parts = self.command if isinstance(self.command, list | tuple) else ()
            if not parts or not all(isinstance(part, str) for part in parts):
                check.fault(
                    f"command {_shown(self.command)} is not allowed", "a shell string, or a list of strings"
                )
            _set(self, command=tuple(map(str, parts)))
        if check.kind("env", self.env, Mapping, "a mapping of names to text"):
            _set(self, env={str(name): str(value) for name, value in self.env.items()})
        _set(self, cwd=None if self.cwd is None else str(self.cwd), ok_exit_codes=tuple(self.ok_exit_codes))


@lenient("schedule")
@dataclass(frozen=True, eq=False)
class Schedule:
    """When something is due (expression and time zone), what then runs, and what happens to runs it missed.

    `cron` is five-field cron, an @alias or `every N units`. Durations are seconds or timedeltas.
    Raises DefinitionsError, with all faults, unless it is made while definitions are being loaded:
    then they are told together with everybody else's.
    """

    id: str
    name: str
    description: str = ""
    cron: str = field(default="", kw_only=True)
    timezone: str = field(default="UTC", kw_only=True)
    mode: Mode = field(default="ALL_JOBS", kw_only=True)
    group: str | None = field(default=None, kw_only=True)
    jobs: Sequence[Any] = field(default=(), kw_only=True)
    environments: Sequence[str] = field(default=(), kw_only=True)
    enabled_by_default: bool = field(default=False, kw_only=True)
    missed: Policy = field(default="skip", kw_only=True)
    catch_up_limit: int = field(default=100, kw_only=True)
    start_deadline: Seconds | None = field(default=None, kw_only=True)
    missed_grace: Seconds | None = field(default=None, kw_only=True)
    overlap: Policy = field(default="skip", kw_only=True)
    rerun_interrupted: bool = field(default=False, kw_only=True)
    params: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    where: str = field(default="", kw_only=True, repr=False)

    def __post_init__(self) -> None:
        _set(self, where=self.where or f"{collecting.caller()} schedule {_shown(self.id)}")
        check = _Checks(self.where)
        check.name("the id", self.id)
        check.kind("name", self.name, str, "text")
        check.kind("description", self.description, str, "text")
        check.kind("enabled_by_default", self.enabled_by_default, bool, "True or False")
        check.kind("rerun_interrupted", self.rerun_interrupted, bool, "True or False")
        check.kind("params", self.params, Mapping, "a mapping of names to JSON values")
        check.one_of("mode", self.mode, get_args(Mode))
        check.one_of("missed policy", self.missed, get_args(Policy))
        check.one_of("overlap policy", self.overlap, get_args(Policy))
        check.whole("catch_up_limit", self.catch_up_limit, least=1)
        _set(
            self,
            jobs=check.names("jobs", self.jobs),
            environments=check.names("environments", self.environments),
            start_deadline=self._optional(check, "start_deadline"),
            missed_grace=self._optional(check, "missed_grace"),
        )
        self._check_mode(check)
        self._check_expression(check)
        collecting.tell(check.faults)

    def _optional(self, check: _Checks, what: str) -> float | None:
        value = getattr(self, what)
        return None if value is None else check.seconds(what, value)

    def _check_mode(self, check: _Checks) -> None:
        if (self.mode == "GROUP") != (self.group is not None):
            check.fault(
                f"mode {self.mode} with group {_shown(self.group)}", "mode='GROUP' and group='…' go together"
            )
        if (self.mode == "JOBS") != bool(self.jobs):
            check.fault(
                f"mode {self.mode} with {len(self.jobs)} jobs", "mode='JOBS' and jobs=['…'] go together"
            )

    def _check_expression(self, check: _Checks) -> None:
        if not self.cron:
            check.fault("there is no expression", "cron='0 2 * * *', for example, or cron='every 15 minutes'")
            return
        try:
            parse(self.cron, self.timezone)
        except ExpressionError as error:
            check.fault(str(error))

    @cached_property
    def expression(self) -> Expression:
        """The parsed expression, in the schedule's zone."""
        return parse(self.cron, self.timezone)


@overload
def job(function: F) -> F: ...
@overload
def job(
    *,
    name: str | None = None,
    group: str | None = None,
    depends_on: Sequence[Any] = (),
    description: str | None = None,
    timeout: Seconds | None = None,
    retries: int = 0,
    retry_backoff: Seconds = 1.0,
    retry_backoff_max: Seconds = 10.0,
    isolation: Isolation = "inline",
    run_if_dependency_fails: bool = False,
) -> Callable[[F], F]: ...
def job(function: Any = None, **options: Any) -> Any:
    """Make a function, sync or async, a job. It stays the plain function that it was.

    The name defaults to the function's with hyphens for underscores, the description to the first line of
    its docstring. Raises DefinitionsError as Schedule does.
    """

    def decorate(function: F) -> F:
        documented = (function.__doc__ or "").strip().partition("\n")[0]
        given = {key: value for key, value in options.items() if value is not None or key == "timeout"}
        named = {"name": function.__name__.replace("_", "-"), "description": documented} | given
        where = f"{function.__code__.co_filename}:{function.__code__.co_firstlineno}"
        made = Job(**named, function=function, where=collecting.short(where))
        function.__scheduled_job__ = made  # type: ignore[attr-defined]
        collecting.add_job(made)
        return function

    return decorate if function is None else decorate(function)


def command(
    name: str,
    argv: str | Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    ok_exit_codes: Sequence[int] = (0,),
    **options: Any,
) -> Job:
    """Make a job of a command: a string for the shell, or a list of arguments.

    `options` are those of `@job`, but for `isolation`: a command always runs in a process of its own.
    Raises DefinitionsError as Schedule does.
    """
    parts = argv if isinstance(argv, str) else tuple(argv)
    made = Job(name, command=parts, env=env or {}, cwd=cwd, ok_exit_codes=tuple(ok_exit_codes), **options)
    collecting.add_job(made)
    return made
