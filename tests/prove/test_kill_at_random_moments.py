"""`kill -9` at random moments, again and again: of one daemon, and of two that work side by side."""

import random
import time

import pytest

from tests.prove.jobs import THREE_JOBS, definitions, schedule
from tests.prove.scene import Scene

pytestmark = pytest.mark.prove

SECONDS, LEAST_DEATHS, SEED = 20.0, 5, 1
WELL_AGAIN = (
    "SELECT COUNT(*) > 3 FROM occurrence WHERE status = 'COMPLETED'"
    " AND worker_id IN (SELECT id FROM worker_instance WHERE status = 'RUNNING')"
)
JOBS = """
tell = "echo $SCHEDULED_OCCURRENCE_ID napping $SCHEDULED_ATTEMPT"
napping = command("napping", f"{tell} began >> notes; (sleep 60 &); sleep 0.1; {tell} ended >> notes")

@job(isolation="process", depends_on=["napping"])
def apart(ctx: JobContext) -> None:
    note(ctx, "began")
    subprocess.Popen(["sleep", "60"])
    time.sleep(0.05)
    note(ctx, "ended")

@job
def slow(ctx: JobContext) -> None:
    note(ctx, "began")
    time.sleep(0.4)
    note(ctx, "ended")
"""
SCHEDULES = "".join(
    (
        schedule("quick", "every second", mode="GROUP", group="three"),
        schedule(
            "again", "every 2 seconds", mode="GROUP", group="three", rerun_interrupted=True, missed="run_all"
        ),
        schedule("apart", "every 2 seconds", mode="JOBS", jobs=["apart"], rerun_interrupted=True),
        schedule(
            "slow", "every second", mode="JOBS", jobs=["slow"], overlap="run_latest", missed="run_latest"
        ),
    )
)
HASTY = {"SCHEDULE_HEARTBEAT_INTERVAL_MS": "300", "SCHEDULE_MISSED_GRACE_MS": "700"}


@pytest.mark.parametrize("count", [1, 2], ids=["one daemon", "two daemons"])
def test_nothing_is_lost_and_nothing_runs_twice(scene: Scene, count: int) -> None:
    chance = random.Random(SEED)
    scene.define(definitions(THREE_JOBS + JOBS, SCHEDULES))
    until = time.monotonic() + SECONDS
    team = [scene.launch(**HASTY) for _ in range(count)]
    deaths = 0
    while time.monotonic() < until or deaths < LEAST_DEATHS:
        if chance.random() < 0.6:  # else it is killed wherever it is on the way to its first work
            scene.wait_for_events("daemon.started")
            deaths += 1
        time.sleep(1.3 * chance.random())
        scene.kill(team.pop(chance.randrange(count)))
        scene.assert_nobody_is_left()
        if scene.exists():
            scene.assert_lawful()
        team.append(scene.launch(**HASTY))
    for daemon in team:
        scene.kill(daemon)
    scene.start(**HASTY)
    scene.wait_for_row(WELL_AGAIN)
    scene.assert_promises()
    scene.stop_all()
    scene.assert_promises()
    assert scene.value("SELECT COUNT(*) FROM worker_instance WHERE status = 'LOST'") >= LEAST_DEATHS
