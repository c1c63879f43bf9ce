"""A place in which daemons are killed, stopped and starved, and the promises that hold there all the same."""

import atexit
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import IO, Any

import psutil

from scheduled.store.database import Database
from scheduled.testing import SettableClock
from scheduled.verifying import verify
from tests.acceptance.conftest import Place
from tests.law import breaches

KILLING = Path(__file__).with_name("killing.py")
MARK = "PROVE_SCENE"
"""A variable of the environment by which all that a scene's daemons ever started is known."""


class Scene(Place):
    """A place whose jobs note what they do, so that the rows can be held against what really happened."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.env |= {MARK: str(folder), "SCHEDULE_ENV": "production"}

    def run(self, now: datetime, *arguments: str, **env: str) -> int:
        """Run the command at that instant to its end; its exit status (-9 if it was killed)."""
        return self._fork(now, *arguments, **env)[1]

    def steps(self, now: datetime, *arguments: str, **env: str) -> list[str]:
        """The steps of a command that nobody kills."""
        file = self.folder / "steps"
        self.run(now, *arguments, **env, PROVE_STEPS=str(file))
        return file.read_text().splitlines()

    def copy(self, name: str) -> "Scene":
        """The same place once more, beside this one."""
        folder = self.folder.with_name(name)
        shutil.copytree(self.folder, folder)
        return Scene(folder)

    def suspend(self, now: datetime, *arguments: str, step: int, **env: str) -> int:
        """Run the command up to that step, where it is stopped; its pid."""
        slept = str(self.folder / "slept")
        pid, status = self._fork(now, *arguments, PROVE_STOP_AT=str(step), PROVE_SLEPT=slept, **env)
        assert status == -signal.SIGSTOP
        return pid

    def resume(self, pid: int, slept: float) -> int:
        """Let the command go on that was stopped for so many seconds, as it believes; its exit status."""
        (self.folder / "slept").write_text(str(slept))
        return _mother().ask({"resume": pid})[1]

    def command_log(self) -> str:
        """The end of what the commands have said so far."""
        return (self.folder / "command.log").read_text()[-5000:]

    def _fork(self, now: datetime, *arguments: str, **env: str) -> tuple[int, int]:
        environment = self.env | {"PROVE_NOW": now.isoformat()} | env
        return _mother().ask({"folder": str(self.folder), "argv": arguments, "env": environment})

    def launch(self, log: IO[str] | None = None, /, **env: str) -> subprocess.Popen[str]:
        """Start a daemon, and do not wait for it."""
        with (self.folder / f"daemon-{len(self.daemons)}.log").open("w") as own:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "scheduled", "run"], cwd=self.folder, env=self.env | env,
                stdin=subprocess.DEVNULL, stdout=log or own, stderr=log or own, text=True,
            )  # fmt: skip
        self.daemons.append(daemon)
        return daemon

    def living(self) -> list[subprocess.Popen[str]]:
        return [daemon for daemon in self.daemons if daemon.poll() is None]

    def stop_all(self) -> None:
        """All daemons stop in good order, and leave nothing that runs."""
        for daemon in (living := self.living()):
            daemon.send_signal(signal.SIGTERM)
        assert [daemon.wait(30) for daemon in living] == [0] * len(living)
        assert not self.rows("SELECT id FROM occurrence WHERE status = 'RUNNING'")

    def halt(self, daemon: subprocess.Popen[str]) -> None:
        """SIGSTOP; but not with a lock in its hand, for which all would have to wait."""
        daemon.send_signal(signal.SIGSTOP)
        while self.is_locked():
            daemon.send_signal(signal.SIGCONT)
            time.sleep(0.05)
            daemon.send_signal(signal.SIGSTOP)

    def is_locked(self) -> bool:
        """Whether somebody holds SQLite's one write lock, for more than a moment."""
        try:
            with closing(sqlite3.connect(self.folder / "scheduled.db", timeout=0.5)) as connection:
                connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False

    def kill(self, daemon: subprocess.Popen[str]) -> None:
        """`kill -9`, of one that lives: none may have ended by itself."""
        assert daemon.poll() is None, f"ended by itself with status {daemon.returncode}"
        daemon.kill()
        daemon.wait()

    def kill_all(self) -> None:
        for daemon in self.living():
            self.kill(daemon)

    def wait_for_events(self, name: str) -> None:
        """Wait until each daemon that lives has told of it."""
        numbers = [number for number, daemon in enumerate(self.daemons) if daemon.poll() is None]
        self.wait_for(lambda: all(self.events(name, number) for number in numbers))

    def exists(self) -> bool:
        """Whether the tables are there."""
        file = self.folder / "scheduled.db"
        return file.exists() and bool(
            self.rows("SELECT * FROM sqlite_master WHERE name = 'scheduled_version'")
        )

    def assert_lawful(self, now: datetime | None = None) -> None:
        """The ledger is whole: nothing missing, nothing twice, no half a row. Also while daemons lie dead."""
        snapshot = self.folder / "snapshot.db"
        with (
            closing(sqlite3.connect(self.folder / "scheduled.db")) as source,
            closing(sqlite3.connect(snapshot)) as target,
        ):
            source.backup(target)
        with closing(Database(f"sqlite:///{snapshot}")) as database:
            found = breaches(database)
            assert not found, "\n".join(found)
        with closing(Database(f"sqlite:///{self.folder / 'scheduled.db'}")) as database:
            verdict = verify(database, clock=SettableClock(now or datetime.now(UTC)))
            assert verdict.ok, verdict.as_json()

    def assert_promises(self, now: datetime | None = None) -> None:
        """What holds once somebody has come after the dead: the law, and the truth."""
        self.assert_nobody_is_left()
        self.assert_lawful(now)
        self.assert_no_dead_locks(now or datetime.now(UTC))
        self.assert_truthful()

    def assert_no_dead_locks(self, now: datetime) -> None:
        """No row is RUNNING past its holder's lease, or without one."""
        running = self.rows(
            "SELECT o.id, s.locked_by = o.worker_id, s.lock_expires_at FROM occurrence o"
            " JOIN job_schedule s ON s.id = o.schedule_id WHERE o.status = 'RUNNING'"
        )
        for occurrence, is_holder, expires in running:
            assert is_holder, f"occurrence {occurrence} runs under nobody's lock"
            until = datetime.fromisoformat(expires).replace(tzinfo=UTC)
            assert until > now, f"occurrence {occurrence} still runs, but its lease ended at {until}"
        stray = "SELECT r.id FROM job_run r JOIN occurrence o ON o.id = r.occurrence_id"
        assert not self.rows(f"{stray} WHERE r.status = 'RUNNING' AND o.status <> 'RUNNING'")

    def assert_truthful(self) -> None:
        """No attempt was started twice, and each row says what its attempt did, if the jobs noted it.

        The daemon may go on meanwhile: what had begun before we read the rows has one; what a row says that
        has been noted, has been noted after that.
        """
        if not (before := self.notes()):
            return
        rows = {tuple(row[:3]): row[3] for row in self.rows(ATTEMPTS)}
        notes = Counter(self.notes())
        twice = [note for note, times in notes.items() if times > 1]
        assert not twice, f"noted more than once: {twice}"
        had_begun = {key[:3] for key in before if key[3] == "began"}
        began = {key[:3] for key in notes if key[3] == "began"}
        ended = {key[:3] for key in notes if key[3] == "ended"}
        assert not had_begun - rows.keys(), f"began without a row: {had_begun - rows.keys()}"
        for attempt, status in rows.items():
            if status == "COMPLETED":
                assert attempt in ended, f"{attempt} is COMPLETED, but never ended"
            if status in ("SKIPPED", "QUEUED"):
                assert attempt not in had_begun, f"{attempt} is {status}, but began"
            if status in ("FAILED", "TIMED_OUT"):
                assert attempt in began, f"{attempt} is {status}, but never began"
                assert attempt not in ended, f"{attempt} is {status}, but came to its end"

    def assert_nobody_is_left(self) -> None:
        """No child outlives its daemon: those of a killed one may take a moment to follow it."""
        until = time.monotonic() + 5
        while (left := self.orphans()) and time.monotonic() < until:
            time.sleep(0.02)
        assert not left, [process.as_dict(["pid", "ppid", "cmdline"]) for process in left]

    def orphans(self) -> list[psutil.Process]:
        """What bears our mark, but belongs to no daemon that lives."""
        living = {daemon.pid for daemon in self.daemons if daemon.poll() is None}
        return [
            process
            for process in psutil.process_iter()
            if process.pid != os.getpid() and self._is_ours(process) and not _ancestry(process) & living
        ]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == self.env[MARK]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    def notes(self) -> list[tuple[int, str, int, str]]:
        """What the jobs noted: occurrence, job, attempt, and `began` or `ended`."""
        file = self.folder / "notes"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(int(o), job, int(attempt), what) for o, job, attempt, what in map(str.split, lines)]


class Mother:
    """The process that forks commands which may be killed: see `killing`."""

    def __init__(self) -> None:
        argv, root = [sys.executable, str(KILLING)], str(KILLING.parents[2])
        self._process = subprocess.Popen(
            argv,
            env=os.environ | {"PYTHONPATH": root},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(self._process.kill)

    def ask(self, command: dict[str, Any]) -> tuple[int, int]:
        """The pid of the command, and its status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        pid, status = map(int, self._process.stdout.readline().split())
        return pid, status


_mother = cache(Mother)

ATTEMPTS = "SELECT occurrence_id, job_name, attempt, status FROM job_run"


def _ancestry(process: psutil.Process) -> set[int]:
    try:
        return {process.pid, *(parent.pid for parent in process.parents())}
    except psutil.NoSuchProcess:
        return set()
