import gc
import locale
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from scheduled.running.restore import Restored, restored, same_process

ROOT = str(Path(__file__).parent.parent)


def python(code: str, *options: str) -> subprocess.CompletedProcess[bytes]:
    """Runs code that may do what must not be done to the process of the tests."""
    begin = "import os, signal, sys\nfrom scheduled.running.restore import restored, same_process\n"
    command = [sys.executable, *options, "-c", begin + code]
    return subprocess.run(command, capture_output=True, check=False, env=os.environ | {"PYTHONPATH": ROOT})


def test_signal_handlers_are_restored() -> None:
    found = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)]
    with restored():
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)] == found


def test_blocked_signals_are_restored() -> None:
    found = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with restored():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == found


def test_alarms_are_cancelled() -> None:
    with restored():
        signal.alarm(100)
        signal.setitimer(signal.ITIMER_PROF, 100)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_an_alarm_that_was_set_before_stays_set() -> None:
    signal.setitimer(signal.ITIMER_REAL, 1000)  # by pytest-timeout, say
    try:
        with restored():
            pass
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 900
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def test_an_alarm_that_strikes_meanwhile_stops_nothing() -> None:
    code = """
from contextlib import suppress
def ring(*_):
    raise TimeoutError
for microseconds in range(1, 300):
    with suppress(TimeoutError), restored() as inner:
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, microseconds / 1e6)
    inner.finish()
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert inner.problems == []
"""
    # Without site-packages, so without coverage: its tracer takes locks that an exception leaves locked.
    assert python(code, "-S").stderr == b""


def test_the_wakeup_file_descriptor_is_restored() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        with restored():
            signal.set_wakeup_fd(ours.fileno())
        assert signal.set_wakeup_fd(ours.fileno()) == -1
        with restored():
            signal.set_wakeup_fd(-1)
        assert signal.set_wakeup_fd(-1) == ours.fileno()


def test_the_working_directory_is_restored(tmp_path: Path) -> None:
    found = Path.cwd()
    with restored():
        os.chdir(tmp_path)
    assert Path.cwd() == found


def test_a_working_directory_that_was_deleted_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    with restored():
        os.chdir(gone)
        with restored() as inner:
            os.chdir(tmp_path)
            gone.rmdir()
        assert len(inner.problems) == 1
        assert inner.problems[0].startswith("working directory: FileNotFoundError")


def test_it_leaves_a_working_directory_that_was_deleted(tmp_path: Path) -> None:
    found = Path.cwd()
    with restored():
        os.chdir(tmp_path)
        tmp_path.rmdir()
        with restored() as inner:
            pass
        assert inner.problems == []
    assert Path.cwd() == found


def test_the_environment_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "kept")
    monkeypatch.setenv("CHANGED", "before")
    found, environ = dict(os.environ), os.environ
    with restored():
        os.environ["CHANGED"] = "after"
        os.environ["ADDED"] = "new"
        del os.environ["KEPT"]
        os.environ = cast(Any, {})  # noqa: B003
    assert os.environ is environ
    assert dict(os.environ) == found
    assert subprocess.check_output(["sh", "-c", "echo $CHANGED$KEPT$ADDED"]) == b"beforekept\n"


def test_the_time_zone_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    found = time.tzname
    with restored():
        monkeypatch.setenv("TZ", "XXX-5")
        time.tzset()
        assert time.tzname[0] == "XXX"
    assert time.tzname == found


def test_streams_and_arguments_are_restored() -> None:
    found = sys.stdin, sys.stdout, sys.stderr, sys.argv, list(sys.argv)
    with restored():
        sys.stdin = sys.stdout = sys.stderr = cast(Any, None)
        sys.argv.append("--verbose")
        sys.argv = []
    assert (sys.stdin, sys.stdout, sys.stderr, sys.argv, list(sys.argv)) == found


def test_the_umask_is_restored() -> None:
    with restored():
        os.umask(0o777)
    found = os.umask(0o022)
    os.umask(found)
    assert found != 0o777


