"""The command line, called in this process, in a folder of its own."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scheduled.cli import common, main
from scheduled.settings import VARIABLES
from scheduled.store.database import Database
from scheduled.testing import ManualDaemon, manual_daemon

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

DEFINITIONS = '''
from scheduled import Schedule, job

@job(group="good")
def works():
    """Does its work."""
    print("it works")
    return {"rows": 3}

@job(group="bad", retries=1, retry_backoff=0)
def fails():
    raise ValueError("no [red]such[/red] table\\nand a second line")

schedules = [
    Schedule(id="nightly", name="Nightly", cron="0 2 * * *", timezone="Europe/Riga", mode="GROUP",
             group="good", enabled_by_default=True),
    Schedule(id="broken", name="Broken", cron="0 */6 * * *", mode="GROUP", group="bad",
             enabled_by_default=True),
    Schedule(id="resting", name="Resting", cron="@hourly", mode="GROUP", group="good"),
    Schedule(id="elsewhere", name="Elsewhere", cron="@hourly", environments=["development"]),
]
'''


class Place:
    """A working directory with a schedules.py, and the commands that are called in it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.patch = monkeypatch
        self.define(DEFINITIONS)

    def define(self, text: str, name: str = "schedules.py") -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def call(self, *arguments: str, status: int = 0) -> Result:
        """Call the command, which is to exit with that status, and never with a traceback."""
        result = CliRunner().invoke(main, arguments)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == status, result.output
        return result

    def out(self, *arguments: str, status: int = 0) -> str:
        return self.call(*arguments, status=status).stdout

    def error(self, *arguments: str, status: int = 1) -> str:
        """What the failing command says on stderr; it says nothing on stdout."""
        result = self.call(*arguments, status=status)
        assert result.stdout == ""
        return result.stderr

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self.out(*arguments, "--json", status=status))

    def sql(self, statement: str) -> None:
        """Change the database behind everybody's back."""
        with closing(sqlite3.connect("scheduled.db", isolation_level=None)) as connection:
            connection.execute(statement)

    def freeze(self, now: datetime) -> None:
        self.patch.setattr(common, "now", lambda: now)

    def lived(self, since: datetime = NOON, **duration: float) -> ManualDaemon:
        """A daemon has lived here for so long; it is now when it ended."""
        database = Database("sqlite:///scheduled.db", create=True)
        with manual_daemon("schedules.py", now=since, database=database) as daemon:
            capture = daemon.parts.capture
            capture.install()
            daemon.advance(**duration)
            capture.uninstall()
            daemon.stop()
            self.freeze(daemon.clock.now())
        return daemon


@contextmanager
def place_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A Place, with nothing of the environment's settings, that leaves no trace in this process."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = dict(sys.modules)
    try:
        yield Place(folder, monkeypatch)
    finally:
        for name in ("schedules", "other"):
            sys.modules.pop(name, None)
            if name in modules:
                sys.modules[name] = modules[name]
