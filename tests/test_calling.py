"""What a job may do when it is called, and what is recorded of it."""

import asyncio
import functools
import json
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Optional, Union

import pytest

import scheduled.context
from scheduled.context import JobContext, SkipJob
from scheduled.context import JobContext as Alias
from scheduled.running.calling import (
    MESSAGE_LIMIT,
    RESULT_LIMIT,
    TRACEBACK_LIMIT,
    VARIABLE_LIMIT,
    Outcome,
    call,
    command_environment,
    traceback_of,
)
from scheduled.running.interrupts import Interrupt
from scheduled.words import Reason, Status

if TYPE_CHECKING:
    from nowhere import Elsewhere  # type: ignore[import-not-found]

CONTEXT = JobContext("nightly", 7, 42, "backup", datetime(2026, 1, 2, 3, tzinfo=UTC), params={"n": 1})
BARE = [
    JobContext,
    Optional[JobContext],  # noqa: UP045
    Union[JobContext, None],  # noqa: UP007
    JobContext | None,
    Annotated[JobContext, "of the run"],
    "JobContext",
    " JobContext",
    "JobContext | None",
    "None | JobContext",
    "Optional[JobContext]",
    "Union[None, JobContext]",
    "typing.Optional['JobContext']",
    "Annotated[JobContext, 1]",
    "scheduled.context.JobContext",
    "Alias",
    Optional["JobContext"],
]
OTHER = [
    int,
    "int",
    "list[JobContext]",
    list[JobContext],
    "Callable[[JobContext], None]",
    "Unknown",
    "no type (",
    "Annotated[int, JobContext]",
    None,
    "3",
    "not_the_context",
]
not_the_context = "JobContext"


class RefusedError(Exception):
    """An error of the users' own."""


class SilentError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class RudeError(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


def raising(error: BaseException) -> Callable[[], None]:
    def job() -> None:
        raise error

    return job


def returning(value: object) -> Callable[[], object]:
    return lambda: value


def call_once(function: Callable[..., Any]) -> Outcome:
    return call(function, lambda: CONTEXT)


def given(function: Callable[..., Any]) -> object:
    """What the function got: it returns its argument's id of the occurrence."""
    return call_once(function).value


def annotated(annotation: object) -> Callable[..., Any]:
    def job(context: Any = None) -> Any:
        return context and context.occurrence_id

    job.__annotations__["context"] = annotation
    return job


@pytest.mark.parametrize("annotation", BARE, ids=str)
def test_it_passes_the_context_to_the_parameter_annotated_so(annotation: object) -> None:
    assert given(annotated(annotation)) == 7


@pytest.mark.parametrize("annotation", OTHER, ids=str)
def test_it_passes_no_context_to_any_other(annotation: object) -> None:
    assert given(annotated(annotation)) is None


def test_it_passes_the_context_at_any_place() -> None:
    def second(a: int = 1, context: JobContext | None = None) -> Any:
        return context and context.occurrence_id

    def keyword(*args: int, context: JobContext, **others: int) -> int:
        return context.occurrence_id

    def positional(a: int = 1, context: JobContext | None = None, /) -> Any:
        return context and context.occurrence_id

    def first(context: JobContext, /) -> int:
        return context.occurrence_id

    assert [given(function) for function in (second, keyword, positional, first)] == [7, 7, 7, 7]


def test_it_does_not_need_other_annotations_to_resolve() -> None:
    def job(context: "JobContext", other: "Elsewhere" = None) -> int:
        return context.occurrence_id

    assert given(job) == 7


def test_it_knows_a_class_of_the_same_name_from_the_context() -> None:
    class JobContext:
        """Somebody else's."""

    def job(context: "JobContext | None" = None) -> bool:
        return isinstance(context, scheduled.context.JobContext) or JobContext is None

    assert given(job) is False


def test_it_finds_the_context_of_methods_partials_and_objects() -> None:
    class Work:
        def method(self, context: "Alias") -> int:
            return context.occurrence_id

        def __call__(self, context: "Alias") -> int:
            return context.occurrence_id

    class Slotted(Work):
        __slots__ = ()
        __hash__ = None  # type: ignore[assignment]

    def job(a: int, context: "Alias") -> int:
        return context.occurrence_id

    functions: list[Callable[..., Any]] = [Work().method, Work(), Slotted(), functools.partial(job, 1)]
    assert [given(function) for function in functions] == [7, 7, 7, 7]


def test_it_finds_the_context_behind_a_decorator() -> None:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

        return wrapper

    @decorate
    def job(context: JobContext) -> int:
        return context.occurrence_id

    assert given(job) == 7


def test_it_calls_what_has_no_signature() -> None:
    assert call_once(dict).value == {}


def test_it_runs_coroutines() -> None:
    async def job(context: JobContext) -> int:
        await asyncio.sleep(0)
        return context.occurrence_id

    assert given(job) == 7
    assert given(lambda: job(CONTEXT)) == 7


def test_it_waits_for_what_can_be_awaited() -> None:
    class Later:
        def __await__(self) -> Generator[Any, None, int]:
            yield from asyncio.sleep(0).__await__()
            return 5

    job: Callable[[], Awaitable[int]] = Later
    assert given(job) == 5


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), ("é", '"é"'), ([1, (2,)], "[1,[2]]"), ({1: None}, '{"1":null}'), (False, "false")],
)
def test_it_keeps_a_result_as_json(value: object, text: str) -> None:
    outcome = call_once(returning(value))
    assert (outcome.status, outcome.reason, outcome.result) == (Status.COMPLETED, None, text)
    assert outcome.value == json.loads(text)