@pytest.mark.parametrize(
    ("get", "change"),
    [
        (sys.getrecursionlimit, lambda: sys.setrecursionlimit(5000)),
        (sys.getswitchinterval, lambda: sys.setswitchinterval(1.0)),
        (sys.getprofile, lambda: sys.setprofile(lambda *_: None)),
        (socket.getdefaulttimeout, lambda: socket.setdefaulttimeout(0.1)),
        (gc.isenabled, gc.disable),
        (lambda: logging.root.manager.disable, lambda: logging.disable(logging.CRITICAL)),
        (lambda: locale.setlocale(locale.LC_ALL), lambda: locale.setlocale(locale.LC_NUMERIC, "C.UTF-8")),
    ],
)
def test_settings_are_restored(get: Callable[[], object], change: Callable[[], object]) -> None:
    locale.setlocale(locale.LC_NUMERIC, "C")
    found = get()
    with restored():
        change()
        assert get() != found
    assert get() == found


def test_jobs_still_log_after_one_that_configured_logging() -> None:
    code = """
import logging.config
loggers = [logging.getLogger(name) for name in ("scheduled.job", "scheduled.job.count", "shop")]
with restored():
    logging.config.dictConfig({"version": 1})
    assert loggers[0].disabled
print([logger.disabled for logger in loggers])
"""
    assert python(code).stdout == b"[False, False, True]\n"


def test_what_the_job_raises_goes_on_its_way() -> None:
    with pytest.raises(ZeroDivisionError), restored():
        raise ZeroDivisionError


def test_one_problem_does_not_stop_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANGED", "before")
    with restored() as inner:
        monkeypatch.setattr(os, "get_inheritable", None)
        os.environ["CHANGED"] = "after"
    assert inner.problems == ["standard files: TypeError: 'NoneType' object is not callable"]
    assert os.environ["CHANGED"] == "before"


def on_a_thread(body: str) -> bytes:
    """What the body prints that runs on a thread of an application."""
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return python(
        f"import signal, threading\ndef body():\n{indented}\n"
        "thread = threading.Thread(target=body)\nthread.start()\nthread.join()\n"
    ).stdout


def test_on_another_thread_it_leaves_alone_what_belongs_to_the_application() -> None:
    told = on_a_thread("""
with restored() as inner:
    os.environ["X"] = "1"
    os.umask(0o077)
    sys.stdout, was = "mine", sys.stdout
    signal.setitimer(signal.ITIMER_REAL, 1000)
mine, sys.stdout = sys.stdout, was
left = signal.getitimer(signal.ITIMER_REAL)[0]
print(inner.problems, "X" in os.environ, oct(os.umask(0)), mine, left > 900)
""")
    assert told == b"[] True 0o77 mine True\n"


def test_on_another_thread_it_puts_back_what_is_the_threads_own_and_the_working_directory() -> None:
    told = on_a_thread("""
found = os.getcwd()
with restored() as inner:
    os.chdir("/")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    sys.setprofile(lambda *_: None)
print(inner.problems, os.getcwd() == found, signal.pthread_sigmask(signal.SIG_BLOCK, ()), sys.getprofile())
""")
    assert told == b"[] True set() None\n"


def test_closed_standard_files_are_opened_on_nothing() -> None:
    code = """
report = os.dup(1)
with restored() as inner:
    for number in (0, 1, 2):
        os.close(number)
with restored():
    os.close(1)
same = all(os.path.sameopenfile(number, os.open(os.devnull, os.O_RDWR)) for number in (0, 1, 2))
inherited = all(map(os.get_inheritable, (0, 1, 2)))
os.write(report, f"{inner.problems} {same} {inherited}".encode())
"""
    assert python(code).stdout == b"[] True True"


def test_a_file_number_that_another_took_meanwhile_is_left_alone() -> None:
    code = """
from scheduled.running import restore
os.close(0)
taken = os.open("/etc/passwd", os.O_RDONLY)  # number 0: so /dev/null is opened at another one
restore._open_null(2)
assert os.path.sameopenfile(2, os.open(os.devnull, os.O_RDWR)) and os.get_inheritable(2)
assert os.path.sameopenfile(0, os.open("/etc/passwd", os.O_RDONLY))
"""
    assert python(code).returncode == 0


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("pass", 0),
        ("1 / 0", 1),
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('sorry')", 1),
        ("same_process(parent, 7)", 7),
    ],
)
def test_a_forked_child_does_not_go_on_as_a_second_daemon(ending: str, status: int) -> None:
    code = f"""
parent = os.getpid()
with restored():
    child = os.fork()
    if not child:
        {ending}
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
    assert python(code).stdout == f"{status}\n".encode()


def test_the_process_itself_goes_on() -> None:
    same_process(os.getpid())
    with restored() as inner:
        pass
    assert isinstance(inner, Restored)
    assert inner.problems == []
