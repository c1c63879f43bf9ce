"""The daemon as a process: started, stopped, killed, reloaded."""

import os
import signal
import time

import pytest

from tests.acceptance.conftest import DEFINITIONS, Place

pytestmark = pytest.mark.acceptance

RUNS_SLEEPY = "SELECT id FROM job_run WHERE job_name = 'sleepy' AND status = 'RUNNING'"


def test_it_runs_what_is_due_and_writes_its_history(place: Place) -> None:
    place.start()
    place.wait_for_row("SELECT 1 FROM occurrence WHERE status = 'COMPLETED'")
    run = place.rows("SELECT job_name, status FROM job_run ORDER BY id LIMIT 2")
    assert run == [("first", "COMPLETED"), ("second", "COMPLETED")]
    assert place.value("SELECT output FROM job_output WHERE output <> ''") == "hello from first\n"


def test_it_stops_in_good_order_on_sigterm(place: Place) -> None:
    daemon = place.start()
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    assert place.value("SELECT status FROM worker_instance") == "STOPPED"
    assert place.value("SELECT COUNT(*) FROM job_schedule WHERE locked_by IS NOT NULL") == 0


def test_it_lets_the_running_job_finish_within_the_grace(place: Place) -> None:
    daemon = place.start()
    place.call("trigger", "short")
    place.wait_for(lambda: (place.folder / "short.started").exists())
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    assert place.value("SELECT status FROM job_run WHERE job_name = 'short'") == "COMPLETED"


def test_it_interrupts_the_running_job_when_the_grace_is_over(place: Place) -> None:
    daemon = place.start(SCHEDULE_SHUTDOWN_GRACE_MS="300")
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    found = place.rows("SELECT status, reason FROM job_run WHERE job_name = 'sleepy'")
    assert found == [("INTERRUPTED", "shutdown")]


def test_it_interrupts_at_once_on_a_second_signal(place: Place) -> None:
    daemon = place.start()
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    daemon.send_signal(signal.SIGTERM)
    place.wait_for(lambda: daemon.poll() is None)
    daemon.send_signal(signal.SIGINT)
    assert daemon.wait(10) == 0
    assert place.value("SELECT status FROM occurrence WHERE schedule_id = 'slow'") == "INTERRUPTED"


def test_it_cancels_a_running_job_at_once(place: Place) -> None:
    place.start()
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    occurrence = place.value("SELECT id FROM occurrence WHERE schedule_id = 'slow'")
    assert place.call("cancel", str(occurrence)).returncode == 0
    place.wait_for_row(f"SELECT 1 FROM occurrence WHERE id = {occurrence} AND status = 'CANCELLED'")


def test_it_makes_the_rows_of_a_killed_daemon_true(place: Place) -> None:
    daemon = place.start()
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    daemon.kill()
    daemon.wait()
    place.start()
    place.wait_for_row("SELECT 1 FROM job_run WHERE job_name = 'sleepy' AND status = 'INTERRUPTED'")
    assert place.value("SELECT status FROM worker_instance ORDER BY started_at") == "LOST"
    assert place.value("SELECT COUNT(*) FROM schedule_event WHERE event = 'lock_reaped'") == 1


def test_it_kills_what_a_command_started_when_the_daemon_is_killed(place: Place) -> None:
    daemon = place.start()
    place.call("trigger", "napping")
    pid = place.wait_for_row("SELECT pid FROM job_run WHERE job_name = 'nap' AND status = 'RUNNING'")
    daemon.kill()
    daemon.wait()
    place.wait_for(lambda: not os.path.exists(f"/proc/{pid}"))


def test_it_runs_an_interrupted_occurrence_again_once_if_told_so(place: Place) -> None:
    daemon = place.start()
    place.call("trigger", "again")
    place.wait_for_row(RUNS_SLEEPY)
    daemon.kill()
    daemon.wait()
    place.start()
    place.wait_for_row(
        "SELECT 1 FROM job_run WHERE job_name = 'sleepy' AND attempt = 2 AND status = 'RUNNING'"
    )
    assert place.value("SELECT COUNT(*) FROM occurrence WHERE schedule_id = 'again'") == 1


