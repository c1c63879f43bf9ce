"""Commands and isolated functions as jobs: what becomes of them, and how far they tell to have come."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import psutil
import pytest

from scheduled import child as module
from scheduled.context import JobContext
from scheduled.definitions import Job
from scheduled.running import children
from scheduled.running.calling import Outcome
from scheduled.running.children import run_command, run_isolated
from scheduled.running.interrupts import Interrupt
from scheduled.running.processes import Child
from scheduled.words import Reason, Status

CONTEXT = JobContext(
    "nightly", 7, 42, "work", datetime(2026, 1, 2, 3, tzinfo=UTC), params={"n": 1}, results={"before": [1]}
)
DEFINITIONS = """
import atexit, ctypes, logging, os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from scheduled.context import JobContext, SkipJob
from scheduled.definitions import Schedule, job

@job(name="work", isolation="process")
{code}

schedules = [Schedule(id="s", name="S", cron="@daily")]
"""


class Result:
    """An outcome, and what was printed."""

    def __init__(
        self, outcome: Outcome, printed: str, child: Child | None, come: tuple[Any, ...] | None = None
    ) -> None:
        self.outcome = outcome
        self.come = come
        self.printed = printed
        self.child = child


def run(job: Job, **options: Any) -> Result:
    printed: list[str] = []
    started: list[Child] = []
    outcome = run_command(job, CONTEXT, printed.append, started.append, **options)
    return Result(outcome, "".join(printed), started[0] if started else None)


def command(argv: str | tuple[str, ...], **options: Any) -> Job:
    return Job("work", command=argv, **options)


Isolate = Callable[..., Result]


@pytest.fixture
def isolate(tmp_path: Path) -> Isolate:
    """Runs the code of a function in a process of its own."""

    def run_code(code: str, name: str = "work", text: str = DEFINITIONS) -> Result:
        path = tmp_path / "isolated_definitions.py"
        path.write_text(text.replace("{code}", code))
        printed: list[str] = []
        started: list[Child] = []
        come: list[tuple[Any, ...]] = []
        job = Job(name, function=print, isolation="process")
        context = replace(CONTEXT, on_progress=lambda *told: come.append(told))
        outcome = run_isolated(job, str(path), context, printed.append, started.append, grace=2)
        return Result(outcome, "".join(printed), started[0], come[-1] if come else None)

    return run_code


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Interrupts the main thread, from another one."""
    main = threading.main_thread().ident or 0

    def raise_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise Interrupt("timeout")

    before = signal.signal(signal.SIGURG, raise_interrupt)
    yield lambda: signal.pthread_kill(main, signal.SIGURG)
    signal.signal(signal.SIGURG, before)


def test_it_completes_a_command_without_a_result() -> None:
    result = run(command("echo hello"))
    assert (result.outcome, result.printed) == (Outcome(Status.COMPLETED), "hello\n")


def test_it_tells_who_was_started() -> None:
    result = run(command("echo $PPID"))
    assert result.child is not None
    assert result.printed == f"{result.child.pid}\n"


def test_it_fails_a_command_by_its_exit_code() -> None:
    outcome = run(command("exit 3")).outcome
    assert outcome == Outcome(Status.FAILED, error_type="CommandFailed", error_message="exit code 3")


def test_it_allows_the_exit_codes_that_are_allowed() -> None:
    assert run(command("exit 3", ok_exit_codes=(0, 3))).outcome.status is Status.COMPLETED


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ("kill -9 $$", "killed by SIGKILL"),
        (f"kill -{signal.SIGRTMIN + 2} $$", f"killed by signal {signal.SIGRTMIN + 2}"),
        ("no-such-command", "exit code 127 (command not found)"),
        (("no-such-command", "x"), "command not found: 'no-such-command'"),
        (("/etc/passwd",), "the command '/etc/passwd' cannot be executed: Permission denied"),
        (("true", "a\0b"), "the command cannot be started: a command, its environment and its directory"),
    ],
)
def test_it_tells_why_a_command_failed(argv: str | tuple[str, ...], message: str) -> None:
    outcome = run(command(argv)).outcome
    assert (outcome.status, outcome.error_type) == (Status.FAILED, "CommandFailed")
    assert (outcome.error_message or "").startswith(message)


def test_it_tells_that_the_directory_is_missing() -> None:
    outcome = run(command("true", cwd="/no/such")).outcome
    assert outcome.error_message == "the directory '/no/such' cannot be entered: No such file or directory"


def test_it_gives_a_command_its_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INHERITED", "one")
    job = command('echo "$INHERITED $OWN $SCHEDULED_JOB_RUN_ID $PWD"', env={"OWN": "two"}, cwd=str(tmp_path))
    assert run(job).printed == f"one two 42 {tmp_path}\n"


