"""Tells processes apart over time: by pid, start time and boot, so that a recycled pid deceives nobody."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PATIENCE = 2.0
"""How long to wait for the killed to be gone, in seconds."""
TOLERANCE = 1.0
"""By how much a start time may differ, which went through a database. Pids are not reused that fast."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
DEAD = ("Z", "X", "x", "zombie", "dead")
"""As Linux spells it, and as psutil does."""


def alive(pid: int, start_time: float) -> bool:
    """Whether this very process is still there. A zombie is not; one that cannot be looked at is."""
    if pid <= 0:
        return False
    found = _look(pid)
    if found is None:
        return _exists(pid)
    state, started = found
    return state not in DEAD and abs(started - start_time) <= TOLERANCE


def process_start_time(pid: int | None = None) -> float:
    """When a process (by default this one) started: a number to hand to `alive`, good until the next boot.

    On Linux seconds since boot, because what psutil gives there moves when somebody sets the clock.

    Raises:
        ProcessLookupError: there is no such process.
    """
    found = _look(os.getpid() if pid is None else pid)
    if found is None:
        raise ProcessLookupError(f"there is no process {pid}")
    return found[1]


def boot_id() -> str:
    """What differs after each boot of this host, and from host to host."""
    with suppress(OSError):
        return BOOT_ID.read_text(encoding="ascii").strip()
    import psutil  # half a megabyte that Linux can do without

    return f"boot-{psutil.boot_time():.0f}"


def kill_group(pid: int, start_time: float) -> bool:
    """Kill the session that this very process leads, and wait (for at most two seconds) until it is gone.

    Nothing is killed, and the answer is False, when the process is not there any more: a group that lost its
    leader cannot be told from one that got its number later. (A supervisor leaves nothing behind, and if it
    is killed itself, its command dies with it.)
    """
    found = _look(pid)
    if found is None or abs(found[1] - start_time) > TOLERANCE:
        return False
    if pid == os.getpgrp() or group_of(pid) not in (pid, -1):
        return False
    try:
        signal_session(pid, signal.SIGKILL)
    except PermissionError:
        return False
    patience = time.monotonic() + PATIENCE
    while (alive(pid, start_time) or session(pid)) and time.monotonic() < patience:
        time.sleep(0.005)
    return True


def signal_session(pid: int, number: int) -> None:
    """Send a signal to the group that `pid` leads and to the other groups of its session, if there are any.

    (A command may make groups of its own: `timeout` does, and shells with job control.)
    """
    for member in session(pid):
        if group_of(member) != pid:
            with suppress(ProcessLookupError):
                os.kill(member, number)
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def session(pid: int) -> list[int]:
    """The living processes of the session that `pid` leads, without the leader."""
    import psutil

    return [
        member for member in psutil.pids() if member != pid and _session_of(member) == pid and _lives(member)
    ]


def group_of(pid: int) -> int:
    """The process group of a process; -1 if that cannot be told."""
    try:
        return os.getpgid(pid)
    except OSError:
        return -1


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def _lives(pid: int) -> bool:
    found = _look(pid)
    return found is not None and found[0] not in DEAD


def _exists(pid: int) -> bool:
    """Whether a process is there, even one that is hidden from us."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _look(pid: int) -> tuple[str, float] | None:
    """A process's state and start time; None if there is none, or none that we may look at."""
    if not sys.platform.startswith("linux"):
        import psutil

        try:
            process = psutil.Process(pid)
            return process.status(), process.create_time()
        except (psutil.Error, ValueError):
            return None
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19]) / os.sysconf("SC_CLK_TCK")
