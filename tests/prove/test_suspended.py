"""SIGSTOP, as a laptop's lid or a crowded host does it: for longer than a heartbeat, a grace, a lease."""

import signal
import time

import pytest

from tests.prove.jobs import NEVER, ONE_JOB, definitions, schedule
from tests.prove.scene import Scene

pytestmark = pytest.mark.prove

EACH_SECOND = schedule("work", "every second", mode="JOBS", jobs=["work"])
SLEEPY = """
tell = "echo $SCHEDULED_OCCURRENCE_ID nap $SCHEDULED_ATTEMPT"
nap = command("nap", f"{tell} began >> notes; test $SCHEDULED_ATTEMPT = 1 && sleep 30; {tell} ended >> notes")

def doze(ctx: JobContext) -> None:
    note(ctx, "began")
    if ctx.attempt == 1:
        time.sleep(30)
    note(ctx, "ended")

job(name="inline")(doze)
job(name="isolated", isolation="process")(doze)
"""
HASTY = {"SCHEDULE_LOCK_TIMEOUT_MS": "1500", "SCHEDULE_HEARTBEAT_INTERVAL_MS": "300"}


def test_a_stop_for_longer_than_a_heartbeat_is_no_more_than_late(scene: Scene) -> None:
    scene.define(definitions(ONE_JOB, EACH_SECOND))
    daemon = scene.start(**HASTY)
    scene.wait_for_row("SELECT COUNT(*) >= 2 FROM occurrence WHERE status = 'COMPLETED'")
    scene.halt(daemon)
    time.sleep(3)
    daemon.send_signal(signal.SIGCONT)
    scene.wait_for_row("SELECT COUNT(*) >= 5 FROM occurrence WHERE status = 'COMPLETED'")
    scene.stop_all()
    scene.assert_promises()
    assert scene.value("SELECT SUM(due_count) >= 1 FROM occurrence WHERE reason = 'coalesced'")
    assert not scene.rows("SELECT * FROM worker_gap")


def test_a_stop_for_longer_than_the_grace_is_a_gap_in_its_life(scene: Scene) -> None:
    scene.define(definitions(ONE_JOB, EACH_SECOND))
    daemon = scene.start(SCHEDULE_MISSED_GRACE_MS="500", **HASTY)
    scene.wait_for_row("SELECT COUNT(*) >= 2 FROM occurrence WHERE status = 'COMPLETED'")
    scene.halt(daemon)
    time.sleep(7)
    daemon.send_signal(signal.SIGCONT)
    scene.wait_for_row("SELECT SUM(due_count) >= 5 FROM occurrence WHERE reason = 'daemon_down'")
    scene.stop_all()
    scene.assert_promises()
    assert scene.value("SELECT cause FROM worker_gap") == "process_stopped"


@pytest.mark.parametrize("job", ["inline", "nap", "isolated"])
def test_another_daemon_takes_over_from_one_that_stands_still(scene: Scene, job: str) -> None:
    sleepy = schedule("sleepy", NEVER, mode="JOBS", jobs=[job], rerun_interrupted=True)
    scene.define(definitions(SLEEPY + ONE_JOB, sleepy + EACH_SECOND))
    first = scene.start(**HASTY)
    scene.call("trigger", "sleepy")
    scene.wait_for(lambda: any(note[1] == job for note in scene.notes()))
    scene.start(**HASTY)
    scene.halt(first)
    scene.wait_for_row("SELECT 1 FROM occurrence WHERE schedule_id = 'sleepy' AND status = 'COMPLETED'")
    before = scene.rows("SELECT * FROM job_run WHERE schedule_id = 'sleepy'")
    first.send_signal(signal.SIGCONT)
    scene.wait_for(lambda: scene.events("occurrence.fenced", 0))
    assert before == scene.rows("SELECT * FROM job_run WHERE schedule_id = 'sleepy'")
    scene.assert_promises()
    scene.daemons[1].kill()
    scene.daemons[1].wait()
    done = scene.value("SELECT COUNT(*) FROM occurrence WHERE status = 'COMPLETED'")
    scene.wait_for_row(f"SELECT COUNT(*) > {done + 1} FROM occurrence WHERE status = 'COMPLETED'")
    scene.stop_all()
    scene.assert_promises()
    assert {(job, 1, "ended"), (job, 2, "ended")} & {note[1:] for note in scene.notes()} == {
        (job, 2, "ended")
    }
