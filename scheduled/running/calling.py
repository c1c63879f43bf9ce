"""Calls a job's function and tells what became of it, whatever it does."""

import json
import os
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from threading import current_thread, main_thread
from types import TracebackType
from typing import Any

from scheduled.context import JobContext, SkipJob
from scheduled.running.interrupts import Interrupt
from scheduled.running.signatures import caller_of
from scheduled.running.tail import clean_json
from scheduled.words import Reason, Status

MESSAGE_LIMIT = 10_000
TRACEBACK_LIMIT = 65_536
RESULT_LIMIT = 65_536
VARIABLE_LIMIT = 100_000
"""How long an environment variable of ours may be: Linux starts no command with one of 128 KiB."""
LOOK = 0.25
"""How often an event loop looks up that runs on another thread than the main one, in seconds."""
FRAMES = 200
CHAINED = 50
OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
ASYNCIO = os.path.join(os.path.dirname(os.path.abspath(os.__file__)), "asyncio") + os.sep

_encoder = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt to run a job.

    `result` is what it returned as JSON text, `value` the same as a JSON value: None where it returned None,
    or (reason `result_not_json`) what is no JSON or too long. A skipped job's text is the `error_message`.
    """

    status: Status
    reason: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    result: str | None = None
    value: object = None


_DONE = Outcome(Status.COMPLETED)
_NOT_JSON = Outcome(Status.COMPLETED, Reason.RESULT_NOT_JSON)


def call(function: Callable[..., Any], context: Callable[[], JobContext]) -> Outcome:
    """Call the function, with the context if it wants it; a coroutine that it returns is run to its end.

    `context` makes one, for those that do. Nothing that it raises comes through, but for an Interrupt (see
    `traceback_of`).
    """
    try:
        value = caller_of(function)(function, context)
        if value is None:
            return _DONE
        if hasattr(type(value), "__await__"):
            value = _run(value)
        return returned(value)
    except SkipJob as skip:
        return Outcome(Status.SKIPPED, Reason.SKIPPED_BY_JOB, error_message=_message_of(skip))
    except SystemExit as error:
        if error.code is None or error.code == 0:
            return _DONE
        return failure(error)
    except Exception as error:
        return failure(error)
    except BaseException as error:
        if interrupt := _interrupt_in(error):
            raise interrupt from None
        return failure(error)


def _run(awaitable: Any) -> Any:
    import asyncio  # 30 ms, which only those pay who use it

    on_main = current_thread() is main_thread()
    if on_main and isinstance(awaitable, Coroutine):
        return asyncio.run(awaitable)

    async def wait() -> Any:
        if not on_main:
            look_up()
        return await awaitable

    def look_up() -> None:
        """No signal wakes a loop that waits here: it wakes itself, for an Interrupt that was left there."""
        asyncio.get_running_loop().call_later(LOOK, look_up)

    return asyncio.run(wait())


def returned(value: object) -> Outcome:
    """COMPLETED, with what the job returned if that is JSON of at most 64 KiB."""
    if value is None:
        return _DONE
    try:
        text = clean_json(_encoder.encode(value))
        if len(text.encode()) > RESULT_LIMIT:
            return _NOT_JSON
        return Outcome(Status.COMPLETED, result=text, value=json.loads(text))
    except Exception:
        return _NOT_JSON


def failure(error: BaseException) -> Outcome:
    """FAILED, because of this exception."""
    message = (
        f"it called sys.exit({_message_of(error)})" if isinstance(error, SystemExit) else _message_of(error)
    )
    return Outcome(
        Status.FAILED,
        error_type=_type_of(error),
        error_message=message,
        traceback=traceback_of(error),
    )


def traceback_of(error: BaseException) -> str:
    """The traceback from the user's first frame on; of a long one the end."""
    try:
        _shorten_chain(error)
        told = traceback.TracebackException(
            type(error), error, _users_frames(error.__traceback__), limit=-FRAMES, compact=True
        )
        text = "".join(told.format())
    except Exception as trouble:
        text = f"{_type_of(error)}: (the traceback cannot be shown: {_type_of(trouble)})\n"
    return text if len(text) <= TRACEBACK_LIMIT else "…" + text[1 - TRACEBACK_LIMIT :]


def _users_frames(at: TracebackType | None) -> TracebackType | None:
    """Without the frames at the top that are ours, and asyncio's where they carry a job's coroutine."""
    while at is not None and at.tb_frame.f_code.co_filename.startswith((OURS, ASYNCIO)):
        at = at.tb_next
    return at


def _shorten_chain(error: BaseException) -> None:
    """Cut off the causes of causes of causes that nobody will read, but that take minutes to format."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        following = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
        if len(seen) >= CHAINED and following is not None:
            link.__cause__ = link.__context__ = None
            return
        link = following


def _type_of(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _message_of(error: BaseException) -> str:
    try:
        text = str(error)
    except Interrupt:
        raise
    except BaseException:
        return "(its text cannot be shown)"
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"


def _interrupt_in(error: BaseException) -> Interrupt | None:
    """An Interrupt, also one that a task group wrapped."""
    if isinstance(error, Interrupt):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _interrupt_in(inner))), None)
    return None


def command_environment(context: JobContext) -> dict[str, str]:
    """What a command is told about its run. Params and results are left out where they are too long."""
    found = {
        "SCHEDULED_SCHEDULE_ID": context.schedule_id,
        "SCHEDULED_OCCURRENCE_ID": str(context.occurrence_id),
        "SCHEDULED_JOB_RUN_ID": str(context.job_run_id),
        "SCHEDULED_JOB_NAME": context.job_name,
        "SCHEDULED_DUE_AT": context.due_at.isoformat(),
        "SCHEDULED_TRIGGER": str(context.trigger),
        "SCHEDULED_ATTEMPT": str(context.attempt),
        "SCHEDULED_TENANT": context.tenant,
        "SCHEDULED_PARAMS": json.dumps(dict(context.params), default=str),
        "SCHEDULED_RESULTS": json.dumps(dict(context.results), default=str),
    }
    return {name: value for name, value in found.items() if len(value) <= VARIABLE_LIMIT}
