"""The daemon within an application's process, started and left as a user would."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Place
from tests.patience import PATIENCE

pytestmark = pytest.mark.acceptance

BEGIN = """
import os, sys, time
from pathlib import Path
from scheduled import Daemon, Registry, Schedule, job

@job(timeout=3600)
def patient() -> None:
    Path("started").write_text(str(os.getpid()))
    while True:
        time.sleep(0.01)

it = Schedule(id="it", name="It", cron="every second", enabled_by_default=True)
daemon = Daemon(registry=Registry.of([it]))

def wait_for_it() -> None:
    while not Path("started").exists():
        time.sleep(0.01)
"""
FORGETTING = "daemon.start()\nwait_for_it()\n"
AT_THE_END_OF_AN_EXCEPTION = FORGETTING + "raise ValueError('the application broke')\n"
RUNNING = "daemon.run()\nPath('ended').write_text(repr(daemon.status().running))\n"


class Application:
    """A program of ten lines, with a daemon in it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.process: subprocess.Popen[str] | None = None

    def start(self, end: str) -> subprocess.Popen[str]:
        (self.place.folder / "app.py").write_text(BEGIN + end)
        self.process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=self.place.folder,
            env=self.place.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self.process

    def wait(self) -> tuple[int, str]:
        """Its exit status, and what it said on stderr."""
        assert self.process is not None
        _, error = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, error

    def rows(self) -> tuple[str, str, int]:
        run = self.place.value("SELECT status FROM job_run ORDER BY id LIMIT 1")
        worker = self.place.value("SELECT status FROM worker_instance")
        locks = self.place.value("SELECT COUNT(*) FROM job_schedule WHERE locked_by IS NOT NULL")
        return run, worker, locks


@pytest.fixture
def app(place: Place) -> Iterator[Application]:
    made = Application(place)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.communicate()


def test_a_daemon_that_was_forgotten_neither_hangs_the_exit_nor_lies(app: Application) -> None:
    app.start(FORGETTING)
    status, error = app.wait()
    assert (status, app.rows()) == (0, ("INTERRUPTED", "STOPPED", 0))
    assert "Traceback" not in error


def test_nor_does_it_when_the_application_breaks(app: Application) -> None:
    app.start(AT_THE_END_OF_AN_EXCEPTION)
    status, error = app.wait()
    assert (status, app.rows()) == (1, ("INTERRUPTED", "STOPPED", 0))
    assert error.count("Traceback") == 1


def test_what_was_killed_is_made_true_by_the_next_one(app: Application, place: Place) -> None:
    process = app.start(FORGETTING + "time.sleep(60)\n")
    place.wait_for(lambda: (place.folder / "started").exists())
    process.kill()
    process.wait()
    assert app.rows() == ("RUNNING", "RUNNING", 1)
    assert place.call("run", "--once").returncode == 0
    assert place.value("SELECT reason FROM job_run ORDER BY id LIMIT 1") == "holder_lost"


def test_run_stops_in_good_order_on_sigterm(app: Application, place: Place) -> None:
    place.env["SCHEDULE_SHUTDOWN_GRACE_MS"] = "0"
    process = app.start(RUNNING)
    place.wait_for(lambda: (place.folder / "started").exists())
    process.send_signal(signal.SIGTERM)
    status, error = app.wait()
    assert (status, app.rows()) == (0, ("INTERRUPTED", "STOPPED", 0)), error
    assert (place.folder / "ended").read_text() == "False"