def test_it_keeps_nothing_of_none() -> None:
    assert call_once(returning(None)) == Outcome(Status.COMPLETED)


def test_it_runs_a_coroutine_that_returns_nothing() -> None:
    async def job() -> None:
        return None

    assert call_once(job) == Outcome(Status.COMPLETED)


def numbers() -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    "value",
    [
        object(),
        numbers(),
        float("nan"),
        [float("inf")],
        {1, 2},
        "x" * RESULT_LIMIT,
        "é" * (RESULT_LIMIT // 2),
    ],
    ids=["object", "generator", "nan", "infinity", "set", "long", "long in bytes"],
)
def test_it_completes_with_a_result_that_is_no_json(value: object) -> None:
    assert call_once(returning(value)) == Outcome(Status.COMPLETED, Reason.RESULT_NOT_JSON)


def test_it_survives_a_result_that_holds_itself() -> None:
    value: list[object] = []
    value.append(value)
    assert call_once(returning(value)).reason == Reason.RESULT_NOT_JSON


def test_it_keeps_a_result_of_just_the_limit() -> None:
    assert call_once(returning("x" * (RESULT_LIMIT - 2))).reason is None


@pytest.mark.parametrize(
    ("value", "result"),
    [("\ud800", '"\ufffd"'), ("a\0b", '"a\ufffdb"'), ("\\u0000", '"\\\\u0000"'), ("\\\0", '"\\\\\ufffd"')],
)
def test_it_cleans_what_no_database_takes(value: str, result: str) -> None:
    assert call_once(returning(value)).result == result


def test_it_takes_a_skip_for_no_failure() -> None:
    outcome = call_once(raising(SkipJob("no session for shop")))
    assert outcome == Outcome(Status.SKIPPED, Reason.SKIPPED_BY_JOB, error_message="no session for shop")


def test_it_tells_what_was_raised() -> None:
    outcome = call_once(raising(ValueError("wrong")))
    assert (outcome.status, outcome.error_type, outcome.error_message) == (
        Status.FAILED,
        "ValueError",
        "wrong",
    )


def test_it_names_an_error_with_its_module() -> None:
    assert call_once(raising(RefusedError())).error_type == f"{__name__}.RefusedError"


@pytest.mark.parametrize("code", [None, 0, False])
def test_it_takes_a_plain_exit_for_success(code: int | None) -> None:
    assert call_once(lambda: sys.exit(code)) == Outcome(Status.COMPLETED)


@pytest.mark.parametrize("code", [1, "out of paper"])
def test_it_takes_any_other_exit_for_failure(code: int | str) -> None:
    outcome = call_once(lambda: sys.exit(code))
    assert (outcome.status, outcome.error_type) == (Status.FAILED, "SystemExit")
    assert outcome.error_message == f"it called sys.exit({code})"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit, BaseException, asyncio.CancelledError])
def test_it_lets_no_other_exception_through(kind: type[BaseException]) -> None:
    assert call_once(raising(kind())).status is Status.FAILED


def test_it_lets_an_interrupt_through() -> None:
    with pytest.raises(Interrupt) as caught:
        call_once(raising(Interrupt("timeout")))
    assert "in job" in traceback_of(caught.value)


def test_it_lets_an_interrupt_through_that_was_wrapped() -> None:
    interrupt = Interrupt("timeout")
    inner = BaseExceptionGroup("inner", [ValueError(), interrupt])
    with pytest.raises(Interrupt) as caught:
        call_once(raising(BaseExceptionGroup("outer", [KeyError(), inner])))
    assert caught.value is interrupt


