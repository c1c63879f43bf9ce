"""The real command as a process that may be killed at each of its steps.

Each write to the database, each commit, each call of a job and each start of a child is a step before and a
step after; those of the main thread are counted. The environment of the command tells the rest:

- PROVE_KILL_AT=17 is a `kill -9` at the 17th step, PROVE_STOP_AT=17 a SIGSTOP.
- PROVE_STEPS names a file that gets the name of each step, a line each.
- PROVE_NOW is the instant at which the clock stands when the process starts.
- PROVE_SLEPT names a file that holds for how many seconds more the process was not there, once it exists.

Hundreds of kills need hundreds of processes. So this program, which has imported everything, forks one for
each line of its input (JSON: folder, argv, env), and answers with its pid and exit status: -9 if it was
killed, -19 if it stopped. The line `{"resume": pid}` lets that one go on.
"""

import concurrent.futures.thread  # noqa: F401 - these are imported once, for all processes
import faulthandler
import gc
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

import alembic.command  # noqa: F401
import dotenv.main  # noqa: F401
from sqlalchemy import Engine, event

from scheduled import cli, daemon, inline, logs, settings  # noqa: F401
from scheduled.clock import Clock
from scheduled.runner import Runner
from scheduled.running.processes import Child
from scheduled.store.held import Held

WATCHDOG_SECONDS = 45.0
"""A command that takes longer than this hangs: it says where, and ends."""
LOG = os.O_WRONLY | os.O_CREAT | os.O_APPEND
WRITES = ("BEGIN", "INSERT", "UPDATE", "DELETE", "CREATE", "COMMIT", "ALTER", "DROP")
HEARTBEAT = ["UPDATE", "worker_instance"]
"""Joins a transaction once a second has passed, so that the steps would have other numbers in each run."""

_numbers = count(1)
_side_writes = threading.Lock()
"""Held by a side thread while it may have SQLite's write lock: stopped then, it would keep it for good."""
_of_thread = threading.local()


def step(name: str) -> None:
    """One step of the main thread: told, counted, and perhaps the last."""
    if threading.current_thread() is not threading.main_thread():
        return
    if file := os.environ.get("PROVE_STEPS"):
        with open(file, "a", encoding="utf-8") as steps:
            steps.write(f"{name}\n")
    number = next(_numbers)
    if number == int(os.environ.get("PROVE_KILL_AT", "0")):
        os.kill(os.getpid(), signal.SIGKILL)
    if number == int(os.environ.get("PROVE_STOP_AT", "0")):
        with _side_writes:
            os.kill(os.getpid(), signal.SIGSTOP)


def _around(owner: Any, method: str, name_of: Callable[..., str | None]) -> None:
    """Make every call of the method two steps, unless it has no name."""
    original = getattr(owner, method)

    def stepped(*arguments: Any, **named: Any) -> Any:
        name = name_of(*arguments, **named)
        if name is None:
            return original(*arguments, **named)
        step(f"before {name}")
        try:
            return original(*arguments, **named)
        finally:
            step(f"after {name}")

    setattr(owner, method, stepped)


def _write(_held: Held, sql: str, _parameters: Any) -> str | None:
    """`UPDATE job_schedule`; None for what changes nothing, or comes in slow runs alone."""
    words = sql.replace('"', "").split()
    if words[0] not in WRITES or words[:2] == HEARTBEAT:
        return None
    return " ".join(
        words[:1] + [word for word in words[1:3] if word not in ("INTO", "FROM", "SET", "IMMEDIATE")]
    )


def _watch_side_threads() -> None:
    """Have them tell when they write."""
    begin, end = Held.begin, Held.end

    def told_begin(held: Held) -> None:
        _of_thread.depth = getattr(_of_thread, "depth", 0) + 1
        if _of_thread.depth == 1 and threading.current_thread() is not threading.main_thread():
            _side_writes.acquire()
        try:
            begin(held)
        except BaseException:
            _leave_transaction()
            raise

    def told_end(held: Held, error: BaseException | None) -> None:
        try:
            end(held, error)
        finally:
            _leave_transaction()

    Held.begin = told_begin  # type: ignore[method-assign, assignment]
    Held.end = told_end  # type: ignore[method-assign, assignment]


def _leave_transaction() -> None:
    _of_thread.depth -= 1
    if not _of_thread.depth and threading.current_thread() is not threading.main_thread():
        _side_writes.release()


def _hook() -> None:
    _watch_side_threads()
    _around(Held, "_execute", _write)
    _around(Held, "_commit", lambda _held: "COMMIT")
    _around(Held, "_commit_at_once", lambda *_: "COMMIT of a single statement")
    _around(Runner, "_call", lambda _runner, _claim, job, *_: f"job {job.name}")
    start = Child.start.__func__  # type: ignore[attr-defined]

    def started(kind: type[Child], *arguments: Any, **named: Any) -> Child:
        step("before child")
        child: Child = start(kind, *arguments, **named)
        step("after child")
        return child

    Child.start = classmethod(started)  # type: ignore[assignment, method-assign]
    # What goes through SQLAlchemy: the migrations.
    event.listen(Engine, "before_cursor_execute", lambda *given: _migrating("before", given[2]))
    event.listen(Engine, "after_cursor_execute", lambda *given: _migrating("after", given[2]))
    event.listen(Engine, "commit", lambda _connection: step("before COMMIT of the migration"))


def _migrating(when: str, sql: str) -> None:
    words = sql.split()
    if words[0] in WRITES:
        step(f"{when} {' '.join(words[:3])} of the migration")


def _set_clock(now: datetime) -> None:
    """The clock goes on from that instant; what the process slept, all its clocks went on meanwhile."""
    ahead, file = now - datetime.now(UTC), Path(os.environ.get("PROVE_SLEPT", "/nowhere"))
    monotonic, since_boot = Clock.monotonic, Clock.since_boot

    def slept() -> float:
        return float(file.read_text()) if file.exists() else 0.0

    patched: Any = Clock
    patched.now = lambda _clock: datetime.now(UTC) + ahead + timedelta(seconds=slept())
    patched.monotonic = lambda clock: monotonic(clock) + slept()
    patched.since_boot = lambda clock: since_boot(clock) + slept()


def _become(command: dict[str, Any]) -> None:
    """In the fork: be the command, in its folder and its environment, with its log."""
    os.chdir(command["folder"])
    os.environ.clear()
    os.environ.update(command["env"])
    for fd, path, flags in ((0, os.devnull, os.O_RDONLY), (1, "command.log", LOG), (2, "command.log", LOG)):
        opened = os.open(path, flags, 0o644)
        os.dup2(opened, fd)
        os.close(opened)
    faulthandler.dump_traceback_later(WATCHDOG_SECONDS, exit=True)
    sys.argv = ["scheduled", *command["argv"]]
    _set_clock(datetime.fromisoformat(os.environ["PROVE_NOW"]))
    _hook()
    status = 1
    try:
        cli.entry()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(status)  # without taking leave of all that was imported for it


def main() -> None:
    for module, _ in cli.COMMANDS.values():
        import_module(f"scheduled.cli.{module.partition(':')[0]}")
    gc.freeze()
    for line in sys.stdin:
        command = json.loads(line)
        if (pid := command.get("resume")) is not None:
            os.kill(pid, signal.SIGCONT)
        elif not (pid := os.fork()):
            _become(command)
        _, status = os.waitpid(pid, os.WUNTRACED)
        code = -os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{pid} {code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
