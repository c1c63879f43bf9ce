"""Children as the daemon sees them, and processes as a reaper does."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil
import pytest

from scheduled.running import identity, processes, supervisor
from scheduled.running.interrupts import Interrupt
from scheduled.running.processes import Child, alive, boot_id, kill_group, process_start_time
from scheduled.running.pump import OUTCOME_LIMIT

DAEMON = """
import os, sys, time
from scheduled.running.processes import Child
echo = lambda text: os.write(1, text.encode())  # at once: print would let the other's words in between
child = Child.start(sys.argv[1], env=os.environ, cwd=None, on_output=echo)
echo(f"supervisor {child.pid}\\n")
time.sleep(100)
"""


class Started:
    """Starts children, keeps what they print, and leaves none behind."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.printed = ""

    def __call__(
        self, argv: list[str] | str, *, payload: bytes | None = None, cwd: str | None = None, **env: str
    ) -> Child:
        everything = {**os.environ, **env}
        child = Child.start(argv, env=everything, cwd=cwd, on_output=self._print, payload=payload)
        self.children.append(child)
        return child

    def _print(self, text: str) -> None:
        self.printed += text


@pytest.fixture
def start() -> Iterator[Started]:
    started = Started()
    yield started
    for child in started.children:
        child.stop(0)


def eventually(question: Callable[[], bool], patience: float = 10.0) -> bool:
    deadline = time.monotonic() + patience
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return answer


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def numbers(text: str) -> list[int]:
    return [int(word) for word in text.split() if word.isdigit()]


def raise_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Interrupt("timeout")


def raise_keyboard_interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


@pytest.fixture
def alarm() -> Iterator[Callable[..., None]]:
    """Lets a signal's handler raise an exception a little later, as the daemon's side thread does."""
    timers: list[threading.Timer] = []
    main = threading.main_thread().ident or 0

    def ring(after: float, handler: Callable[[int, FrameType | None], NoReturn] = raise_interrupt) -> None:
        signal.signal(signal.SIGURG, handler)
        timers.append(threading.Timer(after, signal.pthread_kill, (main, signal.SIGURG)))
        timers[-1].start()

    before = signal.getsignal(signal.SIGURG)
    yield ring
    for timer in timers:
        timer.cancel()
        timer.join()
    signal.signal(signal.SIGURG, before)


@pytest.mark.parametrize("code", [0, 3, 255])
def test_it_gives_the_exit_code(start: Started, code: int) -> None:
    assert start(f"exit {code}").wait() == code


@pytest.mark.parametrize("name", ["KILL", "SEGV", "TERM"])
def test_it_tells_of_a_death_by_signal(start: Started, name: str) -> None:
    assert start(f"kill -{name} $$").wait() == -signal.Signals[f"SIG{name}"]


def test_it_hands_on_all_output_before_wait_returns(start: Started) -> None:
    start("echo out; echo err >&2; printf end").wait()
    assert start.printed == "out\nerr\nend"


def test_it_runs_arguments_without_a_shell(start: Started) -> None:
    start(["echo", "$HOME", "a  b"]).wait()
    assert start.printed == "$HOME a  b\n"


def test_it_runs_in_a_directory_and_an_environment(start: Started, tmp_path: Path) -> None:
    start('echo "$PWD $WORD"', cwd=str(tmp_path), WORD="é").wait()
    assert start.printed == f"{tmp_path} é\n"


def test_it_reads_characters_that_come_in_pieces(start: Started) -> None:
    start(r"printf '\303'; sleep 0.05; printf '\251|\377|\303'").wait()
    assert start.printed == "é|\ufffd|\ufffd"


def test_it_takes_a_hundred_megabytes(start: Started) -> None:
    size = 0

    def count(text: str) -> None:
        nonlocal size
        size += len(text)

    command = "head -c 100000000 /dev/zero"
    child = Child.start(command, env=os.environ, cwd=None, on_output=count)
    assert (child.wait(), size) == (0, 100_000_000)


def test_it_waits_for_a_command_that_closed_its_output(start: Started) -> None:
    assert start("exec >&- 2>&-; sleep 0.1; exit 7").wait() == 7


def test_it_gives_nothing_to_read(start: Started) -> None:
    start("cat; echo done").wait()
    assert start.printed == "done\n"


def test_it_tells_which_command_is_not_found(start: Started) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        start(["no-such-command"])
    assert caught.value.filename == "no-such-command"


def test_it_tells_which_directory_is_missing(start: Started) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        start("true", cwd="/no/such/directory")
    assert caught.value.filename == "/no/such/directory"