def test_it_stops_an_interrupted_command(interrupted: Callable[[], None]) -> None:
    started: list[Child] = []

    def take(_text: str) -> None:
        while not started:
            time.sleep(0.01)
        interrupted()

    with pytest.raises(Interrupt):
        run_command(command("echo ready; exec sleep 100"), CONTEXT, take, started.append)
    assert not psutil.pid_exists(started[0].pid)


def test_it_stops_a_command_that_was_interrupted_as_it_started(
    interrupted: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Child._begin
    begun: list[Child] = []

    def begin_and_interrupt(child: Child, spec: bytes, name: str, cwd: str | None) -> None:
        begun.append(child)
        begin(child, spec, name, cwd)
        interrupted()

    monkeypatch.setattr(Child, "_begin", begin_and_interrupt)
    with pytest.raises(Interrupt):
        run_command(command("sleep 100"), CONTEXT, print, print)
    assert not psutil.pid_exists(begun[0].pid)


def test_it_stops_a_command_that_could_not_be_recorded() -> None:
    started: list[Child] = []

    def fail(child: Child) -> None:
        started.append(child)
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        run_command(command("sleep 100"), CONTEXT, print, fail)
    assert not psutil.pid_exists(started[0].pid)


def test_it_returns_what_the_function_returned(isolate: Isolate) -> None:
    result = isolate("def work(): print('é', end=''); return {'n': [1, 'é']}")
    assert result.outcome == Outcome(Status.COMPLETED, result='{"n":[1,"é"]}', value={"n": [1, "é"]})
    assert result.printed == "é"


def test_it_gives_the_function_its_context(isolate: Isolate) -> None:
    code = """def work(ctx: JobContext):
    ctx.progress(1, 2)
    return [ctx.schedule_id, ctx.due_at.isoformat(), ctx.params, ctx.results, ctx.cancelled, ctx.attempt]"""
    told = ["nightly", "2026-01-02T03:00:00+00:00", {"n": 1}, {"before": [1]}, False, 1]
    assert isolate(code).outcome.value == told


@pytest.mark.parametrize(("told", "heard"), [("1, 2", (1.0, 2.0)), ("7", (7.0, None))])
def test_it_hands_the_progress_of_the_function_on(isolate: Isolate, told: str, heard: object) -> None:
    code = f"def work(ctx: JobContext): ctx.progress({told})"
    assert isolate(code).come == heard


def test_progress_that_is_no_number_fails_the_function(isolate: Isolate) -> None:
    code = "def work(ctx: JobContext): ctx.progress('half')"
    assert isolate(code).outcome.error_type == "ValueError"


def test_it_runs_in_a_process_of_its_own(isolate: Isolate) -> None:
    result = isolate("def work(): return [os.getppid(), sys.stdin.read()]")
    assert result.child is not None
    assert result.outcome.value == [result.child.pid, ""]


def test_it_captures_prints_and_logs(isolate: Isolate) -> None:
    code = """def work(ctx: JobContext):
    ctx.log.info("logged")
    print("half", end="")
    sys.stderr.write("\\nwarned \\ud800")"""
    assert isolate(code).printed.splitlines() == ["INFO scheduled.job.work: logged", "half", "warned \\ud800"]


def test_it_fails_as_the_function_did(isolate: Isolate) -> None:
    outcome = isolate("def work(): raise ValueError('wrong')").outcome
    assert (outcome.status, outcome.error_type, outcome.error_message) == (
        Status.FAILED,
        "ValueError",
        "wrong",
    )
    assert (outcome.traceback or "").splitlines()[1].endswith("in work")


def test_it_skips_as_the_function_did(isolate: Isolate) -> None:
    outcome = isolate("def work(): raise SkipJob('no session')").outcome
    assert outcome == Outcome(Status.SKIPPED, Reason.SKIPPED_BY_JOB, error_message="no session")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("os._exit(3)", "the process died: exit code 3"),
        ("os._exit(0)", "the process died: exit code 0"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "the process died: killed by SIGKILL"),
        ("ctypes.string_at(0)", "the process died: killed by SIGSEGV"),
    ],
)
def test_it_tells_how_the_process_died(isolate: Isolate, code: str, message: str) -> None:
    outcome = isolate(f"def work(): {code}").outcome
    assert outcome == Outcome(Status.FAILED, error_type="ProcessDied", error_message=message)


def test_it_shows_where_the_process_crashed(isolate: Isolate) -> None:
    assert "in work" in isolate("def work(): ctypes.string_at(0)").printed


def test_it_does_not_mind_a_closed_output(isolate: Isolate) -> None:
    code = "def work(): sys.stdout.close(); sys.stderr.close(); return 1"
    assert isolate(code).outcome.value == 1


