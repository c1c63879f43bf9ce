"""Puts the process back as it was before job code ran."""

# What lies below `signal`, which makes an enum of every answer: thirty of those cost more than all the rest.
# And below `locale`, whose own question is twice as dear.
import _locale
import _signal  # type: ignore[import-not-found]
import gc
import locale
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from threading import get_ident, main_thread
from types import TracebackType
from typing import Any

SIGNALS = sorted(
    {int(number) for number in signal.valid_signals() if number < 32} - {signal.SIGKILL, signal.SIGSTOP}
)
SIG_BLOCK = int(signal.SIG_BLOCK)
TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
JOBS = logging.getLogger("scheduled.job")
# os.environ is a view that encodes and decodes at each access; copied and compared is what lies below it.
ENVIRON = os.environb
VARIABLES: dict[bytes, bytes] = vars(ENVIRON)["_data"]
Knobs = tuple[tuple[Callable[[], Any], Callable[[Any], object]], ...]
KNOBS_OF_THREAD: Knobs = (
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
)
KNOBS: Knobs = (
    *KNOBS_OF_THREAD,
    (sys.getrecursionlimit, sys.setrecursionlimit),
    (sys.getswitchinterval, sys.setswitchinterval),
    (socket.getdefaulttimeout, socket.setdefaulttimeout),
    (gc.isenabled, lambda enabled: gc.enable() if enabled else gc.disable()),
    (partial(_locale.setlocale, locale.LC_ALL), partial(locale.setlocale, locale.LC_ALL)),
    (lambda: logging.root.manager.disable, logging.disable),
)


def same_process(pid: int, status: int = 0) -> None:
    """Leave at once, with `status`, if this is not the process `pid` but a child that job code forked."""
    if os.getpid() != pid:
        os._exit(status)


def restored() -> "Restored":
    """After the block, signal handlers, working directory and the like are as before it.

    On the main thread, that is. On another one the process is an application's, whose other threads go on
    changing it as they like: put back is what is the thread's own, and the working directory.
    """
    return Restored() if get_ident() == main_thread().ident else RestoredOnThread()