def test_it_takes_another_group_for_failure() -> None:
    outcome = call_once(raising(BaseExceptionGroup("two", [KeyboardInterrupt(), ValueError("deep")])))
    assert "deep" in (outcome.traceback or "")


def test_it_survives_endless_recursion() -> None:
    def job() -> None:
        job()

    outcome = call_once(job)
    assert outcome.error_type == "RecursionError"
    assert len(outcome.traceback or "") < TRACEBACK_LIMIT


def test_it_survives_a_lack_of_memory() -> None:
    assert call_once(lambda: bytearray(1 << 62)).error_type == "MemoryError"


def test_it_fails_when_an_argument_is_missing() -> None:
    outcome = call_once(lambda number: number)
    assert outcome.error_type == "TypeError"
    assert "calling.py" not in (outcome.traceback or "")


def test_it_shows_the_users_frames_only() -> None:
    lines = (call_once(raising(ValueError("wrong"))).traceback or "").splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].startswith(f'  File "{__file__}", line ')
    assert lines[-1] == "ValueError: wrong"


def test_it_shows_the_users_frames_only_of_coroutines() -> None:
    async def job() -> None:
        raise ValueError("wrong")

    lines = (call_once(job).traceback or "").splitlines()
    assert lines[1].endswith("in job")


def test_it_shows_causes() -> None:
    def job() -> None:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error

    assert "direct cause" in (call_once(job).traceback or "")


def test_it_cuts_the_beginning_of_a_long_traceback() -> None:
    text = call_once(raising(ValueError("x" * TRACEBACK_LIMIT + "end"))).traceback or ""
    assert (len(text), text[0], text[-4:]) == (TRACEBACK_LIMIT, "…", "end\n")


def test_it_cuts_the_end_of_a_long_message() -> None:
    text = call_once(raising(ValueError("x" * MESSAGE_LIMIT + "end"))).error_message or ""
    assert (len(text), text[-1]) == (MESSAGE_LIMIT, "…")


@pytest.mark.parametrize("kind", [SilentError, RudeError])
def test_it_survives_an_error_without_a_text(kind: type[Exception]) -> None:
    outcome = call_once(raising(kind()))
    assert outcome.error_message == "(its text cannot be shown)"
    assert "str() failed" in (outcome.traceback or "")


def test_it_survives_a_text_that_interrupts() -> None:
    class InterruptingError(Exception):
        def __str__(self) -> str:
            raise Interrupt("timeout")

    with pytest.raises(Interrupt):
        call_once(raising(InterruptingError()))


def test_it_survives_a_traceback_that_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("traceback.TracebackException.__init__", fail)
    outcome = call_once(raising(ValueError("wrong")))
    assert outcome.traceback == "ValueError: (the traceback cannot be shown: RuntimeError)\n"


def test_it_survives_causes_without_end() -> None:
    first = error = ValueError("last")
    for number in range(20_000):
        error.__context__ = ValueError(str(number))
        error = error.__context__
    assert (call_once(raising(first)).traceback or "").endswith("ValueError: last\n")


def test_it_survives_causes_in_a_circle() -> None:
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert "two" in (call_once(raising(one)).traceback or "")


def test_it_leaves_out_a_context_that_was_suppressed() -> None:
    def job() -> None:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second") from None

    assert "first" not in (call_once(job).traceback or "").splitlines()[-1]
    assert "KeyError" not in (call_once(job).traceback or "")


def test_it_tells_a_command_about_its_run() -> None:
    told = command_environment(replace(CONTEXT, results={"index": [1]}))
    assert told == {
        "SCHEDULED_SCHEDULE_ID": "nightly",
        "SCHEDULED_OCCURRENCE_ID": "7",
        "SCHEDULED_JOB_RUN_ID": "42",
        "SCHEDULED_JOB_NAME": "backup",
        "SCHEDULED_DUE_AT": "2026-01-02T03:00:00+00:00",
        "SCHEDULED_TRIGGER": "MANUAL",
        "SCHEDULED_ATTEMPT": "1",
        "SCHEDULED_TENANT": "",
        "SCHEDULED_PARAMS": '{"n": 1}',
        "SCHEDULED_RESULTS": '{"index": [1]}',
    }


def test_it_tells_a_command_nothing_that_is_too_long_to_be_told() -> None:
    told = command_environment(replace(CONTEXT, results={"index": "x" * VARIABLE_LIMIT}))
    assert "SCHEDULED_RESULTS" not in told