def test_it_reloads_the_definitions_on_sighup(place: Place) -> None:
    daemon = place.start()
    place.define(DEFINITIONS.replace('id="slow", name="Slow"', 'id="slower", name="Slower"'))
    daemon.send_signal(signal.SIGHUP)
    place.wait_for_row("SELECT 1 FROM job_schedule WHERE id = 'slower'")
    assert place.value("SELECT orphaned FROM job_schedule WHERE id = 'slow'") == 1
    assert daemon.poll() is None


def test_it_heeds_a_reload_that_comes_while_it_reloads(place: Place) -> None:
    daemon = place.start()
    daemon.send_signal(signal.SIGHUP)
    place.wait_for(lambda: place.events("daemon.stopped"))
    place.define(DEFINITIONS.replace('id="slow", name="Slow"', 'id="slower", name="Slower"'))
    daemon.send_signal(signal.SIGHUP)
    while not place.events("daemon.started")[1:]:
        assert daemon.poll() is None
        daemon.send_signal(signal.SIGHUP)
    place.wait_for_row("SELECT 1 FROM job_schedule WHERE id = 'slower'")
    place.wait_for(lambda: place.events("daemon.started")[2:])


def test_it_checks_once_what_is_asked_for_many_times_at_once(place: Place) -> None:
    daemon = place.start()
    place.define(DEFINITIONS + "with open('loads', 'a') as loads: print('loaded', file=loads)\n")
    for _ in range(50):
        daemon.send_signal(signal.SIGHUP)
        time.sleep(0.001)
    place.wait_for(lambda: place.events("daemon.started")[1:])
    assert len((place.folder / "loads").read_text().splitlines()) < 10


def test_it_withdraws_a_reload_whose_definitions_break_before_it_comes(place: Place) -> None:
    daemon = place.start()
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    daemon.send_signal(signal.SIGHUP)
    place.wait_for(lambda: place.events("daemon.reloading"))
    place.define("schedules = [")
    daemon.send_signal(signal.SIGHUP)
    place.wait_for(lambda: place.events("definitions.rejected"))
    place.call("cancel", str(place.value("SELECT id FROM occurrence WHERE schedule_id = 'slow'")))
    done = place.value("SELECT COUNT(*) FROM occurrence")
    place.wait_for_row(f"SELECT COUNT(*) > {done} + 1 FROM occurrence")
    assert daemon.poll() is None


def test_it_keeps_the_old_definitions_when_the_new_ones_do_not_load(place: Place) -> None:
    daemon = place.start()
    place.define("schedules = [")
    daemon.send_signal(signal.SIGHUP)
    place.wait_for(lambda: place.events("definitions.rejected"))
    done = place.value("SELECT COUNT(*) FROM occurrence")
    place.wait_for_row(f"SELECT COUNT(*) > {done} FROM occurrence")


def test_two_daemons_run_no_occurrence_twice(place: Place) -> None:
    place.start()
    place.start()
    place.wait_for_row("SELECT COUNT(*) >= 6 FROM job_run WHERE status = 'COMPLETED'")
    twice = "SELECT occurrence_id, job_name FROM job_run GROUP BY occurrence_id, job_name HAVING COUNT(*) > 1"
    assert place.rows(twice) == []


def test_it_runs_what_is_due_once_and_exits(place: Place) -> None:
    place.call("run", "--once")
    place.call("enable", "quick")
    done = place.call("run", "--once")
    assert done.returncode == 0
    assert place.value("SELECT COUNT(*) FROM worker_instance WHERE status = 'STOPPED'") == 2


