"""The admin as it is served: by a process of its own, and beside the daemon."""

import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest

from tests.acceptance.conftest import Place
from tests.patience import PATIENCE

pytestmark = pytest.mark.acceptance

ANYWHERE = "127.0.0.1:0"


def url(place: Place) -> str:
    """Where the process that was started last serves the admin."""
    return str(place.wait_for(lambda: place.events("web.started"))[0]["url"])


def healthz(place: Place) -> int:
    with urlopen(url(place).replace("/admin/schedules", "/healthz"), timeout=PATIENCE) as answer:
        return int(answer.status)


def start_web(place: Place) -> "subprocess.Popen[str]":
    with (place.folder / f"daemon-{len(place.daemons)}.log").open("w") as log:
        argv = [sys.executable, "-m", "scheduled", "web", ANYWHERE]
        web = subprocess.Popen(argv, cwd=place.folder, env=place.env, stdout=log, stderr=log, text=True)
    place.daemons.append(web)
    return web


def test_it_is_served_beside_the_daemon(place: Place) -> None:
    daemon = place.start("--web", ANYWHERE)
    assert healthz(place) == 200
    place.wait_for_row("SELECT id FROM occurrence WHERE schedule_id = 'quick' AND status = 'COMPLETED'")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(timeout=20) == 0


def test_a_reload_serves_it_again_at_the_same_address(place: Place) -> None:
    place.start("--web", ANYWHERE)
    first = url(place)
    port = first.split(":")[2].split("/")[0]
    place.end()
    daemon = place.start("--web", f"127.0.0.1:{port}")
    daemon.send_signal(signal.SIGHUP)
    place.wait_for(lambda: len(place.events("web.started")) == 2)
    assert healthz(place) == 200


def test_it_is_served_by_a_process_of_its_own_that_runs_nothing(place: Place) -> None:
    web = start_web(place)
    assert healthz(place) == 200
    web.send_signal(signal.SIGTERM)
    assert web.wait(timeout=20) == 0
    assert place.value("SELECT count(*) FROM occurrence") == 0
    assert place.events("web.stopped")


def test_without_users_it_is_served_to_nobody_else(place: Place) -> None:
    for command in ("web", "run"):
        address = ["0.0.0.0:0"] if command == "web" else ["--web", "0.0.0.0:0"]
        argv = [sys.executable, "-m", "scheduled", command, *address]
        done = subprocess.run(
            argv, cwd=place.folder, env=place.env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 1
        assert "the admin has no users yet, and would be served to others at 0.0.0.0" in done.stderr
        assert "`scheduled user add NAME --role ADMIN`" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_first_user_is_let_in_by_what_the_process_printed(place: Place) -> None:
    start_web(place)
    setup = str(place.wait_for(lambda: place.events("web.setup"))[0]["url"])
    assert "?code=" in setup
    with urlopen(setup, timeout=PATIENCE) as answer:
        assert "let yourself in" in answer.read().decode()
