"""Runs one job's function in a process of its own.

As `python -P -m scheduled.child <payload> <outcome> <progress>`: the arguments are descriptors.
The daemon's side of this is `scheduled.running.children`.
"""

import faulthandler
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from io import TextIOWrapper
from types import FrameType
from typing import Any, NoReturn

from scheduled.context import JobContext
from scheduled.definitions import Job
from scheduled.errors import ScheduledError, UnknownNameError
from scheduled.running.calling import Outcome, call, failure
from scheduled.running.interrupts import Interrupt
from scheduled.words import Reason, Status

LINGER = 5.0
"""How long threads and exit handlers that the job left behind may take after it returned, in seconds."""

OnProgress = Callable[[float, float | None], None]

_terminated = threading.Event()


def main(arguments: list[str]) -> None:
    """1. Read what to run. 2. Run it, while SIGTERM interrupts it. 3. Write the outcome, and end."""
    given, outcome_fd, progress_fd = map(int, arguments)
    for kept in (outcome_fd, progress_fd):
        os.set_inheritable(kept, False)
    with open(given, "rb") as file:
        payload = json.load(file)
    _prepare_output()
    signal.signal(signal.SIGTERM, _interrupt)
    pid = os.getpid()
    try:
        outcome = run(payload, _teller(progress_fd))
    except Interrupt:
        _flush()
        _die_of(signal.SIGTERM)
    if os.getpid() != pid:  # the job forked, and this is the fork: it has no say
        os._exit(0)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _flush()
    with open(outcome_fd, "wb") as file:
        file.write(json.dumps(asdict(replace(outcome, value=None))).encode())
    threading.Thread(target=_end_for_sure, daemon=True).start()


def run(payload: Mapping[str, Any], on_progress: OnProgress = lambda done, total: None) -> Outcome:
    """Load the definitions, find the job and call its function."""
    try:
        job = _find(payload["definitions"], payload["job"])
    except UnknownNameError as error:
        return replace(failure(error), reason=Reason.JOB_UNKNOWN, traceback=None)
    except ScheduledError as error:
        return replace(failure(error), traceback=None)
    if job.function is None:
        message = f"the job {job.name!r} is no function any more"
        return Outcome(Status.FAILED, Reason.JOB_UNKNOWN, "UnknownNameError", message)
    told = dict(payload["context"])
    due_at = datetime.fromisoformat(told.pop("due_at"))
    context = JobContext(**told, due_at=due_at, on_progress=on_progress, is_cancelled=_terminated.is_set)
    return call(job.function, lambda: context)


def _find(definitions: str, name: str) -> Job:
    from scheduled.loading import load

    return load(definitions).job(name)


def _teller(fd: int) -> OnProgress:
    """Tells of progress a line at a time: so short that lines of several threads are not mixed up."""

    def tell(done: float, total: float | None) -> None:
        with suppress(OSError):  # nobody listens any more
            os.write(fd, json.dumps([done, total]).encode() + b"\n")

    return tell


def _prepare_output() -> None:
    """What is printed goes out line by line and as UTF-8; logging too, and the stack of a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    faulthandler.enable()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    _terminated.set()
    raise Interrupt("shutdown")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


def _die_of(number: int) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    time.sleep(LINGER)
    os._exit(1)


def _end_for_sure() -> None:
    """The program ends as any other does, but it does not wait forever for what the job left behind."""
    time.sleep(LINGER)
    _flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