def test_it_does_not_listen_to_a_fork(isolate: Isolate) -> None:
    code = """def work():
    if pid := os.fork():
        os.waitpid(pid, 0)
        return "parent"
    return "fork" """
    assert isolate(code).outcome.value == "parent"


def test_it_does_not_wait_for_idle_threads(isolate: Isolate) -> None:
    code = """def work():
    global pool
    pool = ThreadPoolExecutor()
    return pool.submit(int, "5").result()"""
    begun = time.monotonic()
    assert isolate(code).outcome.value == 5
    assert time.monotonic() - begun < module.LINGER


def test_it_does_not_wait_forever_for_threads(isolate: Isolate) -> None:
    code = """def work():
    from scheduled import child
    sys.modules["__main__"].LINGER = 0.1
    threading.Thread(target=time.sleep, args=(100,)).start()
    return 5"""
    assert isolate(code).outcome.value == 5


def test_it_tells_that_the_job_is_unknown(isolate: Isolate) -> None:
    outcome = isolate("def work(): ...", name="wrok").outcome
    assert (outcome.status, outcome.reason) == (Status.FAILED, Reason.JOB_UNKNOWN)
    assert "did you mean 'work'?" in (outcome.error_message or "")


def test_it_tells_that_the_job_is_no_function(isolate: Isolate) -> None:
    text = DEFINITIONS.partition("@job")[0] + "from scheduled.definitions import command\n"
    text += "command('work', 'true')\nschedules = [Schedule(id='s', name='S', cron='@daily')]\n"
    assert isolate("", text=text).outcome.reason == Reason.JOB_UNKNOWN


def test_it_tells_of_faults_in_the_definitions(isolate: Isolate) -> None:
    outcome = isolate("def work(): ...", text="1 / 0").outcome
    assert outcome.error_type == "scheduled.errors.DefinitionsError"
    assert "ZeroDivisionError" in (outcome.error_message or "")


def test_it_unwinds_an_interrupted_function(tmp_path: Path, interrupted: Callable[[], None]) -> None:
    code = """def work():
    try:
        sys.stdout.write("ready\\n")
        time.sleep(100)
    finally:
        print("tidy")"""
    path = tmp_path / "isolated_definitions.py"
    path.write_text(DEFINITIONS.replace("{code}", code))
    printed: list[str] = []

    def take(text: str) -> None:
        printed.append(text)
        if "ready" in text:
            interrupted()

    started: list[Child] = []
    with pytest.raises(Interrupt):
        run_isolated(Job("work", function=print), str(path), CONTEXT, take, started.append)
    assert "".join(printed) == "ready\ntidy\n"
    assert started[0].wait() == -signal.SIGTERM


def test_it_tells_that_no_process_could_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    outcome = run_isolated(Job("work", function=print), "s.py", CONTEXT, print, print)
    assert (outcome.status, outcome.error_type) == (Status.FAILED, "ProcessDied")


@pytest.mark.parametrize("written", [None, b"", b"{", b"[]", b"{}", b'{"result": "{", "status": "FAILED"}'])
def test_it_takes_half_an_outcome_for_none(written: bytes | None) -> None:
    assert children._outcome_in(written) is None


def test_it_runs_a_payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, for the sake of what a child that is killed cannot tell of itself."""
    job = replace(Job("work", function=lambda: 5))
    monkeypatch.setattr(module, "_find", lambda _definitions, _name: job)
    payload = {"definitions": "", "job": "work", "context": children._told(CONTEXT)}
    assert module.run(payload).value == 5


def test_it_dies_of_the_signal_that_interrupted_it() -> None:
    code = "from scheduled import child; child._die_of(15)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGTERM


def test_it_writes_no_outcome_when_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process, for the same reason."""

    def terminate(*_arguments: object) -> NoReturn:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        raise AssertionError

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(module, "run", terminate)
    monkeypatch.setattr(module, "_prepare_output", lambda: None)
    monkeypatch.setattr(module, "_die_of", sys.exit)
    given, outcome, progress = os.pipe(), os.pipe(), os.pipe()
    os.write(given[1], json.dumps({}).encode())
    os.close(given[1])
    with pytest.raises(SystemExit, match=str(int(signal.SIGTERM))):
        module.main([str(given[0]), str(outcome[1]), str(progress[1])])
    signal.signal(signal.SIGTERM, before)
    module._terminated.clear()
    os.close(outcome[1])
    assert os.read(outcome[0], 1) == b""
    for end in (outcome[0], *progress):
        os.close(end)


def test_it_leaves_other_streams_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr("faulthandler.enable", lambda: None)
    monkeypatch.setattr("logging.basicConfig", lambda **_options: None)
    module._prepare_output()
