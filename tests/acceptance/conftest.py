"""Real processes: the command as a user starts it, in a folder of its own."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.patience import PATIENCE

DEFINITIONS = """
import os, time
from pathlib import Path
from scheduled import JobContext, Schedule, command, job

@job(group="quick")
def first() -> int:
    print("hello from first")
    return 1

@job(group="quick", depends_on=["first"])
def second(ctx: JobContext) -> dict:
    return {"first": ctx.results["first"]}

@job(group="slow")
def sleepy() -> None:
    Path("sleepy.pid").write_text(str(os.getpid()))
    time.sleep(60)
    Path("sleepy.done").write_text("yes")

@job(group="short")
def short() -> None:
    Path("short.started").write_text("yes")
    time.sleep(1)

nap = command("nap", "echo napping; sleep 60", group="napping")

schedules = [
    Schedule(id="quick", name="Quick", cron="every second", mode="GROUP", group="quick",
             enabled_by_default=True),
    Schedule(id="slow", name="Slow", cron="0 0 1 1 *", mode="GROUP", group="slow"),
    Schedule(id="again", name="Again", cron="0 0 1 1 *", mode="GROUP", group="slow", rerun_interrupted=True),
    Schedule(id="short", name="Short", cron="0 0 1 1 *", mode="GROUP", group="short"),
    Schedule(id="napping", name="Napping", cron="0 0 1 1 *", mode="GROUP", group="napping"),
]
"""


class Place:
    """A folder with a schedules.py, and the commands that are run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: list[subprocess.Popen[str]] = []
        self.prefix: tuple[str, ...] = ()
        """What a daemon's command line begins with."""
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("SCHEDULE")}
        self.env |= {"SCHEDULE_LOG_FORMAT": "json", "SCHEDULE_LOG_LEVEL": "DEBUG"}
        self.env.pop("DATABASE_URL", None)

    def define(self, text: str = DEFINITIONS) -> None:
        (self.folder / "schedules.py").write_text(text)

    def call(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "scheduled", *arguments]
        return subprocess.run(
            argv,
            cwd=self.folder,
            env=self.env | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def call_python(self, code: str) -> str:
        argv = [sys.executable, "-c", code]
        return subprocess.run(
            argv, cwd=self.folder, env=self.env, capture_output=True, text=True, check=True
        ).stdout

    def json(self, *arguments: str) -> Any:
        done = self.call(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str, **env: str) -> subprocess.Popen[str]:
        """Start a daemon, and wait until it says that it has started."""
        log = (self.folder / f"daemon-{len(self.daemons)}.log").open("w")
        with log:
            daemon = subprocess.Popen(
                [*self.prefix, sys.executable, "-m", "scheduled", "run", *arguments],
                cwd=self.folder,
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                text=True,
            )
        self.daemons.append(daemon)
        number = len(self.daemons) - 1
        self.wait_for(lambda: self.events("daemon.started", number) or daemon.poll() is not None)
        assert daemon.poll() is None, self.log(number)
        return daemon

    def log(self, number: int = -1) -> str:
        return (self.folder / f"daemon-{number % len(self.daemons)}.log").read_text()

    def events(self, name: str, number: int = -1) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log(number).splitlines() if line.startswith("{")]
        return [line for line in lines if line["event"] == name]

    def wait_for(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """Poll until the condition is true; its value."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            if value := condition():
                return value
            time.sleep(0.05)
        raise AssertionError(f"waited {seconds:g} s in vain; the log:\n{self.log() if self.daemons else ''}")

    def rows(self, query: str) -> list[Any]:
        connection = sqlite3.connect(self.folder / "scheduled.db", timeout=10)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def value(self, query: str) -> Any:
        found = self.rows(query)
        return found[0][0] if found else None

    def wait_for_row(self, query: str) -> Any:
        return self.wait_for(lambda: self.value(query))

    def end(self) -> None:
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGKILL)
                daemon.wait()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.define()
    yield made
    made.end()
