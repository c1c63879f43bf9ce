"""A full disk, and a database that somebody else has locked: the daemon waits, says so, and carries on."""

import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.prove.jobs import ONE_JOB, THREE_JOBS, definitions, schedule
from tests.prove.scene import Scene

pytestmark = pytest.mark.prove

SIZE = 2 * 1024 * 1024
SCHEDULES = schedule("three", "every second", mode="GROUP", group="three") + schedule(
    "work", "every 2 seconds", mode="JOBS", jobs=["work"], missed="run_all", overlap="run_all"
)
COMPLETED = "SELECT COUNT(*) FROM occurrence WHERE status = 'COMPLETED'"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk that is easily filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Within the block there is no room left for a byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
        yield
    filler.unlink()


@contextmanager
def locked(scene: Scene) -> Iterator[None]:
    """Within the block nobody else can write."""
    with closing(sqlite3.connect(scene.folder / "scheduled.db", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def on(scene: Scene, disk: Path) -> Scene:
    """The scene, with its database on that disk."""
    scene.define(definitions(THREE_JOBS + ONE_JOB, SCHEDULES))
    (scene.folder / "scheduled.db").symlink_to(disk / "scheduled.db")
    scene.env["DATABASE_URL"] = f"sqlite:///{disk / 'scheduled.db'}"
    return scene


def assert_it_goes_on(scene: Scene) -> None:
    scene.wait_for(lambda: scene.events("database.back"))
    done = scene.value(COMPLETED)
    scene.wait_for_row(f"SELECT ({COMPLETED}) > {done} + 3")
    scene.assert_promises()
    scene.stop_all()
    scene.assert_promises()


def test_it_waits_for_room_on_a_full_disk(scene: Scene, disk: Path) -> None:
    on(scene, disk).start()
    scene.wait_for_row(f"SELECT ({COMPLETED}) > 2")
    with full(disk):
        scene.wait_for(lambda: scene.events("database.unavailable"))
        time.sleep(3)
        assert "full" in scene.events("database.unavailable")[0]["error"]
    assert_it_goes_on(scene)


def test_it_says_why_it_cannot_start_on_a_full_disk(scene: Scene, disk: Path) -> None:
    """Whoever looks after the process starts it again."""
    on(scene, disk).start()
    scene.stop_all()
    with full(disk):
        assert scene.launch().wait(30) == 1
        assert scene.log().startswith("Error: the database sqlite:///")
    scene.start()
    scene.wait_for_row(f"SELECT ({COMPLETED}) > 2")
    scene.stop_all()
    scene.assert_promises()


def test_it_stops_on_a_full_disk_too(scene: Scene, disk: Path) -> None:
    on(scene, disk)
    daemon = scene.start(SCHEDULE_SHUTDOWN_GRACE_MS="500")
    scene.wait_for_row(f"SELECT ({COMPLETED}) > 2")
    with full(disk):
        scene.wait_for(lambda: scene.events("database.unavailable"))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(30) == 1
    scene.start()
    done = scene.value(COMPLETED)
    scene.wait_for_row(f"SELECT ({COMPLETED}) > {done} + 3")
    scene.assert_promises()


def test_a_log_on_a_full_disk_stops_nothing(scene: Scene, disk: Path) -> None:
    scene.define(definitions(ONE_JOB, schedule("work", "every second")))
    with (disk / "log").open("w") as log, full(disk):
        scene.launch(log)
        scene.wait_for(lambda: scene.exists() and scene.value(COMPLETED) > 2)
        scene.stop_all()
    scene.assert_promises()


def test_it_waits_for_a_database_that_is_locked_for_long(scene: Scene) -> None:
    scene.define(definitions(THREE_JOBS + ONE_JOB, SCHEDULES))
    scene.start()
    scene.wait_for_row(f"SELECT ({COMPLETED}) > 2")
    with locked(scene):
        scene.wait_for(lambda: scene.events("database.unavailable"))
        assert "locked" in scene.events("database.unavailable")[0]["error"]
    assert_it_goes_on(scene)


def test_a_short_lock_is_no_event(scene: Scene) -> None:
    scene.define(definitions(THREE_JOBS + ONE_JOB, SCHEDULES))
    scene.start()
    scene.wait_for_row(f"SELECT ({COMPLETED}) > 2")
    with locked(scene):
        time.sleep(2)
    done = scene.value(COMPLETED)
    scene.wait_for_row(f"SELECT ({COMPLETED}) > {done} + 3")
    assert not scene.events("database.unavailable")
    scene.stop_all()
    scene.assert_promises()


def test_a_timeout_is_kept_while_the_database_is_locked(scene: Scene) -> None:
    """The side thread that watches the clock must not wait for the database."""
    body = """
@job(timeout=2)
def sleepy(ctx: JobContext) -> None:
    note(ctx, "began")
    began = time.monotonic()
    try:
        time.sleep(30)
    finally:
        Path("took").write_text(str(time.monotonic() - began))
"""
    scene.define(definitions(body, schedule("sleepy", "0 0 1 1 *")))
    scene.start(SCHEDULE_HEARTBEAT_INTERVAL_MS="100")
    scene.call("trigger", "sleepy")
    scene.wait_for(scene.notes)
    with locked(scene):
        scene.wait_for((scene.folder / "took").exists)
    assert float((scene.folder / "took").read_text()) < 6
    scene.wait_for_row("SELECT 1 FROM occurrence WHERE status = 'FAILED'")
    scene.stop_all()
    scene.assert_promises()
