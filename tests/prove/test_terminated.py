"""SIGTERM, or `kill -9`, in the middle of a job of each kind: its row is true, and nothing of it is left."""

import signal

import pytest

from tests.prove.jobs import SLEEPER, definitions, schedule
from tests.prove.scene import Scene

pytestmark = pytest.mark.prove

JOBS = (
    SLEEPER
    + """
@job(isolation="process")
def apart(ctx: JobContext) -> None:
    note(ctx, "began")
    subprocess.run("sleep 60 & trap '' TERM; sleep 60", shell=True)
    note(ctx, "ended")

tell = "echo $SCHEDULED_OCCURRENCE_ID outside $SCHEDULED_ATTEMPT"
rest = f"sleep 60 & trap '' TERM; sleep 60; {tell} ended >> notes"
outside = command("outside", f"{tell} began >> notes; {rest}")
"""
)
NAMES = ("nap", "apart", "outside")
SCHEDULES = "".join(schedule(name, "0 0 1 1 *", mode="JOBS", jobs=[name]) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_interrupted_with_all_that_it_started(scene: Scene, name: str) -> None:
    scene.define(definitions(JOBS, SCHEDULES))
    daemon = scene.start(SCHEDULE_SHUTDOWN_GRACE_MS="300")
    scene.call("trigger", name)
    scene.wait_for(scene.notes)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(30) == 0
    scene.assert_promises()
    assert scene.rows("SELECT status, reason FROM job_run") == [("INTERRUPTED", "shutdown")]
    assert scene.rows("SELECT status FROM worker_instance") == [("STOPPED",)]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_it_started_outlives_a_kill(scene: Scene, name: str) -> None:
    scene.define(definitions(JOBS, SCHEDULES))
    daemon = scene.start()
    scene.call("trigger", name)
    scene.wait_for(scene.notes)
    scene.kill(daemon)
    scene.assert_nobody_is_left()
    scene.start()
    scene.wait_for_row("SELECT finished_at FROM occurrence")
    scene.stop_all()
    scene.assert_promises()
    assert scene.rows("SELECT status, reason FROM job_run") == [("INTERRUPTED", "holder_lost")]
