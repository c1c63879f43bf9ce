"""`scheduled health`: what is not well is named, with what to do about it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scheduled.health import Check, Health, health
from scheduled.settings import Settings
from scheduled.store import schema
from scheduled.store.database import Database
from scheduled.testing import ManualDaemon
from tests.cli_support import place_at
from tests.conftest import World, at

pytestmark = pytest.mark.only_on("sqlite", why="health asks a server for the time")


class Patient:
    """A daemon on a database file, and the checks that health makes of it."""

    def __init__(self, world: World, folder: Path) -> None:
        self.settings = Settings(database_url=f"sqlite:///{folder}/scheduled.db")
        self.world = world
        world.job("work", self.work)
        self.broken = False
        database = Database(self.settings.database_url, create=True)
        registry = world.registry(world.schedule("0 * * * *"))
        self.daemon = ManualDaemon(registry, now=at("12:10"), database=database)

    def work(self) -> None:
        if self.broken:
            raise ValueError

    def report(self, **settings: object) -> Health:
        return health(self.settings.model_copy(update=settings), self.daemon.clock)

    def check(self, name: str) -> Check:
        return next(check for check in self.report().checks if check.name == name)

    def sql(self, statement: str) -> None:
        with self.daemon.database.writing() as connection:
            connection.exec_driver_sql(statement)


@pytest.fixture
def patient(world: World, tmp_path: Path) -> Iterator[Patient]:
    made = Patient(world, tmp_path)
    yield made
    made.daemon.close()


def test_it_is_healthy_when_all_is_well(patient: Patient) -> None:
    patient.daemon.advance(hours=2)
    patient.daemon.beat()
    report = patient.report()
    assert report.healthy, report.as_json()
    assert set(report.as_json()["checks"][0]) == {"name", "ok", "message"}


def test_it_says_that_nobody_is_alive(patient: Patient) -> None:
    patient.daemon.stop()
    check = patient.check("daemon")
    assert not check.ok
    assert "was STOPPED 0 s ago. Start one: `scheduled run`" in check.message


def test_it_says_that_no_daemon_has_ever_run(patient: Patient) -> None:
    patient.sql("DELETE FROM worker_instance")
    assert "none has ever run" in patient.check("daemon").message


@pytest.mark.parametrize(
    ("minutes", "ok", "told"), [(1, True, "1 alive"), (3, True, "warning"), (6, False, "hangs")]
)
def test_it_looks_at_the_age_of_the_heartbeat(patient: Patient, minutes: int, ok: bool, told: str) -> None:
    patient.daemon.clock.advance(minutes=minutes)
    check = patient.check("daemon")
    assert check.ok is ok
    assert told in check.message


def test_it_allows_two_polls_to_a_daemon_that_only_polls(patient: Patient) -> None:
    patient.sql("UPDATE worker_instance SET poll_interval_ms = 3600000")
    patient.daemon.clock.advance(hours=1)
    checks = {
        check.name: check.ok for check in patient.report(wake="poll", poll_interval_ms=3_600_000).checks
    }
    assert (checks["daemon"], checks["overdue"]) == (True, True)


def test_it_finds_a_lock_that_outlived_its_lease(patient: Patient) -> None:
    moment = "2026-03-02 12:00:00.000000"
    patient.sql(
        f"UPDATE job_schedule SET locked_at = '{moment}', lock_expires_at = '{moment}', locked_by = 'x'"
    )
    assert patient.check("locks").message.startswith(
        "locks that outlived their lease or their holder: it (since"
    )
    patient.sql("UPDATE job_schedule SET locked_at = NULL, locked_by = NULL")


def test_it_finds_what_is_overdue(patient: Patient) -> None:
    patient.daemon.clock.advance(hours=1)
    assert "it (due 2026-03-02T13:00:00Z)" in patient.check("overdue").message


def test_it_finds_a_schedule_that_fails_again_and_again(patient: Patient) -> None:
    patient.broken = True
    patient.daemon.advance(hours=3)
    assert "it (3 times)" in patient.check("failing").message
    assert patient.check("success_rate").message.startswith("0.0% of 3 attempts")


def test_it_tells_why_new_definitions_did_not_load(patient: Patient) -> None:
    patient.sql(
        "INSERT INTO schedule_event (schedule_id, at, event, actor, data) VALUES "
        "('', '2026-03-02 12:20:00.000000', 'reload_failed', 'daemon', '{\"faults\": \"no such job\"}')"
    )
    assert "no such job" in patient.check("definitions").message


def test_it_tells_of_old_definitions_only_while_a_daemon_has_them(patient: Patient) -> None:
    patient.sql(
        "INSERT INTO schedule_event (schedule_id, at, event, actor, data) VALUES "
        "('', '2026-03-02 12:20:00.000000', 'reload_failed', 'daemon', '{\"faults\": \"no such job\"}')"
    )
    assert "the old ones stay. Mend them, and send SIGHUP again" in patient.check("definitions").message
    patient.daemon.stop()
    told = patient.check("definitions").message
    assert "did not load at 2026-03-02T12:20:00Z. Mend them, and start a daemon" in told
    assert "SIGHUP" not in told


def test_it_names_two_versions_of_the_definitions(patient: Patient, world: World) -> None:
    registry = world.registry(world.schedule("0 * * * *", description="new"))
    other = ManualDaemon(registry, now=at("12:10"), database=Database(patient.settings.database_url))
    patient.sql("UPDATE worker_instance SET status = 'RUNNING'")
    assert "run different versions" in patient.check("definitions").message
    other.close()


def test_it_finds_a_schedule_that_waits_beyond_its_time(patient: Patient) -> None:
    patient.daemon.advance(hours=5)
    patient.daemon.clock.step(hours=-4)
    assert "disable and enable" in patient.check("clock").message


def test_a_clock_that_is_a_little_behind_is_no_clock_that_was_set_back(patient: Patient) -> None:
    patient.daemon.advance_to(at("15:00"))  # so 15:00 has run, and 16:00 is the next
    patient.daemon.clock.step(seconds=-2)
    assert patient.check("clock").ok


def test_it_names_five_and_counts_the_rest(patient: Patient) -> None:
    then = "'2026-03-02 01:00:00.000000'"
    zeros = "0, 0, 0, 0"
    rows = ", ".join(
        f"('s{n}', 'code', '{{}}', 'h', 1, 0, {then}, {then}, {zeros}, {then}, {then})" for n in range(7)
    )
    patient.sql(
        "INSERT INTO job_schedule (id, source, definition, definition_hash, enabled, orphaned, ledger_from, "
        "next_run_at, run_count, failure_count, skipped_count, consecutive_failures, created_at, updated_at) "
        f"VALUES {rows}"
    )
    assert "and 2 more" in patient.check("overdue").message


def test_an_absent_database_is_unhealthy(tmp_path: Path) -> None:
    report = health(Settings(database_url=f"sqlite:///{tmp_path}/none.db"))
    assert not report.healthy
    assert "`scheduled run`" in report.checks[0].message


def test_a_database_at_another_revision_is_unhealthy(patient: Patient) -> None:
    patient.sql("UPDATE scheduled_version SET version_num = '0000'")
    assert [check.ok for check in patient.report().checks] == [False]
    patient.sql(f"UPDATE scheduled_version SET version_num = '{schema.HEAD}'")


def test_the_command_exits_1_when_something_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place_at(tmp_path, monkeypatch) as place:
        assert "BAD  database" in place.out("health", status=1)


def test_the_command_reports_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place_at(tmp_path, monkeypatch) as place:
        place.lived(hours=1)
        report = place.json("health", status=1)
        assert {check["name"] for check in report["checks"]} >= {"daemon", "overdue", "definitions"}


def test_it_sees_that_the_process_of_a_daemon_is_gone(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient.daemon.advance(hours=1)
    monkeypatch.setattr("scheduled.presence.alive", lambda pid, started: False)
    assert "its process is gone" in patient.check("daemon").message
    assert not patient.check("daemon").ok


def test_it_sees_that_the_holder_of_a_lock_is_gone(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    patient.daemon.advance(hours=1)
    patient.sql(
        "UPDATE job_schedule SET locked_at = next_run_at, lock_expires_at = '2030-01-01 00:00:00.000000', "
        "locked_by = (SELECT id FROM worker_instance)"
    )
    monkeypatch.setattr("scheduled.presence.alive", lambda pid, started: False)
    assert "is gone" in patient.check("locks").message


def test_it_sees_that_whoever_lives_has_other_definitions(patient: Patient) -> None:
    other = patient.world.registry(patient.world.schedule("30 * * * *"))
    ManualDaemon(other, database=patient.daemon.database, clock=patient.daemon.clock).stop()
    patient.sql(
        "UPDATE worker_instance SET started_at = '2026-03-02 12:20:00.000000' WHERE status = 'STOPPED'"
    )
    patient.sql("UPDATE worker_instance SET status = 'RUNNING' WHERE status = 'LOST'")  # of the same pid
    assert "stands aside" in patient.check("definitions").message
