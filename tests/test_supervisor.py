"""The script between the daemon and a command, driven by hand: the socket pair is the daemon's side."""

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType

import pytest

from scheduled.running import supervisor
from scheduled.running.supervisor import Spec
from tests.patience import PATIENCE

AS_THE_DAEMON = ("-I", "-S", supervisor.__file__)


def eventually(question: Callable[[], bool], patience: float = 10.0) -> bool:
    deadline = time.monotonic() + patience
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return answer


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


class Supervised:
    """A supervisor, and what it tells."""

    def __init__(self, *script: str, daemon: int | None = None) -> None:
        self.lifeline, far = socket.socketpair()
        self.lifeline.settimeout(10)
        argv = [
            sys.executable,
            *(script or ("-m", "scheduled.running.supervisor")),
            str(far.fileno()),
            str(daemon or os.getpid()),
        ]
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=[far.fileno()],
            start_new_session=True,
        )
        far.close()
        self.lines = self.lifeline.makefile("r")

    def __enter__(self) -> "Supervised":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.lifeline.close()
        self.lines.close()
        if self.process.stdout:
            self.process.stdout.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()

    def send(self, *argv: str, cwd: str = "", **env: str) -> None:
        pairs = [f"{name}={value}".encode() for name, value in {"PATH": os.environ["PATH"], **env}.items()]
        self.lifeline.sendall(Spec(cwd.encode(), [part.encode() for part in argv], pairs).packed())

    def heard(self) -> str:
        return self.lines.readline().strip()

    def printed(self) -> str:
        """The next line of output; what there is of it if none comes within ten seconds."""
        assert self.process.stdout is not None
        line = b""
        while not line.endswith(b"\n") and select.select([self.process.stdout], [], [], 10)[0]:
            if not (byte := os.read(self.process.stdout.fileno(), 1)):
                break
            line += byte
        return line.decode().strip()

    def let_go(self) -> int:
        self.lifeline.shutdown(socket.SHUT_WR)
        return self.process.wait(PATIENCE)


@pytest.fixture
def supervised() -> Iterator[Supervised]:
    with Supervised() as made:
        yield made


def test_it_tells_of_the_start_and_the_end(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "exit 3")
    assert [supervised.heard(), supervised.heard()] == ["started", "ended 3"]


def test_it_exits_as_the_command_did(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "exit 3")
    assert [supervised.heard(), supervised.heard(), supervised.let_go()] == ["started", "ended 3", 3]


def test_it_tells_of_a_death_by_signal(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "kill -9 $$")
    assert [supervised.heard(), supervised.heard(), supervised.let_go()] == ["started", "ended -9", 128 + 9]


def test_it_tells_that_the_command_is_not_found(supervised: Supervised) -> None:
    supervised.send("no-such-command")
    assert supervised.heard() == f"failed exec {errno.ENOENT}"
    assert supervised.process.wait(PATIENCE) == 127


def test_it_tells_that_the_directory_is_missing(supervised: Supervised) -> None:
    supervised.send("true", cwd="/no/such/directory")
    assert supervised.heard() == f"failed chdir {errno.ENOENT}"


def test_it_runs_the_command_where_it_is_told(supervised: Supervised, tmp_path: Path) -> None:
    supervised.send("pwd", cwd=str(tmp_path))
    assert supervised.printed() == str(tmp_path)


def test_it_gives_the_command_its_environment_and_nothing_else() -> None:
    with Supervised(*AS_THE_DAEMON) as isolated:
        isolated.send("sh", "-c", "env -u PWD -u _ -u SHLVL; echo end", GREETING="two\nlines")
        lines = [isolated.printed() for _ in range(4)]
        assert sorted(lines) == sorted([f"PATH={os.environ['PATH']}", "GREETING=two", "lines", "end"])


def test_it_keeps_its_lifeline_from_the_command(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "for fd in /proc/$$/fd/*; do readlink $fd; done | grep -c socket")
    assert supervised.printed() == "0"


