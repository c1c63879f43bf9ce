"""The cable between a daemon and its server is cut, without a word to either: network namespaces show it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.prove.jobs import NEVER, ONE_JOB, SLEEPER, definitions, schedule
from tests.prove.served import ServedScene

pytestmark = pytest.mark.prove

HASTY = {"SCHEDULE_LOCK_TIMEOUT_MS": "3000", "SCHEDULE_HEARTBEAT_INTERVAL_MS": "500"}
RELAY = Path(__file__).with_name("relay.py")


class Cable:
    """A network namespace of a daemon's own, and the one cable that leads out of it."""

    def __init__(self) -> None:
        self.name = f"sched{os.getpid()}"
        self.far, self.near = f"sf{os.getpid()}", f"sn{os.getpid()}"
        number = os.getpid() % 250
        self.host, self.guest = f"10.77.{number}.1", f"10.77.{number}.2"

    def lay(self) -> None:
        self._ip("netns", "add", self.name)
        self._ip("link", "add", self.near, "type", "veth", "peer", "name", self.far)
        self._ip("link", "set", self.far, "netns", self.name)
        self._ip("addr", "add", f"{self.host}/24", "dev", self.near)
        self._ip("link", "set", self.near, "up")
        self._ip("-n", self.name, "addr", "add", f"{self.guest}/24", "dev", self.far)
        self._ip("-n", self.name, "link", "set", self.far, "up")
        self._ip("-n", self.name, "link", "set", "lo", "up")

    def cut(self) -> None:
        self._ip("link", "set", self.near, "down")

    def mend(self) -> None:
        self._ip("link", "set", self.near, "up")

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self.near], check=False, capture_output=True)

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@pytest.fixture
def cable() -> Iterator[Cable]:
    made = Cable()
    if shutil.which("ip") is None:
        pytest.skip("there is no `ip` here (Debian: iproute2)")
    try:
        made.lay()
    except subprocess.CalledProcessError as error:
        made.remove()
        pytest.skip(f"no network namespace can be made here: {error.stderr.strip()}")
    yield made
    made.remove()


@pytest.fixture
def far(postgresql: ServedScene, cable: Cable) -> Iterator[dict[str, str]]:
    """The environment of a daemon at the cable's far end; a relay on this side knows the server."""
    server = f"{postgresql.url.host}:{postgresql.url.port or 5432}"
    relay = subprocess.Popen([sys.executable, str(RELAY), cable.host, "15999", server])
    url = make_url(postgresql.env["DATABASE_URL"]).set(host=cable.host, port=15999)
    time.sleep(0.5)
    yield {"DATABASE_URL": url.render_as_string(hide_password=False), **HASTY}
    relay.kill()
    relay.wait()


def test_a_daemon_that_is_cut_off_lets_go_of_what_it_held(
    postgresql: ServedScene, cable: Cable, far: dict[str, str]
) -> None:
    sleepy = schedule("nap", NEVER, mode="JOBS", jobs=["nap"], rerun_interrupted=True)
    postgresql.define(
        definitions(SLEEPER + ONE_JOB, sleepy + schedule("work", "every second", mode="JOBS", jobs=["work"]))
    )
    postgresql.prefix = ("ip", "netns", "exec", cable.name)
    postgresql.start(**far)
    postgresql.prefix = ()
    postgresql.call("trigger", "nap")
    postgresql.wait_for(lambda: "nap" in {note[1] for note in postgresql.notes()})
    postgresql.change("UPDATE worker_instance SET boot_id = 'elsewhere'")
    cable.cut()
    postgresql.start(**HASTY)
    postgresql.wait_for_row("SELECT 1 FROM job_run WHERE job_name = 'nap' AND attempt = 2")
    before = postgresql.rows("SELECT * FROM job_run WHERE job_name = 'nap'")
    postgresql.wait_for(lambda: postgresql.events("sidework.failed", 0), seconds=90)
    cable.mend()
    postgresql.wait_for(lambda: postgresql.events("occurrence.fenced", 0), seconds=90)
    assert before == postgresql.rows("SELECT * FROM job_run WHERE job_name = 'nap'")
    postgresql.daemons[1].kill()
    postgresql.daemons[1].wait()
    postgresql.wait_for_row("SELECT 1 FROM schedule_event WHERE event = 'fenced'")
    done = postgresql.value("SELECT COUNT(*) FROM occurrence WHERE status = 'COMPLETED'")
    postgresql.wait_for_row(f"SELECT COUNT(*) > {done} + 1 FROM occurrence WHERE status = 'COMPLETED'")
    postgresql.stop_all()
    postgresql.assert_lawful()
