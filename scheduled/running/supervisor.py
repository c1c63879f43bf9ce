"""Stands between the daemon and one command: leads the command's session, and ends it when the daemon dies.

Started as a script (`python -I -S supervisor.py <lifeline> <daemon's pid>`), and imports next to nothing,
because every run of a command pays for it. The lifeline is one end of a socket pair, whose other end only the
daemon holds. The daemon sends down what to run; the supervisor tells what becomes of it ("failed chdir 2",
"started", "ended 0", "ended -9"). When the lifeline ends, because the daemon is done with the run or is dead,
everything that is left of the session is killed. Descriptors that it inherited are the command's.
"""

import os
import select
import sys
import time

TYPE_CHECKING = False  # as typing has it, without its 6 ms
if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable
    from typing import NoReturn
else:
    import _signal as signal  # what `signal` wraps in enums, without their 3 ms

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
HEADER = 8
"""The length of the header of what to run: its own length, in hexadecimal digits."""


class Spec:
    """What to run: where, with which arguments, in which environment. All bytes, as the system has them."""

    def __init__(self, cwd: bytes, argv: list[bytes], env: "Iterable[bytes]") -> None:
        self.cwd = cwd
        self.argv = argv
        self.env = list(env)

    def packed(self) -> bytes:
        """Raises ValueError where a part holds a NUL, which no command could be given either."""
        parts = [self.cwd, b"%d" % len(self.argv), *self.argv, *self.env]
        if any(b"\0" in part for part in parts):
            raise ValueError("a command, its environment and its directory cannot hold NUL characters")
        body = b"\0".join(parts)
        return b"%0*x" % (HEADER, len(body)) + body

    @classmethod
    def unpacked(cls, body: bytes) -> "Spec":
        cwd, count, *rest = body.split(b"\0")
        return cls(cwd, rest[: int(count)], rest[int(count) :])


def receive(lifeline: int) -> Spec | None:
    """What the daemon wants to be run; None if it went away before it said so."""
    length = _read_exactly(lifeline, HEADER)
    body = _read_exactly(lifeline, int(length, 16)) if length else None
    return Spec.unpacked(body) if body else None


def _read_exactly(fd: int, length: int) -> bytes | None:
    found = b""
    while len(found) < length:
        more = os.read(fd, length - len(found))
        if not more:
            return None
        found += more
    return found


def ignore_signals() -> None:
    """Signals to the group are for the command: those that can be ignored pass the supervisor by."""
    for number in signal.valid_signals() - {signal.SIGCHLD}:
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            continue


def default_signals() -> None:
    """A command begins with all signals as the system has them, and none blocked."""
    for number in signal.valid_signals():
        try:
            signal.signal(number, signal.SIG_DFL)
        except (OSError, ValueError):
            continue
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def prctl(option: int, value: int) -> None:
    """Linux only; elsewhere, and where it is not allowed, the lifeline alone must do."""
    if sys.platform.startswith("linux"):
        import ctypes

        arguments = [ctypes.c_ulong(number) for number in (value, 0, 0, 0)]
        ctypes.CDLL(None).prctl(option, *arguments)


def launch(spec: Spec) -> tuple[int, str]:
    """Start the command. Gives its pid and an empty text, or the step that failed and its error number."""
    problem, told = os.pipe()
    supervisor = os.getpid()
    pid = os.fork()
    if not pid:
        _become(spec, told, supervisor)
    os.close(told)
    try:
        failure = os.read(problem, 100).decode()
    finally:
        os.close(problem)
    return pid, failure


def _become(spec: Spec, told: int, supervisor: int) -> "NoReturn":
    """In the forked child: turn into the command, or tell why not."""
    step = "chdir"
    try:
        default_signals()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        if spec.cwd:
            os.chdir(spec.cwd)
        step = "exec"
        os.execvpe(spec.argv[0], spec.argv, dict(pair.split(b"=", 1) for pair in spec.env))  # noqa: S606
    except OSError as error:
        os.write(told, b"%s %d" % (step.encode(), error.errno or 0))
    finally:
        os._exit(127)


def others() -> list[int] | None:
    """The pids of all others in this session, zombies included; None where there is no /proc to ask."""
    me = os.getpid()
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return None
    return [pid for pid in pids if pid != me and _session_of(pid) == me]


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


class Supervisor:
    """Watches the lifeline and the command, until there is neither."""

    def __init__(self, lifeline: int, daemon: int) -> None:
        self.lifeline = lifeline
        self.daemon = daemon
        self.command = -1
        self.code = 1

    def run(self) -> int:
        """1. Learn what to run. 2. Run it. 3. Wait for the end of the lifeline. 4. Kill what is left."""
        os.set_inheritable(self.lifeline, False)
        ignore_signals()
        woken = self._wake_on_signals()
        spec = receive(self.lifeline)
        if spec is None:
            return self.code
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.command, failure = launch(spec)
        self.tell(f"failed {failure}" if failure else "started")
        if failure:
            os.waitpid(self.command, 0)
            return 127
        self._watch(woken)
        self.sweep()
        return self.code

    def _wake_on_signals(self) -> int:
        """A descriptor that can be read when a child has ended, or (SIGHUP, Linux) the daemon."""
        woken, waker = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGHUP):
            signal.signal(number, lambda _number, _frame: None)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        prctl(PR_SET_PDEATHSIG, signal.SIGHUP)
        return woken

    def _watch(self, woken: int) -> None:
        """Reap until the lifeline ends, or the daemon does (a fork of it may hold the lifeline open)."""
        poll = select.poll()
        poll.register(self.lifeline, select.POLLIN)
        poll.register(woken, select.POLLIN)
        while os.getppid() == self.daemon:
            ready = [fd for fd, _event in poll.poll()]
            if woken in ready:
                os.read(woken, 4096)
                self.reap()
            if self.lifeline in ready:
                return

    def reap(self) -> None:
        """Bury every child that has ended, and tell of the command's end."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid == self.command:
                self.code = os.waitstatus_to_exitcode(status)
                self.tell(f"ended {self.code}")

    def tell(self, line: str) -> None:
        try:
            os.write(self.lifeline, line.encode() + b"\n")
        except OSError:
            return

    def sweep(self) -> None:
        """Kill whatever is left of the session: one by one where that can be seen, else with ourselves."""
        for _ in range(100):
            left = others()
            if left is None:
                break
            if not left:
                return
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue
            time.sleep(0.002)
            self.reap()
        os.killpg(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Exit as the command did: with its code, or 128 and the number of the signal that ended it."""
    lifeline, daemon = int(arguments[0]), int(arguments[1])
    code = Supervisor(lifeline, daemon).run()
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
