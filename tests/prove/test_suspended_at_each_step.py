"""SIGSTOP between any two transactions, for longer than the lease: another daemon takes over.

The one that slept is fenced when it goes on.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.prove.jobs import CHILDREN, THREE_JOBS, definitions, schedule
from tests.prove.scene import Scene

pytestmark = pytest.mark.prove

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DUE, SLEPT = NOON + timedelta(seconds=5), 600.0
STORIES = {
    "an occurrence": (THREE_JOBS, schedule("noon")),
    "an occurrence that runs again": (THREE_JOBS, schedule("noon", rerun_interrupted=True)),
    "children": (CHILDREN, schedule("noon")),
    "children that run again": (CHILDREN, schedule("noon", rerun_interrupted=True)),
}
LEDGER = ("occurrence", "job_run", "job_output", "job_schedule", "schedule_event")
OTHERS = {"schedule_event": "WHERE event <> 'fenced'"}
"""That it let go is told in the audit, and not under the token that it lost."""


@pytest.mark.parametrize("name", STORIES)
def test_a_daemon_that_slept_longer_than_its_lease_is_fenced(name: str, tmp_path: Path) -> None:
    stage = Scene(tmp_path / "stage")
    stage.folder.mkdir()
    stage.define(definitions(*STORIES[name]))
    assert stage.run(NOON - timedelta(seconds=10), "run", "--once") == 0
    told = stage.copy("unharmed").steps(DUE, "run", "--once")
    for point in between_transactions(told):
        where = f"{told[point - 1]} (step {point})"
        scene = stage.copy(f"stopped-{point}")
        pid = scene.suspend(DUE, "run", "--once", step=point)
        later = DUE + timedelta(seconds=SLEPT)
        assert scene.run(later, "run", "--once") == 0, f"{where} {scene.command_log()}"
        scene.assert_lawful(later + timedelta(seconds=10))
        assert not scene.rows("SELECT * FROM occurrence WHERE status IN ('RUNNING', 'QUEUED')"), where
        before = [scene.rows(f"SELECT * FROM {table} {OTHERS.get(table, '')}") for table in LEDGER]
        assert scene.resume(pid, SLEPT) == 0, f"{where} {scene.command_log()}"
        after = [scene.rows(f"SELECT * FROM {table} {OTHERS.get(table, '')}") for table in LEDGER]
        assert before == after, where
        scene.assert_promises(later + timedelta(seconds=20))


def between_transactions(told: list[str]) -> list[int]:
    """Where nobody else waits for the stopped process, as they would for SQLite's one write lock."""
    found, within = [], False
    for number, name in enumerate(told, 1):
        within = (within or name == "after BEGIN") and name != "after COMMIT"
        if not within:
            found.append(number)
    return found