class Restored:
    """The context manager of `restored`. What could not be put back is told in `problems`.

    Entered again, it goes by what it saw the first time: to look takes a third of the whole.
    """

    KNOBS = KNOBS

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._finished = False
        self._pid = 0

    def __enter__(self) -> "Restored":
        self.problems = []
        self._finished = False
        if not self._pid:
            self._pid = os.getpid()
            self._look()
            self._mask = _signal.pthread_sigmask(SIG_BLOCK, ())
            self._directory = _directory()
            self._knobs = self._turned()
        return self

    def _turned(self) -> list[Any]:
        """How each of the knobs is turned now."""
        return [get() for get, _ in self.KNOBS]

    def _look(self) -> None:
        """See what the whole process has in common."""
        self._idle = [timer for timer in TIMERS if _signal.getitimer(timer)[0] == 0]
        self._handlers = list(map(_signal.getsignal, SIGNALS))
        self._wakeup = _signal.set_wakeup_fd(-1)
        if self._wakeup != -1:
            _signal.set_wakeup_fd(self._wakeup)
        self._environ = os.environ
        self._variables = VARIABLES.copy()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._streams = sys.stdin, sys.stdout, sys.stderr
        self._argv = sys.argv
        self._arguments = sys.argv[:]
        self._muted = JOBS.disabled

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.finish(error)

    def finish(self, error: BaseException | None = None) -> None:
        """What leaving the block does, if it has not been done.

        A signal handler of the job's may raise at the very moment when the block is left, before anything is
        put back: whoever wants to be sure calls this once more, outside of the block.
        """
        if self._finished:
            return
        for step in self._steps():
            try:
                step(self)
            except BaseException:  # that handler again; by now it has been replaced
                self._again(step)
        self._finished = True
        same_process(self._pid, status=_status(error))

    def _steps(self) -> tuple[Callable[["Restored"], None], ...]:
        return _STEPS

    def _again(self, step: Callable[["Restored"], None]) -> None:
        try:
            step(self)
        except Exception as error:
            self.problems.append(
                f"{step.__name__.strip('_').replace('_', ' ')}: {type(error).__name__}: {error}"
            )

    def _signals(self) -> None:
        for timer in self._idle:  # first, as the default of some handlers is to end the process
            _signal.setitimer(timer, 0)
        now = list(map(_signal.getsignal, SIGNALS))
        if now != self._handlers:
            for number, before, after in zip(SIGNALS, self._handlers, now, strict=True):
                if before is not after and before is not None:
                    _signal.signal(number, before)
        # Signals would be written into whatever has the number of a file descriptor that was left here.
        _signal.set_wakeup_fd(-1)
        if self._wakeup != -1:
            _signal.set_wakeup_fd(self._wakeup)

    def _signal_mask(self) -> None:
        if _signal.pthread_sigmask(SIG_BLOCK, ()) != self._mask:
            _signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def _standard_files(self) -> None:
        for number in (0, 1, 2):
            try:
                os.get_inheritable(number)
            except OSError:
                _open_null(number)

    def _sys_attributes(self) -> None:
        sys.stdin, sys.stdout, sys.stderr = self._streams
        sys.argv = self._argv
        if sys.argv != self._arguments:
            sys.argv[:] = self._arguments

    def _working_directory(self) -> None:
        if self._directory is not None and _directory() != self._directory:
            os.chdir(self._directory)

    def _environment(self) -> None:
        os.environ = self._environ  # noqa: B003 - the same object again; what is in it comes next
        if self._variables != VARIABLES:
            zone = VARIABLES.get(b"TZ")
            for name in VARIABLES.keys() - self._variables.keys():
                del ENVIRON[name]
            for name, value in self._variables.items():
                if VARIABLES.get(name) != value:
                    ENVIRON[name] = value
            if zone != VARIABLES.get(b"TZ"):
                time.tzset()

    def _file_mode(self) -> None:
        os.umask(self._umask)

    def _settings(self) -> None:
        now = self._turned()
        if now != self._knobs:
            for (_, put), before, after in zip(self.KNOBS, self._knobs, now, strict=True):
                if after != before:
                    put(before)

    def _loggers_of_jobs(self) -> None:
        # fileConfig and dictConfig in a job disable every logger that they do not name.
        if JOBS.disabled and not self._muted:
            for name, logger in logging.root.manager.loggerDict.items():
                if isinstance(logger, logging.Logger) and name.startswith("scheduled"):
                    logger.disabled = False


_STEPS = (
    Restored._signals,
    Restored._signal_mask,
    Restored._standard_files,
    Restored._sys_attributes,
    Restored._working_directory,
    Restored._environment,
    Restored._file_mode,
    Restored._settings,
    Restored._loggers_of_jobs,
)
_STEPS_ON_THREAD = (
    Restored._signal_mask,
    Restored._standard_files,
    Restored._working_directory,
    Restored._settings,
)


class RestoredOnThread(Restored):
    """The same for one thread among an application's."""

    KNOBS = KNOBS_OF_THREAD

    def _look(self) -> None:
        """Nothing: what the whole process has in common is left alone."""

    def _steps(self) -> tuple[Callable[[Restored], None], ...]:
        return _STEPS_ON_THREAD


class Untouched(Restored):
    """The same around code that is known to change nothing."""

    def __enter__(self) -> Restored:
        self.problems = []
        return self

    def finish(self, error: BaseException | None = None) -> None:
        """There is nothing to put back."""


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


def _open_null(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    if null == number:
        os.set_inheritable(number, True)
    else:
        os.dup2(null, number)
        os.close(null)


def _status(error: BaseException | None) -> int:
    """The exit status that Python would give an exception."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return int(error is not None)
