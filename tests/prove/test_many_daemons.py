"""Any number of daemons on one database: nothing twice, nothing lost, and few that reach for the same."""

import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.prove.jobs import NEVER, ONE_JOB, SILENT_JOB, SLEEPER, definitions, schedule
from tests.prove.served import ServedScene, each, within

pytestmark = pytest.mark.prove

EACH_SECOND = schedule("work", "every second", mode="JOBS", jobs=["work"])
COMPLETED = "SELECT COUNT(*) FROM occurrence WHERE status = 'COMPLETED'"
LEASE = {"SCHEDULE_LOCK_TIMEOUT_MS": "10000", "SCHEDULE_HEARTBEAT_INTERVAL_MS": "1000"}
DAEMONS, SCHEDULES, SECONDS = 10, 200, 30


def test_ten_daemons_share_two_hundred_schedules(
    postgresql: ServedScene, record_property: Callable[[str, object], None]
) -> None:
    crowd = "".join(
        schedule(f"s{number}", "every second", mode="JOBS", jobs=["work"]) for number in range(SCHEDULES)
    )
    postgresql.define(definitions(SILENT_JOB, crowd))
    for _ in range(DAEMONS):
        postgresql.launch(SCHEDULE_LOG_LEVEL="DEBUG")
    postgresql.wait_for_row(f"SELECT COUNT(*) = {DAEMONS} FROM worker_instance")
    time.sleep(SECONDS)
    postgresql.stop_all()
    postgresql.assert_promises()
    by_worker = postgresql.rows("SELECT worker_id, COUNT(*) FROM occurrence GROUP BY 1")
    ran = sum(count for worker, count in by_worker if worker)
    lost = len(list(each(postgresql, "claim.lost")))
    record_property("claims", {"made": ran, "lost": lost})
    assert len([worker for worker, _ in by_worker if worker]) == DAEMONS
    assert lost <= ran * 0.1


@pytest.mark.parametrize("same_host", [True, False])
def test_what_a_killed_daemon_held_runs_again(served: ServedScene, same_host: bool) -> None:
    sleepy = schedule("nap", NEVER, mode="JOBS", jobs=["nap"], rerun_interrupted=True)
    served.define(definitions(SLEEPER + ONE_JOB, sleepy + EACH_SECOND))
    killed = served.start(**LEASE)
    served.call("trigger", "nap")
    served.wait_for(lambda: "nap" in {note[1] for note in served.notes()})
    served.start(**LEASE)
    served.wait_for_row(f"SELECT ({COMPLETED}) > 1")
    if not same_host:  # for all that its row tells
        served.change("UPDATE worker_instance SET boot_id = 'elsewhere' WHERE current_occurrence_id > 0")
    killed.kill()
    killed.wait()
    again = within(
        15, lambda: served.value("SELECT COUNT(*) FROM job_run WHERE job_name = 'nap' AND status = 'RUNNING'"
                                 " AND attempt = 2")
    )  # fmt: skip
    if same_host:
        assert again < 8
    served.living()[0].kill()


def test_what_a_killed_daemon_did_not_hold_is_on_time(served: ServedScene) -> None:
    sleepy = schedule("nap", NEVER, mode="JOBS", jobs=["nap"])
    served.define(definitions(SLEEPER + ONE_JOB, sleepy + EACH_SECOND))
    killed = served.start(**LEASE)
    served.call("trigger", "nap")
    served.wait_for(lambda: "nap" in {note[1] for note in served.notes()})
    served.start(**LEASE)
    served.wait_for_row(f"SELECT ({COMPLETED}) > 2")
    killed.kill()
    time.sleep(5)
    ran = "SELECT started_at, due_at FROM occurrence WHERE schedule_id = 'work' AND started_at IS NOT NULL"
    late = sorted(started - due for started, due in served.rows(f"{ran} ORDER BY id DESC LIMIT 4"))
    assert late[-1] < timedelta(seconds=1.5)
    served.stop_all()
    served.assert_promises()


def test_one_that_stood_still_past_its_lease_lets_go(served: ServedScene) -> None:
    sleepy = schedule("nap", NEVER, mode="JOBS", jobs=["nap"], rerun_interrupted=True)
    served.define(definitions(SLEEPER + ONE_JOB, sleepy + EACH_SECOND))
    hasty = {"SCHEDULE_LOCK_TIMEOUT_MS": "1500", "SCHEDULE_HEARTBEAT_INTERVAL_MS": "300"}
    first = served.start(**hasty)
    served.call("trigger", "nap")
    served.wait_for(lambda: "nap" in {note[1] for note in served.notes()})
    served.halt(first)
    served.start(**hasty)
    served.wait_for_row("SELECT 1 FROM job_run WHERE job_name = 'nap' AND attempt = 2")
    before = served.rows("SELECT * FROM job_run WHERE job_name = 'nap'")
    first.send_signal(signal.SIGCONT)
    served.wait_for(lambda: served.events("occurrence.fenced", 0))
    served.wait_for_row("SELECT 1 FROM schedule_event WHERE event = 'fenced'")
    assert before == served.rows("SELECT * FROM job_run WHERE job_name = 'nap'")
    served.daemons[1].kill()
    served.daemons[1].wait()
    done = served.value(COMPLETED)
    served.wait_for_row(f"SELECT ({COMPLETED}) > {done + 1}")
    served.stop_all()
    served.assert_lawful()


def test_a_request_is_heard_at_once(served: ServedScene) -> None:
    asked = schedule("asked", NEVER, mode="JOBS", jobs=["work"])
    served.define(definitions(SILENT_JOB, asked))
    served.start()
    limit = 0.2 if served.kind == "postgresql" else 1.3
    waits = []
    for _ in range(5):
        served.call("trigger", "asked", "--wait")
    rows = served.rows("SELECT requested_at, started_at FROM occurrence ORDER BY id")
    waits = sorted((started - requested).total_seconds() for requested, started in rows)
    assert len(waits) == 5
    assert waits[2] <= limit
