"""Runs a command, or a function in a process of its own, and tells what became of it."""

import errno
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from scheduled.context import JobContext
from scheduled.definitions import Job
from scheduled.running.calling import Outcome, command_environment
from scheduled.running.processes import Child
from scheduled.words import Status

OnOutput = Callable[[str], Any]
Started = Callable[[Child], Any]
Look = Callable[[], object]

GRACE = 5.0
"""How long an interrupted child may take to tidy up, in seconds."""
SHELL_CODES = {126: "the command cannot be executed", 127: "command not found"}
TOLD = ("schedule_id", "occurrence_id", "job_run_id", "job_name", "trigger", "attempt", "tenant")
"""What the child is told of the context as it is."""


def run_command(
    job: Job,
    context: JobContext,
    on_output: OnOutput,
    started: Started,
    look: Look = lambda: None,
    *,
    grace: float = GRACE,
) -> Outcome:
    """Run a command to its end. An exception from a signal's handler, or from `look`, which is called now and
    then, stops it and comes through."""
    argv = job.command or ()
    env = {**os.environ, **job.env, **command_environment(context)}
    try:
        child = Child.start(argv, env=env, cwd=job.cwd, on_output=on_output)
    except (OSError, ValueError) as error:
        return _failed(_why_not(error, job.cwd))
    code = _wait(child, started, look, grace)
    if code in job.ok_exit_codes:
        return Outcome(Status.COMPLETED)
    hint = SHELL_CODES.get(code, "") if isinstance(argv, str) else ""
    return _failed(f"{_exit(code)} ({hint})" if hint else _exit(code))


def run_isolated(
    job: Job,
    definitions: str,
    context: JobContext,
    on_output: OnOutput,
    started: Started,
    look: Look = lambda: None,
    *,
    grace: float = GRACE,
) -> Outcome:
    """Call the job's function in a fresh interpreter. It is stopped as a command is.

    Of its progress the context is told on another thread.
    """
    argv = [sys.executable, "-P", "-m", "scheduled.child"]
    wanted = {"definitions": definitions, "job": job.name, "context": _told(context)}
    payload = json.dumps(wanted, default=str).encode()
    env = {**os.environ, **job.env}

    def hear(line: str) -> None:
        done, total = json.loads(line)
        context.on_progress(done, total)

    try:
        child = Child.start(argv, env=env, cwd=job.cwd, on_output=on_output, payload=payload, on_news=hear)
    except (OSError, ValueError) as error:
        return _failed(_why_not(error, job.cwd), "ProcessDied")
    code = _wait(child, started, look, grace)
    return _outcome_in(child.outcome) or _failed(f"the process died: {_exit(code)}", "ProcessDied")


def _wait(child: Child, started: Started, look: Look, grace: float) -> int:
    try:
        started(child)
        return child.wait(look)
    except BaseException:
        with suppress(BaseException):  # one more Interrupt: the first is the one to tell of
            child.stop(grace)
        raise


def _told(context: JobContext) -> dict[str, Any]:
    told = {name: getattr(context, name) for name in TOLD}
    return told | {
        "due_at": context.due_at.isoformat(),
        "params": dict(context.params),
        "results": dict(context.results),
    }


def _outcome_in(written: bytes | None) -> Outcome | None:
    """What the child wrote; None if it wrote nothing, or not to the end."""
    try:
        told = json.loads(written or b"")
        value = None if told["result"] is None else json.loads(told["result"])
        return Outcome(**(told | {"status": Status(told["status"]), "value": value}))
    except (ValueError, TypeError, KeyError):
        return None


def _exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _failed(message: str, error_type: str = "CommandFailed") -> Outcome:
    return Outcome(Status.FAILED, error_type=error_type, error_message=message)


def _why_not(error: OSError | ValueError, cwd: str | None) -> str:
    if not isinstance(error, OSError) or error.filename is None:
        return f"the command cannot be started: {error}"
    if error.filename == cwd:
        return f"the directory {cwd!r} cannot be entered: {error.strerror}"
    if error.errno == errno.ENOENT:
        return f"command not found: {error.filename!r}"
    return f"the command {error.filename!r} cannot be executed: {error.strerror}"