def test_it_tells_that_a_command_may_not_be_executed(start: Started, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no program")
    with pytest.raises(PermissionError):
        start([str(tmp_path / "data")])


def test_it_refuses_what_no_environment_can_hold(start: Started) -> None:
    with pytest.raises(ValueError, match="NUL"):
        start("true", WORD="a\0b")
    with pytest.raises(ValueError, match="cannot be the name"):
        Child.start("true", env={"A=B": "c"}, cwd=None, on_output=print)


def test_it_says_so_when_the_supervisor_does_not_start(
    start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "__file__", "/no/such/script.py")
    with pytest.raises(ChildProcessError):
        start("true")


def test_it_leaves_no_descriptors_behind(start: Started) -> None:
    start("true").wait()
    before = os.listdir("/proc/self/fd")
    start("true", payload=b"").wait()
    with pytest.raises(FileNotFoundError):
        start(["no-such-command"])
    assert os.listdir("/proc/self/fd") == before


def test_it_exchanges_payload_and_outcome(start: Started) -> None:
    reply = "import os, sys; a, b, c = map(int, sys.argv[1:]); os.write(b, open(a, 'rb').read()[::-1])"
    child = start([sys.executable, "-c", reply], payload=b"desserts" * 10_000)
    assert child.wait() == 0
    assert child.outcome == b"stressed" * 10_000


def test_it_does_not_mind_an_unread_payload(start: Started) -> None:
    child = start(["true"], payload=b"x" * 1_000_000)
    assert (child.wait(), child.outcome) == (0, None)


def test_it_keeps_no_more_of_an_outcome_than_the_limit(start: Started) -> None:
    flood = f"import os, sys; os.write(int(sys.argv[2]), b'x' * {OUTCOME_LIMIT + 500_000})"
    child = start([sys.executable, "-c", flood], payload=b"")
    child.wait()
    assert len(child.outcome or b"") == OUTCOME_LIMIT


def told_by(script: str) -> list[str]:
    heard: list[str] = []
    argv = [sys.executable, "-c", f"import os, sys; n = int(sys.argv[3]); {script}"]
    child = Child.start(argv, env=os.environ, cwd=None, on_output=print, payload=b"", on_news=heard.append)
    assert child.wait() == 0
    return heard


def test_it_hears_the_newest_of_a_childs_news() -> None:
    assert told_by("os.write(n, b'[1]\\n[2]\\n[3]\\n')") == ["[3]"]


def test_it_waits_for_the_end_of_a_line_of_news() -> None:
    assert told_by("import time; os.write(n, b'[1'); time.sleep(0.05); os.write(n, b'2]\\n[3')") == ["[12]"]


def test_it_keeps_reading_news_that_cannot_be_taken(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(_line: str) -> None:
        raise ValueError

    flood = "import os, sys; os.write(int(sys.argv[3]), b'[1]\\n' * 100_000)"
    argv = [sys.executable, "-c", flood]
    child = Child.start(argv, env=os.environ, cwd=None, on_output=print, payload=b"", on_news=refuse)
    assert child.wait() == 0
    assert caplog.text.count("could not be handed on") == 1


def test_it_drops_output_that_cannot_be_handed_on(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(text: str) -> None:
        raise OSError("the disk is full")

    command = "echo one; sleep 0.05; echo two"
    assert Child.start(command, env=os.environ, cwd=None, on_output=refuse).wait() == 0
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_it_does_not_wait_long_for_output_to_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.1)
    taken = threading.Event()

    def take(_text: str) -> None:
        taken.wait(10)

    child = Child.start("echo x", env=os.environ, cwd=None, on_output=take)
    assert child.wait() == 0
    taken.set()
    child._pump.finish(5)


def test_it_keeps_the_lifeline_from_another_child(start: Started) -> None:
    first = start("sleep 100")
    start("for fd in /proc/$$/fd/*; do readlink $fd; done | grep -c socket").wait()
    assert start.printed == "0\n"
    assert not first._lifeline.get_inheritable()
    first.stop(1)


def test_it_stops_a_command(start: Started) -> None:
    child = start("sleep 100")
    begun = time.monotonic()
    child.stop(5)
    assert time.monotonic() - begun < 4
    assert (child.wait(), is_gone(child.pid)) == (-signal.SIGTERM, True)


def test_what_a_look_raises_ends_the_wait(start: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOOK", 0.01)
    child = start("sleep 100")

    def look() -> None:
        raise Interrupt("timeout")

    with pytest.raises(Interrupt):
        child.wait(look)
    child.stop(1)


def test_it_lets_a_command_tidy_up(start: Started) -> None:
    child = start("trap 'sleep 0.05; echo tidy; exit 9' TERM; echo ready; while :; do sleep 0.01; done")
    assert eventually(lambda: "ready" in start.printed)
    child.stop(5)
    assert (child.wait(), start.printed.splitlines()[-1]) == (9, "tidy")


def test_it_kills_a_stubborn_command(start: Started) -> None:
    child = start("trap '' TERM; echo ready; while :; do sleep 0.01; done")
    assert eventually(lambda: "ready" in start.printed)
    begun = time.monotonic()
    child.stop(0.1)
    assert 0.1 <= time.monotonic() - begun < 4
    assert child.wait() == -signal.SIGKILL


def test_it_gives_those_in_the_background_the_same_grace(start: Started) -> None:
    child = start("(trap 'sleep 0.1; echo tidy; exit' TERM; echo ready; while :; do sleep 0.01; done) & wait")
    assert eventually(lambda: "ready" in start.printed)
    child.stop(5)
    assert start.printed.splitlines()[-1] == "tidy"


def test_it_stops_groups_within_the_session(start: Started) -> None:
    child = start("timeout 100 sh -c 'echo $$; sleep 101' & wait")
    assert eventually(lambda: bool(numbers(start.printed)))
    child.stop(5)
    assert is_gone(numbers(start.printed)[0])


def test_it_stops_what_is_suspended(start: Started) -> None:
    child = start("echo ready; kill -STOP $$")
    assert eventually(lambda: "ready" in start.printed)
    child.stop(5)
    assert child.wait() == -signal.SIGTERM


def test_it_may_be_stopped_again_and_after_its_end(start: Started) -> None:
    child = start("exit 2")
    assert child.wait() == 2
    child.stop()
    child.stop()
    assert child.wait() == 2


def test_it_kills_what_the_command_left_behind(start: Started) -> None:
    assert start("sleep 100 & nohup sleep 101 & echo $!").wait() == 0
    assert all(map(is_gone, numbers(start.printed)))


def test_it_does_not_wait_long_for_one_that_went_its_own_way(
    start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.3)
    assert start("setsid sh -c 'echo $$; exec sleep 5' & sleep 0.2").wait() == 0
    (escaped,) = numbers(start.printed)
    assert not is_gone(escaped)
    os.kill(escaped, signal.SIGKILL)


def test_it_lets_an_interrupt_through(start: Started, alarm: Callable[..., None]) -> None:
    child = start("sleep 100")
    alarm(0.05)
    with pytest.raises(Interrupt):
        child.wait()
    child.stop(5)
    assert is_gone(child.pid)


def test_it_stops_to_the_end_though_interrupted(start: Started, alarm: Callable[..., None]) -> None:
    child = start("trap '' TERM; echo ready; while :; do sleep 0.01; done")
    assert eventually(lambda: "ready" in start.printed)
    begun = time.monotonic()
    alarm(0.05)
    with pytest.raises(Interrupt):
        child.stop(0.3)
    assert time.monotonic() - begun >= 0.3
    assert is_gone(child.pid)


def test_it_gives_no_more_grace_after_a_keyboard_interrupt(
    start: Started, alarm: Callable[..., None]
) -> None:
    child = start("trap '' TERM; echo ready; while :; do sleep 0.01; done")
    assert eventually(lambda: "ready" in start.printed)
    begun = time.monotonic()
    alarm(0.05, raise_keyboard_interrupt)
    with pytest.raises(KeyboardInterrupt):
        child.stop(30)
    assert time.monotonic() - begun < 10
    assert is_gone(child.pid)


def test_it_does_not_hide_its_own_errors(start: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    child = start("sleep 100")
    with monkeypatch.context() as patched:
        patched.setattr(child, "_finish", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            child.stop(0)


def test_it_notices_that_the_supervisor_was_killed(start: Started) -> None:
    child = start("sleep 100 & echo $! $$; wait")
    assert eventually(lambda: len(numbers(start.printed)) == 2)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    assert eventually(lambda: all(map(is_gone, numbers(start.printed))))


def test_it_notices_so_even_if_a_fork_holds_the_other_end(
    start: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOOK", 0.05)
    held: list[socket.socket] = []
    supervise = processes._supervise

    def hold(lifeline: int, output: int, kept: list[int]) -> subprocess.Popen[bytes]:
        held.append(socket.socket(fileno=os.dup(lifeline)))
        return supervise(lifeline, output, kept)

    monkeypatch.setattr(processes, "_supervise", hold)
    child = start("sleep 100")
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    held[0].close()


def test_it_replaces_a_supervisor_that_hangs(start: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.2)
    child = start("echo $$; exec sleep 100")
    assert eventually(lambda: bool(numbers(start.printed)))
    os.kill(child.pid, signal.SIGSTOP)
    child.stop(0)
    assert is_gone(child.pid)
    assert eventually(lambda: is_gone(numbers(start.printed)[0]))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_daemon(number: signal.Signals) -> None:
    command = "trap '' TERM; sleep 100 & timeout 99 sleep 98 & echo $! $$; wait"
    argv = [sys.executable, "-c", DAEMON, command]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        pids = numbers(daemon.stdout.readline() + daemon.stdout.readline())
        assert len(pids) == 3
        assert not any(map(is_gone, pids))
        daemon.send_signal(number)
        daemon.wait()
        assert eventually(lambda: all(map(is_gone, pids)))


def test_it_ends_its_child_when_it_is_forgotten() -> None:
    child = Child.start("sleep 100", env=os.environ, cwd=None, on_output=print)
    child._lifeline.close()
    assert eventually(lambda: is_gone(child.pid))
    child._leader.wait()
    child._pump.finish(5)


def test_it_knows_a_living_process() -> None:
    assert alive(os.getpid(), process_start_time())
    assert process_start_time() == process_start_time(os.getpid())


def test_it_is_not_deceived_by_a_recycled_pid() -> None:
    assert not alive(os.getpid(), process_start_time() - 60)


def test_it_takes_no_zombie_for_a_living_process() -> None:
    process = subprocess.Popen(["true"])
    started = process_start_time(process.pid)
    assert eventually(lambda: not alive(process.pid, started))
    process.wait()
    with pytest.raises(ProcessLookupError):
        process_start_time(process.pid)


@pytest.mark.parametrize("pid", [0, -1, 4_194_305])
def test_it_knows_no_impossible_process(pid: int) -> None:
    assert not alive(pid, 0.0)


@pytest.mark.parametrize(("error", "expected"), [(None, True), (PermissionError, True)])
def test_it_takes_a_hidden_process_for_living(
    monkeypatch: pytest.MonkeyPatch, error: type[OSError] | None, expected: bool
) -> None:
    def kill(_pid: int, _number: int) -> None:
        if error:
            raise error

    monkeypatch.setattr(identity, "_look", lambda _pid: None)
    monkeypatch.setattr(os, "kill", kill)
    assert alive(12345, 0.0) is expected


def test_it_looks_at_processes_by_psutil_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert process_start_time() == psutil.Process().create_time()
    assert not alive(4_194_305, 0.0)


def test_it_knows_the_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    assert boot_id() == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    monkeypatch.setattr(identity, "BOOT_ID", Path("/no/such/file"))
    assert boot_id() == f"boot-{psutil.boot_time():.0f}"


def test_it_kills_a_group_that_somebody_else_left(start: Started) -> None:
    child = start("sleep 100 & timeout 99 sleep 98 & echo $! $$; wait")
    assert eventually(lambda: len(numbers(start.printed)) == 2)
    assert kill_group(child.pid, child.start_time)
    assert all(map(is_gone, [child.pid, *numbers(start.printed)]))
    assert child.wait() == -signal.SIGKILL


def test_it_kills_no_group_of_a_recycled_pid(start: Started) -> None:
    child = start("sleep 100")
    assert not kill_group(child.pid, child.start_time - 60)
    assert alive(child.pid, child.start_time)


def test_it_kills_nothing_for_a_process_that_is_gone(start: Started) -> None:
    child = start("true")
    child.wait()
    assert not kill_group(child.pid, child.start_time)


def test_it_kills_neither_its_own_group_nor_one_of_another_leader(start: Started) -> None:
    assert not kill_group(os.getpgrp(), process_start_time(os.getpgrp()))
    start("echo $$; exec sleep 100")
    assert eventually(lambda: bool(numbers(start.printed)))
    (member,) = numbers(start.printed)
    assert not kill_group(member, process_start_time(member))
    assert not is_gone(member)


def test_it_cannot_tell_the_group_of_a_process_that_is_gone() -> None:
    assert identity.group_of(4_194_305) == -1


def test_it_kills_nothing_that_is_not_ours_to_kill(start: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(_pid: int, _number: int) -> None:
        raise PermissionError

    child = start("sleep 100")
    with monkeypatch.context() as patched:
        patched.setattr(os, "killpg", forbid)
        assert not kill_group(child.pid, child.start_time)
