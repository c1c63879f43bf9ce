"""Child processes: started under a supervisor, waited for, and stopped with all that they started."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Self

from scheduled.running import supervisor
from scheduled.running.identity import (
    alive,
    boot_id,
    kill_group,
    process_start_time,
    session,
    signal_session,
)
from scheduled.running.interrupts import Interrupt
from scheduled.running.pump import Pump

__all__ = ["Child", "alive", "boot_id", "kill_group", "process_start_time"]

LOOK = 1.0
"""How often a waiting parent looks up, in seconds: as another thread may have received a signal."""
LOOK_ON_A_THREAD = 0.1
"""How often it does where no signal ever comes: on a thread other than the main one."""
PATIENCE = 2.0
"""How long to wait for what should happen at once, in seconds: the supervisor's end, the last output."""


class Child:
    """A command in a session of its own, led by its supervisor.

    Whatever becomes of this object (an exception at any point, the death of the daemon), the end of this side
    of the lifeline is the end of all processes of the session.
    """

    def __init__(self, lifeline: socket.socket, leader: subprocess.Popen[bytes], pump: Pump) -> None:
        self.pid = leader.pid
        self.start_time = process_start_time(leader.pid)
        self._lifeline = lifeline
        self._leader = leader
        self._pump = pump
        self._told = b""
        self._news: list[str] = []
        self._code: int | None = None
        self._gone = False  # the supervisor has ended
        self._terminated = False
        self._finished = False

    @classmethod
    def start(
        cls,
        argv: Sequence[str] | str,
        *,
        env: Mapping[str, str],
        cwd: str | None,
        on_output: Callable[[str], None],
        payload: bytes | None = None,
        on_news: Callable[[str], None] = lambda line: None,
    ) -> Self:
        """Returns when the command runs. `argv` as a str is for the shell; output comes on a side thread.

        With a `payload`, three numbers of descriptors are added to `argv`: of the one that the child reads
        its payload from, to its end, of the one that it writes its outcome to, and of the one on which it
        tells, line by line, how far it has come: `on_news` hears the newest line, on the side thread.

        Raises:
            OSError: the command cannot be found or executed, or `cwd` entered (`filename` tells which).
            ValueError: the system cannot take a text (it holds a NUL, say).
        """
        parts = ["/bin/sh", "-c", argv] if isinstance(argv, str) else list(argv)
        with ExitStack() as theirs, ExitStack() as ours:
            lifeline, far = socket.socketpair()
            ours.enter_context(lifeline)
            theirs.enter_context(far)
            output, written = os.pipe()
            theirs.callback(os.close, written)
            pump = Pump(output, on_output, on_news)
            ours.callback(pump.finish, 0)
            kept: Sequence[int] = ()
            if payload is not None:
                kept = pump.exchange(payload)
                for end in kept:
                    theirs.callback(os.close, end)
            spec = _packed(parts + [str(fd) for fd in kept], env, cwd)
            leader = _supervise(far.fileno(), written, kept)
            child = cls(lifeline, leader, pump)
            pump.start()
            ours.pop_all()
        try:
            child._begin(spec, parts[0], cwd)
        except BaseException:
            child.stop(0)
            raise
        return child

    def _begin(self, spec: bytes, name: str, cwd: str | None) -> None:
        with suppress(ConnectionError):
            self._lifeline.sendall(spec)
        while not self._news and not self._gone:
            self._listen(LOOK)
        word, *failure = self._news[0].split() if self._news else ("gone",)
        if word == "failed":
            step, number = failure
            raise OSError(int(number), os.strerror(int(number)), name if step == "exec" else cwd)
        if word == "gone":
            raise ChildProcessError("the supervisor of the command ended before the command began")

    @property
    def outcome(self) -> bytes | None:
        """What the child wrote on its outcome's descriptor, up to 1 MiB; None if nothing."""
        return bytes(self._pump.outcome) or None

    def wait(self, look: Callable[[], object] = lambda: None) -> int:
        """Block until the command has ended, all that it left behind is killed and its output handed on.

        Returns its exit code, or a negative one for the signal that killed it. `look` is called now and then.
        What it raises, and an exception from a signal's handler, passes through at once; `stop` is then
        still to be called.
        """
        main = threading.current_thread() is threading.main_thread()
        while self._code is None and not self._gone:
            self._listen(LOOK if main else LOOK_ON_A_THREAD)
            look()
        self._finish()
        return -signal.SIGKILL if self._code is None else self._code

    def stop(self, grace: float = 5.0) -> None:
        """TERM to all of the session, and after at most `grace` seconds KILL; returns when nobody is left.

        On the main thread; at any time, again and again. An Interrupt that comes meanwhile is raised in the
        end; any other exception from a signal's handler, too, but it ends the grace.
        """
        deadline = time.monotonic() + grace
        raised: BaseException | None = None
        while not self._finished:
            try:
                self._terminate(deadline)
                self._finish()
            except Interrupt as interrupt:
                raised = raised or interrupt
            except Exception:
                raise
            except BaseException as error:
                raised, deadline = error, 0.0
        if raised is not None:
            raise raised

    def _terminate(self, deadline: float) -> None:
        if not self._terminated and deadline > time.monotonic() and alive(self.pid, self.start_time):
            signal_session(self.pid, signal.SIGTERM)
            signal_session(self.pid, signal.SIGCONT)
            self._terminated = True
        while time.monotonic() < deadline and not self._gone and session(self.pid):
            self._listen(0.02)

    def _finish(self) -> None:
        """Let the supervisor kill what is left and end; where it cannot, do it ourselves."""
        if self._finished:
            return
        murdered = self._gone
        with suppress(OSError):
            self._lifeline.shutdown(socket.SHUT_WR)
        patience = time.monotonic() + PATIENCE
        while not self._gone and time.monotonic() < patience:
            self._listen(PATIENCE)
        if murdered or not self._gone:
            kill_group(self.pid, self.start_time)
        with suppress(subprocess.TimeoutExpired):
            self._leader.wait(PATIENCE)
        self._pump.finish(PATIENCE)
        self._lifeline.close()
        self._finished = True

    def _listen(self, patience: float) -> None:
        """Hear what the supervisor has to tell, for at most `patience` seconds."""
        self._lifeline.settimeout(patience)
        try:
            heard = self._lifeline.recv(4096)
        except TimeoutError:
            self._gone = not alive(self.pid, self.start_time)
            return
        except ConnectionError:
            heard = b""
        self._gone = not heard
        *lines, self._told = (self._told + heard).split(b"\n")
        for line in lines:
            self._news.append(line.decode())
            word, *rest = self._news[-1].split()
            if word == "ended":
                self._code = int(rest[0])


def _supervise(lifeline: int, output: int, kept: Sequence[int]) -> subprocess.Popen[bytes]:
    script = [sys.executable, "-I", "-S", supervisor.__file__, str(lifeline), str(os.getpid())]
    return subprocess.Popen(
        script,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=(lifeline, *kept),
        start_new_session=True,
    )


def _packed(argv: Sequence[str], env: Mapping[str, str], cwd: str | None) -> bytes:
    if wrong := [name for name in env if not name or "=" in name]:
        raise ValueError(f"{wrong[0]!r} cannot be the name of an environment variable")
    pairs = [os.fsencode(f"{name}={value}") for name, value in env.items()]
    return supervisor.Spec(os.fsencode(cwd or ""), [os.fsencode(part) for part in argv], pairs).packed()