def test_it_runs_a_request_inline_without_a_daemon(place: Place) -> None:
    place.call("run", "--once")
    done = place.call("trigger", "quick", "--inline")
    assert done.returncode == 0, done.stderr
    assert place.rows("SELECT job_name, status FROM job_run WHERE \"trigger\" = 'MANUAL' ORDER BY id") == [
        ("first", "COMPLETED"),
        ("second", "COMPLETED"),
    ]


def test_it_names_the_holder_when_an_inline_run_finds_the_schedule_locked(place: Place) -> None:
    place.start()
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    done = place.call("trigger", "slow", "--inline")
    assert done.returncode == 1
    assert f"/{place.daemons[0].pid}" in done.stderr


def test_it_waits_for_a_request_and_exits_by_its_outcome(place: Place) -> None:
    place.start()
    done = place.call("trigger", "quick", "--wait")
    assert done.returncode == 0
    assert "COMPLETED" in done.stdout


def test_it_says_so_when_the_daemon_is_disabled(place: Place) -> None:
    done = place.call("run", SCHEDULE_DAEMON_ENABLED="false")
    assert done.returncode == 0
    assert "SCHEDULE_DAEMON_ENABLED" in done.stdout + done.stderr


LEFT_BEHIND = """
import atexit, threading, time
from scheduled import Schedule, job

@job
def leaves_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(600,)).start()
    atexit.register(time.sleep, 300)

@job
def swallows_everything() -> None:
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass

schedules = [
    Schedule(id="leaves", name="Leaves", cron="0 0 1 1 *", mode="JOBS", jobs=["leaves-a-thread"]),
    Schedule(id="stubborn", name="Stubborn", cron="0 0 1 1 *", mode="JOBS", jobs=["swallows-everything"]),
]
"""


def test_it_stops_although_a_job_left_a_thread_behind(place: Place) -> None:
    place.define(LEFT_BEHIND)
    daemon = place.start()
    assert place.call("trigger", "leaves", "--wait").returncode == 0
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(10) == 0


def test_it_stops_although_a_job_swallows_every_interrupt(place: Place) -> None:
    place.define(LEFT_BEHIND)
    daemon = place.start(SCHEDULE_SHUTDOWN_GRACE_MS="200")
    place.call("trigger", "stubborn")
    place.wait_for_row("SELECT 1 FROM job_run WHERE status = 'RUNNING'")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(20) == 0
    assert place.rows("SELECT status FROM job_run") == [("INTERRUPTED",)]
    assert place.value("SELECT status FROM worker_instance") == "STOPPED"
    assert place.value("SELECT COUNT(*) FROM job_schedule WHERE locked_by IS NOT NULL") == 0


def test_an_idle_daemon_takes_over_at_once_what_a_killed_one_held(place: Place) -> None:
    place.define(DEFINITIONS.replace('cron="every second"', 'cron="0 0 1 1 *"'))
    killed = place.start()
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    place.start()
    killed.kill()
    killed.wait()
    place.wait_for_row("SELECT 1 FROM job_run WHERE job_name = 'sleepy' AND status = 'INTERRUPTED'")


def test_a_daemon_that_only_polls_notices_a_cancellation_at_its_poll(place: Place) -> None:
    place.start("--poll-interval", "500ms", SCHEDULE_WAKE="poll")
    place.call("trigger", "slow")
    place.wait_for_row(RUNS_SLEEPY)
    occurrence = place.value("SELECT id FROM occurrence WHERE schedule_id = 'slow'")
    place.call("cancel", str(occurrence))
    place.wait_for_row(f"SELECT 1 FROM occurrence WHERE id = {occurrence} AND status = 'CANCELLED'")


def test_a_reload_that_would_not_start_again_is_refused(place: Place) -> None:
    daemon = place.start()
    (place.folder / ".env").write_text("SCHEDULE_DEFINITIONS=nothere.py\n")
    daemon.send_signal(signal.SIGHUP)
    place.wait_for(lambda: place.events("definitions.rejected"))
    assert daemon.poll() is None
