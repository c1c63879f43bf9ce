"""What users write in schedules.py: Schedule, @job and command(). Checked when made; frozen ever after."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from os import PathLike, fspath
from typing import Any, Literal, TypedDict, TypeVar, Unpack, get_args, overload

from scheduled import collecting
from scheduled.collecting import NAME as NAME
from scheduled.collecting import Checks, lenient, shown
from scheduled.errors import ExpressionError, Fault
from scheduled.expressions import Expression, parse

Mode = Literal["ALL_JOBS", "GROUP", "JOBS"]
Policy = Literal["skip", "run_latest", "run_all"]
Isolation = Literal["inline", "process"]
Seconds = float | timedelta
"""A duration: seconds as a number, or a timedelta."""

F = TypeVar("F", bound=Callable[..., Any])


def _set(target: object, **values: object) -> None:
    for name, value in values.items():
        object.__setattr__(target, name, value)


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

    @property
    def __scheduled_job__(self) -> "Job":
        """A command stands for its job, as a decorated function does."""
        return self

    @property
    def details(self) -> dict[str, Any]:
        """What is stored of it with each schedule that runs it, for those who do not load the definitions."""
        return {
            "group": self.group,
            "description": self.description,
            "depends_on": list(self.depends_on),
        }

    def __post_init__(self) -> None:
        check = Checks(f"{self.where or collecting.caller()} job {shown(self.name)}")
        check.one_of("isolation", self.isolation, get_args(Isolation))
        check.whole("retries", self.retries)
        check.kind("description", self.description, str, "text")
        check.kind("run_if_dependency_fails", self.run_if_dependency_fails, bool, "True or False")
        self._check_command(check)
        _set(
            self,
            name=check.name("the name", self.name),
            group=None if self.group is None else check.name("group", self.group),
            depends_on=check.names("depends_on", self.depends_on),
            timeout=None if self.timeout is None else check.seconds("timeout", self.timeout, least=0.001),
            retry_backoff=check.seconds("retry_backoff", self.retry_backoff),
            retry_backoff_max=check.seconds("retry_backoff_max", self.retry_backoff_max),
        )
        collecting.tell(check.faults)

    def _check_command(self, check: Checks) -> None:
        if self.function is not None:
            check.function(self.function)
        if self.function is None and not self.command:
            check.fault("there is nothing to run", "a function, or a command that is not empty")
        if self.command is not None and not isinstance(self.command, str):
            _set(self, command=check.listed("command", self.command, str, "text (or one text, for a shell)"))
        if check.kind("env", self.env, Mapping, "a mapping of names to text"):
            _set(self, env={str(name): str(value) for name, value in self.env.items()})
        if self.cwd is not None and check.kind("cwd", self.cwd, (str, PathLike), "a path"):
            _set(self, cwd=fspath(self.cwd))
        _set(self, ok_exit_codes=check.listed("ok_exit_codes", self.ok_exit_codes, int, "whole numbers"))


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
        _set(self, where=self.where or f"{collecting.caller()} schedule {shown(self.id)}")
        check = Checks(self.where)
        check.kind("name", self.name, str, "text")
        check.kind("description", self.description, str, "text")
        check.kind("enabled_by_default", self.enabled_by_default, bool, "True or False")
        check.kind("rerun_interrupted", self.rerun_interrupted, bool, "True or False")
        check.one_of("mode", self.mode, get_args(Mode))
        check.one_of("missed policy", self.missed, get_args(Policy))
        check.one_of("overlap policy", self.overlap, get_args(Policy))
        check.whole("catch_up_limit", self.catch_up_limit, least=1)
        _set(
            self,
            id=check.name("the id", self.id),
            group=None if self.group is None else check.name("group", self.group),
            jobs=check.names("jobs", self.jobs),
            environments=check.listed("environments", self.environments, str, "names, as in ['production']"),
            params=check.json_values("params", self.params),
            start_deadline=self._optional(check, "start_deadline"),
            missed_grace=self._optional(check, "missed_grace"),
        )
        self._check_mode(check)
        self._check_expression(check)
        collecting.tell(check.faults)

    def _optional(self, check: Checks, what: str) -> float | None:
        value = getattr(self, what)
        return None if value is None else check.seconds(what, value)

    def _check_mode(self, check: Checks) -> None:
        if self.mode not in get_args(Mode):
            return
        if (self.mode == "GROUP") != (self.group is not None):
            check.fault(
                f"mode {self.mode} with group {shown(self.group)}", "mode='GROUP' and group='…' go together"
            )
        if (self.mode == "JOBS") != bool(self.jobs):
            check.fault(
                f"mode {self.mode} with {len(self.jobs)} jobs", "mode='JOBS' and jobs=['…'] go together"
            )

    def _check_expression(self, check: Checks) -> None:
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


class JobOptions(TypedDict, total=False):
    """What `@job` and `command()` both take."""

    group: str | None
    depends_on: Sequence[Any]
    description: str | None
    timeout: Seconds | None
    retries: int
    retry_backoff: Seconds
    retry_backoff_max: Seconds
    run_if_dependency_fails: bool


@overload
def job(function: F) -> F: ...
@overload
def job(
    *, name: str | None = None, isolation: Isolation = "inline", **options: Unpack[JobOptions]
) -> Callable[[F], F]: ...
def job(function: Any = None, **options: Any) -> Any:
    """Make a function, sync or async, a job. It stays the plain function that it was.

    The name defaults to the function's with hyphens for underscores, the description to the first line of
    its docstring. Raises DefinitionsError as Schedule does.
    """

    def decorate(function: F) -> F:
        code = getattr(inspect.unwrap(function), "__code__", None)
        where = collecting.short(f"{code.co_filename}:{code.co_firstlineno}") if code else collecting.caller()
        name = options.get("name") or getattr(function, "__name__", "").replace("_", "-")
        documented = (function.__doc__ or "").strip().partition("\n")[0].strip()
        known = {"name", "isolation", *JobOptions.__annotations__}
        made = _counted(where, name, known, {"description": documented} | _given(options), function=function)
        function.__scheduled_job__ = made  # type: ignore[attr-defined]
        return function

    if function is None or callable(function):
        return decorate if function is None else decorate(function)
    fault = f"@job is given {shown(function)}, which is no function"
    collecting.tell([Fault(collecting.caller(), fault, "options have names, as in @job(name='…')")])
    return lambda function: function


def command(
    name: str,
    argv: str | Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | PathLike[str] | None = None,
    ok_exit_codes: Sequence[int] = (0,),
    **options: Unpack[JobOptions],
) -> Job:
    """Make a job of a command: a string for the shell, or a list of arguments.

    `options` are those of `@job`, but for `isolation`: a command always runs in a process of its own.
    Raises DefinitionsError as Schedule does.
    """
    known = {"name", "argv", "env", "cwd", "ok_exit_codes", *JobOptions.__annotations__}
    return _counted(
        collecting.caller(), name, known, _given(options),
        command=argv, env=env or {}, cwd=cwd, ok_exit_codes=ok_exit_codes,
    )  # fmt: skip


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _counted(where: str, name: str, known: set[str], options: dict[str, Any], **own: Any) -> Job:
    """A job that counts from now on, of options of which some may be unknown."""
    understood = {option: value for option, value in options.items() if option in known}
    with collecting.together() as faults:
        faults += collecting.unknown_arguments(f"{where} job {shown(name)}", options, known)
        made = Job(**{"name": name} | understood | own, where=where)
    collecting.add_job(made)
    return made
