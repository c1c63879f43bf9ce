"""A reload: what is on disk is checked in a child first, as nothing may be lost by a mistake in it."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

CHECK_SECONDS = 120.0
"""Definitions that take longer to load are at fault: nothing else could be checked before they have."""


class Reloads:
    """Checks of the definitions, one at a time, however often they are asked for."""

    def __init__(self, check_options: Sequence[str], on_checked: Callable[[str | None], None]) -> None:
        """`check_options`: what `scheduled check` needs to be told, to check what a reload would load.

        `on_checked` is told the faults, None if there are none, on the thread of the check.
        """
        self._options = check_options
        self._on_checked = on_checked
        # Jobs may change both for a while; a reload is checked as the process was started.
        self._found = (dict(os.environ), os.getcwd())
        self._asked = False
        self._checking = threading.Lock()

    def ask(self) -> None:
        """Have them checked soon; who asks while they are checked has them checked once more.

        It waits for no lock: a signal handler calls it, which another signal may interrupt anywhere.
        """
        self._asked = True
        if not self._checking.locked():
            threading.Thread(target=self._check, daemon=True, name="reload").start()

    def _check(self) -> None:
        # What is asked after the last look finds the lock free, and so another thread looks.
        while self._asked and self._checking.acquire(blocking=False):
            try:
                self._asked = False
                faults = self._faults()
                if not self._asked:  # else it may be about what is there no more
                    self._on_checked(faults)
            finally:
                self._checking.release()

    def _faults(self) -> str | None:
        environment, folder = self._found
        try:
            checked = subprocess.run(
                [sys.executable, "-m", "scheduled", "check", *self._options],
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=CHECK_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return f"they did not load within {CHECK_SECONDS:g} s"
        except OSError as error:
            return f"they could not be checked: {error}"
        return None if checked.returncode == 0 else (checked.stdout + checked.stderr).strip()