def test_it_starts_the_command_with_the_usual_signals(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "grep -E 'Sig(Ign|Blk)' /proc/self/status | sed 's/.*[[:space:]]//'")
    reserved_by_libc = 0b11 << 31  # 32 and 33: nobody can set them, and make leaves them ignored
    found = [int(supervised.printed(), 16) & ~reserved_by_libc for _ in range(2)]
    assert found == [0, 0]


def test_it_survives_what_is_sent_to_the_group(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "trap '' TERM; kill -HUP 0; kill -INT 0; kill 0; exit 4")
    assert supervised.heard() == "started"
    assert supervised.heard() == f"ended -{int(signal.SIGHUP)}"
    assert supervised.process.poll() is None


def test_it_kills_everything_when_the_lifeline_ends(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "sleep 100 & timeout 100 sleep 101 & echo $$ $!; wait")
    pids = [int(pid) for pid in supervised.printed().split()]
    supervised.lifeline.close()
    supervised.lines.close()
    assert supervised.process.wait(PATIENCE) == 128 + 9
    assert eventually(lambda: all(map(is_gone, pids)))


def test_it_kills_what_the_command_left_behind(supervised: Supervised) -> None:
    supervised.send("sh", "-c", "sleep 100 & echo $!")
    left = int(supervised.printed())
    assert [supervised.heard(), supervised.heard()] == ["started", "ended 0"]
    assert not is_gone(left)
    assert supervised.let_go() == 0
    assert is_gone(left)


def test_it_ends_when_the_daemon_goes_before_it_said_what_to_run(supervised: Supervised) -> None:
    supervised.lifeline.sendall(b"00000")
    assert supervised.let_go() == 1


def test_it_ends_with_its_parent_even_if_a_fork_holds_the_lifeline(tmp_path: Path) -> None:
    """That the daemon is not the parent (any more) is all that the supervisor can see of it here."""
    with Supervised(daemon=1) as orphan:
        orphan.send("sleep", "100")
        assert orphan.process.wait(PATIENCE) == 128 + 9


def test_it_starts_quickly() -> None:
    def once() -> float:
        begun = time.perf_counter()
        with Supervised(*AS_THE_DAEMON) as quick:
            quick.send("true")
            assert quick.heard() == "started"
            return time.perf_counter() - begun

    assert min(once() for _ in range(5)) < 0.1  # 10 ms on an idle machine


def test_it_packs_what_to_run() -> None:
    spec = Spec(b"/tmp", [b"a", b"", b"\xff\n"], [b"A=1", b"B="])
    unpacked = Spec.unpacked(spec.packed()[supervisor.HEADER :])
    assert (unpacked.cwd, unpacked.argv, unpacked.env) == (spec.cwd, spec.argv, spec.env)


def test_it_refuses_a_nul() -> None:
    with pytest.raises(ValueError, match="NUL"):
        Spec(b"", [b"a\0b"], []).packed()


def test_it_reads_what_to_run_in_pieces() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        packed = Spec(b"", [b"true"], [b"A=" + b"x" * 1000]).packed()
        ours.sendall(packed)
        received = supervisor.receive(theirs.fileno())
        assert received is not None
        assert received.argv == [b"true"]


def test_it_kills_itself_with_the_group_where_it_cannot_see_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(supervisor, "others", lambda: None)
    monkeypatch.setattr(os, "killpg", lambda pid, number: killed.append((pid, number)))
    supervisor.Supervisor(-1, 1).sweep()
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_it_sees_no_others_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_path: str) -> list[str]:
        raise FileNotFoundError

    monkeypatch.setattr(os, "listdir", missing)
    assert supervisor.others() is None


def test_it_does_not_mind_that_nobody_listens() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        ours.close()
        supervisor.Supervisor(theirs.fileno(), 1).tell("ended 0")
