"""A folder with a schedules.py and a database, and the real command in it."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
COMMAND = Path(sys.executable).with_name("scheduled")
PATIENCE_SECONDS = 30.0
TWO_O_CLOCK = datetime(2026, 1, 15, 2, 0, tzinfo=UTC)


class Place:
    """A working directory as a user has one. All settings are the defaults: the environment has none."""

    def __init__(self, folder: Path, definitions: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / "scheduled.db"
        (folder / "schedules.py").write_text(definitions, encoding="utf-8")
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("SCHEDULE")}
        self.env.pop("DATABASE_URL", None)

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.file, timeout=10)) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str) -> Any:
        return self.rows(query)[0][0]

    def execute(self, statement: str) -> None:
        """Change the database behind everybody's back."""
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute(statement)

    @contextmanager
    def daemon(self) -> Iterator[subprocess.Popen[bytes]]:
        """`scheduled run`, its log in a file; stopped at the end of the block."""
        with (self.folder / "daemon.log").open("ab") as log:
            argv = [str(COMMAND), "run"]
            process = subprocess.Popen(argv, cwd=self.folder, env=self.env, stderr=log, stdout=log)
        try:
            self.wait_for(lambda: "daemon.started" in self.log(), process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)

    def start_once(self) -> None:
        """Let a daemon create the database and store the definitions, so that the next start finds them."""
        with self.daemon():
            pass
        (self.folder / "daemon.log").unlink()

    def log(self) -> str:
        return (self.folder / "daemon.log").read_text(encoding="utf-8")

    def wait_for(self, condition: Callable[[], Any], process: subprocess.Popen[bytes] | None = None) -> Any:
        """What `condition` answers, once it is true. Raises RuntimeError if that takes too long."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until and (process is None or process.poll() is None):
            if value := condition():
                return value
            time.sleep(0.005)
        raise RuntimeError(f"waited in vain; the daemon's log:\n{self.log()}")


def module(name: str, *arguments: object) -> list[str]:
    """The argv of another part of the benchmarks as a process of its own."""
    return [sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)]


def instant(stored: str | datetime) -> datetime:
    """An instant as the database spells it."""
    moment = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return moment.replace(tzinfo=UTC)
