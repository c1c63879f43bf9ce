"""`kill -9` between any two things that a daemon or a command does: the ledger is whole, and is made true."""

import signal
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.prove.jobs import CHILDREN, ENDING, ONE_JOB, SILENT_JOB, THREE_JOBS, definitions, schedule
from tests.prove.scene import Scene

pytestmark = pytest.mark.prove

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BEFORE, DUE = NOON - timedelta(seconds=10), NOON + timedelta(seconds=5)
SHARES = 2
"""Into so many tests each story is cut, so that they may run side by side."""


@dataclass(frozen=True)
class Story:
    """What was done before, what is killed, and with which definitions. Then a daemon comes after it."""

    schedules: str
    jobs: str = THREE_JOBS
    before: tuple[tuple[datetime, str], ...] = ((BEFORE, "run --once"),)
    killed: str = "run --once"
    at: datetime = DUE
    deploy: str | None = None
    """The definitions that the killed command finds, if they are others."""
    env: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    """The last command before it is killed at this step."""

    def prepare(self, scene: Scene) -> None:
        scene.define(definitions(self.jobs, self.schedules))
        for number, (when, command) in enumerate(self.before, 1):
            env = dict(self.env)
            if self.cut and number == len(self.before):
                env["PROVE_KILL_AT"] = str(self._number_of(self.cut, scene))
            scene.run(when, *command.split(), **env)
        if self.deploy is not None:
            scene.define(definitions(self.jobs, self.deploy))

    def _number_of(self, name: str, scene: Scene) -> int:
        """The number of the step of that name, as a rehearsal beside the stage tells it."""
        when, command = self.before[-1]
        return scene.copy("rehearsal").steps(when, *command.split(), **self.env).index(name) + 1

    def kill(self, scene: Scene, step: int) -> int:
        return scene.run(self.at, *self.killed.split(), **self.env, PROVE_KILL_AT=str(step))

    def recover(self, scene: Scene) -> datetime:
        """Daemons come after it, until nothing is left to do; the instant when they are done."""
        for later in range(20, 80, 20):
            assert scene.run(self.at + timedelta(seconds=later), "run", "--once", **self.env) == 0, (
                scene.command_log()
            )
            if not scene.rows("SELECT * FROM occurrence WHERE status IN ('RUNNING', 'QUEUED')"):
                return self.at + timedelta(seconds=later + 20)
        raise AssertionError("something is never done")


AGAIN = schedule("noon", rerun_interrupted=True)
POLICIES = "".join(
    schedule(f"{missed}-{overlap}", "0 */6 * * *", missed=missed, overlap=overlap, catch_up_limit=2)
    for missed, overlap in (("skip", "skip"), ("run_latest", "run_all"), ("run_all", "run_latest"))
)
IDLE = schedule("noon", "0 0 1 1 *")
START = (BEFORE, "run --once")

STORIES = {
    "an occurrence that is due": Story(schedule("noon")),
    "two that are due at once": Story(schedule("noon") + schedule("again"), ONE_JOB),
    "a request": Story(IDLE, before=(START, (NOON, "trigger noon"))),
    "an occurrence that runs again": Story(AGAIN),
    "a reaper": Story(schedule("noon"), before=(START, (NOON, "run --once")), cut="before job sift"),
    "a reaper that requeues": Story(AGAIN, before=(START, (NOON, "run --once")), cut="before job ship"),
    "the first start": Story(schedule("noon"), before=()),
    "a daemon that is told to stop": Story(schedule("noon"), ENDING, env={"SCHEDULE_SHUTDOWN_GRACE_MS": "0"}),
    "a stop with a rerun to come": Story(AGAIN, ENDING, env={"SCHEDULE_SHUTDOWN_GRACE_MS": "0"}),
    "children": Story(AGAIN, CHILDREN),
    "the return after a week": Story(POLICIES, ONE_JOB, at=NOON + timedelta(days=7)),
    "another version": Story(
        POLICIES + schedule("gone") + schedule("retimed", "*/7 * * * *"),
        ONE_JOB,
        at=NOON + timedelta(hours=12),
        deploy=POLICIES + schedule("retimed", "*/5 * * * *") + schedule("new"),
    ),
    "disable": Story(POLICIES, killed="disable skip-skip run_all-run_latest", at=NOON + timedelta(days=1)),
    "enable": Story(
        schedule("noon", enabled_by_default=False), killed="enable noon", at=NOON - timedelta(seconds=5)
    ),
    "trigger": Story(IDLE, killed="trigger noon --job gather --param a=1"),
    "cancel": Story(IDLE, before=(START, (NOON, "trigger noon")), killed="cancel 1"),
    "inline": Story(IDLE, killed="trigger noon --inline"),
    "prune": Story(
        schedule("noon", "* * * * *"),
        SILENT_JOB,  # what is forgotten cannot be held against what happened
        before=(START, (DUE, "run --once"), (DUE + timedelta(minutes=3), "run --once")),
        killed="prune --older-than 1m",
        at=NOON + timedelta(minutes=5),
    ),
}


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("name", STORIES)
def test_the_ledger_is_whole_wherever_it_is_killed(name: str, share: int, tmp_path: Path) -> None:
    story = STORIES[name]
    stage = Scene(tmp_path / "stage")
    stage.folder.mkdir()
    story.prepare(stage)
    told = stage.copy("unharmed").steps(story.at, *story.killed.split(), **story.env)
    points = worth_killing(told)
    assert len(points) > 3
    for point in points[share::SHARES]:
        scene = stage.copy(f"killed-{point}")
        sys.stdout.write(f"killed {told[point - 1]} (step {point})\n")
        assert story.kill(scene, point) == -signal.SIGKILL
        scene.assert_nobody_is_left()
        if (scene.folder / "notes").exists() or "migration" not in told[point - 1]:
            scene.assert_lawful(story.at + timedelta(seconds=10))
        scene.assert_promises(story.recover(scene))


def worth_killing(told: list[str]) -> list[int]:
    """One point between any two actions: after one is before the next; and the end."""
    return [number for number, name in enumerate(told, 1) if name.startswith("before") or number == len(told)]
