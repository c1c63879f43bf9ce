"""The public Daemon, on a thread of its own within an application: here, within these tests."""

import atexit
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import scheduled
from scheduled import Daemon, Registry, Schedule, Settings, collecting, command, job
from scheduled.commands import Commands
from scheduled.control import Control
from scheduled.engine import Engine
from scheduled.errors import (
    ConflictError,
    DatabaseError,
    DatabaseUnavailableError,
    DefinitionsError,
    SchemaError,
    UsageError,
)
from scheduled.lifeline import Lifeline
from scheduled.store import rows
from scheduled.store.database import Database
from scheduled.store.schema import prepare
from tests.patience import PATIENCE
from tests.test_sidework import eventually


class Application:
    """One with a daemon in it, that has a schedule `it` which is only run on request."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(
            database_url=f"sqlite:///{folder}/scheduled.db",
            definitions=str(folder / "schedules.py"),
            shutdown_grace_ms=0,
        )
        self.began = threading.Event()
        self.may_end = threading.Event()
        self.made: list[Daemon] = []

    def daemon(self, *schedules: Schedule, **settings: Any) -> Daemon:
        listed = schedules or (Schedule(id="it", name="It", cron="0 0 1 1 *"),)
        chosen = self.settings.model_copy(update=settings)
        if not collecting.jobs():
            self.job()
        self.made.append(Daemon(chosen, Registry.of(listed)))
        return self.made[-1]

    def job(self, body: Callable[[], object] = lambda: None, **options: Any) -> None:
        """Define the job `work`."""

        def work() -> None:
            body()

        job(name="work", **options)(work)

    def wait(self) -> None:
        """What a job does that goes on until it is interrupted, or told that it may end."""
        self.began.set()
        while not self.may_end.wait(0.01):
            pass

    def trigger(self) -> int:
        with self.database() as database:
            return Commands(database, "test", 60).trigger("it").occurrence_id

    def database(self) -> "_Open":
        return _Open(self.settings.database_url)

    def started(self, daemon: Daemon) -> Daemon:
        """The daemon, when it runs the job."""
        daemon.start()
        self.trigger()
        assert self.began.wait(PATIENCE)
        return daemon

    def runs(self) -> list[tuple[str, str, str | None]]:
        with self.database() as database:
            return [(run["job_name"], run["status"], run["reason"]) for run in rows.runs(database)]

    def ended(self, count: int = 1) -> list[tuple[str, str, str | None]]:
        """The attempts, when so many have ended."""
        eventually(lambda: len([run for run in self.runs() if run[1] != "RUNNING"]) >= count)
        return self.runs()

    def one(self, query: str) -> Any:
        with self.database() as database, database.reading() as connection:
            return connection.exec_driver_sql(query).scalar()


class _Open:
    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def __enter__(self) -> Database:
        return self._database

    def __exit__(self, *_error: object) -> None:
        self._database.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    made = Application(tmp_path)
    yield made
    made.may_end.set()
    for daemon in made.made:
        daemon.stop()
        atexit.unregister(daemon._at_exit)


def test_it_runs_on_a_thread_of_its_own(app: Application) -> None:
    threads: list[threading.Thread] = []
    app.job(lambda: threads.append(threading.current_thread()))
    with app.daemon() as daemon:
        assert daemon.status().running
        app.trigger()
        assert app.ended() == [("work", "COMPLETED", None)]
    assert [thread.name for thread in threads] == ["scheduled"]
    assert app.one("SELECT status FROM worker_instance") == "STOPPED"


def test_starting_twice_is_refused(app: Application) -> None:
    daemon = app.daemon()
    app.job(app.wait)
    daemon.start()
    with pytest.raises(ConflictError, match="running already"):
        daemon.start()
    with pytest.raises(ConflictError, match="running already"):
        daemon.run()


def test_it_is_refused_while_it_is_stopping(app: Application) -> None:
    app.job(app.wait)
    daemon = app.started(app.daemon(shutdown_grace_ms=60_000))
    stopping = threading.Thread(target=daemon.stop)
    stopping.start()
    eventually(lambda: daemon.status().stopping)
    with pytest.raises(ConflictError, match="still stopping"):
        daemon.start()
    app.may_end.set()
    stopping.join()
    assert app.runs() == [("work", "COMPLETED", None)]


def test_it_can_be_started_again(app: Application) -> None:
    daemon = app.daemon()
    for count in (1, 2):
        with daemon:
            app.trigger()
            app.ended(count)
    assert app.one("SELECT COUNT(*) FROM worker_instance WHERE status = 'STOPPED'") == 2


def test_the_status_tells_what_runs(app: Application) -> None:
    app.job(app.wait)
    daemon = app.daemon()
    assert daemon.status() == scheduled.DaemonStatus(running=False)
    app.started(daemon)
    status = daemon.status()
    assert status.running
    assert status.current is not None
    assert (status.current.schedule_id, status.current.job) == ("it", "work")
    assert status.worker_id == app.one("SELECT id FROM worker_instance")
    app.may_end.set()
    eventually(lambda: daemon.status().current is None)
    assert daemon.status().jobs_processed == 1
    daemon.stop()
    assert not daemon.status().running


def test_check_now_looks_for_work_at_once(app: Application) -> None:
    with app.daemon(wake="poll", poll_interval_ms=3_600_000) as daemon:
        app.trigger()
        daemon.check_now()
        assert app.ended() == [("work", "COMPLETED", None)]


def test_check_now_is_refused_when_it_is_not_running(app: Application) -> None:
    with pytest.raises(ConflictError, match="start\\(\\) it first"):
        app.daemon().check_now()


def test_stopping_what_does_not_run_does_nothing(app: Application) -> None:
    app.daemon().stop()


def test_a_timeout_interrupts_at_the_next_bytecode(app: Application) -> None:
    app.job(app.wait, timeout=0.05)
    with app.daemon():
        app.trigger()
        assert app.ended() == [("work", "TIMED_OUT", None)]


def test_a_command_times_out_too(app: Application) -> None:
    command("work", "sleep 60", timeout=0.05)
    with app.daemon():
        app.trigger()
        assert app.ended() == [("work", "TIMED_OUT", None)]


def test_a_stop_interrupts_after_the_grace(app: Application) -> None:
    app.job(app.wait)
    app.started(app.daemon()).stop()
    assert app.runs() == [("work", "INTERRUPTED", "shutdown")]
    assert app.one("SELECT locked_by FROM job_schedule") is None


def test_a_second_stop_interrupts_at_once(app: Application) -> None:
    app.job(app.wait)
    daemon = app.started(app.daemon(shutdown_grace_ms=3_600_000))
    first = threading.Thread(target=daemon.stop)
    first.start()
    eventually(lambda: daemon.status().stopping)
    daemon.stop()
    first.join()
    assert app.runs() == [("work", "INTERRUPTED", "shutdown")]


def test_a_stop_returns_although_the_database_never_answers_its_farewell(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduled.sidework.OVERSTAYED_SECONDS", 0.2)
    monkeypatch.setattr("scheduled.lifeline.Lifeline.stop", lambda *_: app.may_end.wait(PATIENCE))
    daemon = app.daemon().start()
    daemon.stop()
    assert not app.may_end.is_set()
    app.may_end.set()
    eventually(lambda: not any(thread.name == "scheduled" for thread in threading.enumerate()))


def test_a_job_may_stop_it(app: Application) -> None:
    app.job(lambda: app.made[0].stop())
    with app.daemon(shutdown_grace_ms=3_600_000):
        app.trigger()
        app.ended()
    assert app.runs() == [("work", "COMPLETED", None)]


def test_a_job_that_does_not_end_is_left_to_its_thread(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduled.control.STUBBORN_SECONDS", 0.3)

    def block() -> None:
        app.began.set()
        app.may_end.wait(PATIENCE)

    app.job(block)
    found = sys.stdout
    daemon = app.started(app.daemon())
    left = threading.enumerate()
    daemon.stop()
    assert not daemon.status().running
    assert sys.stdout is found
    assert app.runs() == [("work", "INTERRUPTED", "holder_lost")]
    assert app.one("SELECT status FROM worker_instance") == "STOPPED"

    app.may_end.set()  # what it does now changes nothing any more
    next(thread for thread in left if thread.name == "scheduled").join()
    assert app.runs() == [("work", "INTERRUPTED", "holder_lost")]
    daemon.start()
    assert daemon.status().running


def test_its_output_is_captured_and_that_of_others_is_not(
    app: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        sys.stdout.write("the job's\n")
        app.wait()

    app.job(work)
    app.started(app.daemon())
    sys.stdout.write("the application's\n")
    app.may_end.set()
    app.ended()
    assert app.one("SELECT output FROM job_output") == "the job's\n"
    assert capsys.readouterr().out == "the application's\n"


def test_it_gives_back_the_streams(app: Application) -> None:
    found = sys.stdout, sys.stderr
    with app.daemon():
        assert sys.stdout is not found[0]
    assert (sys.stdout, sys.stderr) == found


def test_what_happens_is_told_to_the_applications_logging(
    app: Application, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="scheduled")
    app.job(lambda: sys.stdout.write("hello\n"))
    with app.daemon():
        app.trigger()
        app.ended()
    records = {record.event: record for record in caplog.records if record.name == "scheduled"}  # type: ignore[attr-defined]
    assert list(records)[-1] == "daemon.stopped"
    assert records["job.finished"].fields["status"] == "COMPLETED"  # type: ignore[attr-defined]
    assert "job=work" in records["job.finished"].getMessage()
    assert records["job.output"].fields["line"] == "hello"  # type: ignore[attr-defined]
    assert "job.started" not in records
    assert app.one("SELECT output FROM job_output") == "hello\n"


def test_a_daemon_that_breaks_says_why(
    app: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def step(_engine: Engine) -> None:
        raise ZeroDivisionError("broken")

    monkeypatch.setattr(Engine, "step", step)
    daemon = app.daemon().start()
    eventually(lambda: not daemon.status().running)
    assert daemon.status().error == "ZeroDivisionError: broken"
    assert "daemon.failed" in caplog.text
    assert app.one("SELECT status FROM worker_instance") == "STOPPED"


def test_a_database_that_is_away_at_the_end_does_not_keep_it(
    app: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stop(*_arguments: object) -> None:
        raise DatabaseUnavailableError("gone fishing")

    monkeypatch.setattr(Lifeline, "stop", stop)
    with app.daemon():
        pass
    assert "daemon.left" in caplog.text
    assert app.one("SELECT status FROM worker_instance") == "RUNNING"


def test_it_does_not_start_when_it_is_disabled(app: Application, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    daemon = app.daemon(daemon_enabled=False).start()
    daemon.run()
    assert not daemon.status().running
    assert "daemon.disabled by=SCHEDULE_DAEMON_ENABLED" in caplog.text


def test_faults_of_the_definitions_are_raised_when_it_starts(app: Application) -> None:
    (app.folder / "schedules.py").write_text(
        "from scheduled import Schedule\nschedules = [Schedule(id='?')]\n"
    )
    daemon = Daemon(app.settings)
    with pytest.raises(DefinitionsError, match="not a valid name"):
        daemon.start()
    assert not daemon.status().running


def test_it_loads_the_definitions_that_the_settings_name(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    (app.folder / "schedules.py").write_text(
        "from scheduled import Schedule, job\njob(name='work')(lambda: None)\n"
        "schedules = [Schedule(id='it', name='It', cron='0 0 1 1 *'),"
        " Schedule(id='dev', name='Dev', cron='@daily', environments=['development'])]\n"
    )
    monkeypatch.setattr(sys, "path", list(sys.path))
    with Daemon(app.settings):
        app.trigger()
        app.ended()
    sys.modules.pop("schedules", None)
    assert app.one("SELECT COUNT(*) FROM job_schedule") == 1


def test_a_database_at_the_wrong_revision_is_told_when_it_starts(app: Application) -> None:
    database = Database(app.settings.database_url, create=True)
    prepare(database, auto_migrate=True)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE scheduled_version SET version_num = '9999'")
    database.close()
    with pytest.raises(SchemaError, match="install the newer scheduled"):
        app.daemon().start()


def test_a_database_that_is_none_is_told_when_it_starts(app: Application) -> None:
    (app.folder / "scheduled.db").write_text("this is no database, however long it may be\n" * 100)
    with pytest.raises(DatabaseError, match="not a database"):
        app.daemon().start()


def test_a_start_that_fails_leaves_nothing_behind(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Engine.begin

    def fail(engine: Engine) -> None:
        begin(engine)
        raise DatabaseUnavailableError("the disk is full")

    found, threads = sys.stdout, threading.active_count()
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "begin", fail)
        with pytest.raises(DatabaseUnavailableError):
            app.daemon().start()
    assert (sys.stdout, threading.active_count()) == (found, threads)
    assert app.one("SELECT status FROM worker_instance") == "STOPPED"
    app.made[0].start()


def test_a_process_that_was_forked_has_no_daemon(app: Application) -> None:
    with app.daemon() as daemon:
        read, write = os.pipe()
        pid = os.fork()
        if not pid:
            daemon._at_exit()
            os.write(write, repr(daemon.status().running).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        assert os.read(read, 10) == b"False"
        assert daemon.status().running
        os.close(read)
        os.close(write)


def test_what_was_forgotten_is_interrupted_at_exit(app: Application) -> None:
    app.job(app.wait)
    daemon = app.started(app.daemon(shutdown_grace_ms=3_600_000))
    daemon._at_exit()
    assert app.runs() == [("work", "INTERRUPTED", "shutdown")]
    daemon._at_exit()


def test_run_belongs_to_the_main_thread(app: Application) -> None:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            app.daemon().run()
        except UsageError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert "belongs to the main thread" in str(raised[0])


def test_run_runs_on_the_main_thread_until_it_is_stopped(app: Application) -> None:
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        elsewhere.start()

    app.job(work)
    daemon = app.daemon(shutdown_grace_ms=60_000)
    with app.daemon():  # so that the database knows the schedule
        pass
    app.trigger()
    elsewhere = threading.Thread(target=daemon.stop)
    daemon.run()
    elsewhere.join()
    assert threads == [threading.main_thread()]
    assert not daemon.status().running
    assert app.runs() == [("work", "COMPLETED", None)]


def test_run_starts_afresh_after_a_reload(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    afresh: list[bool] = []
    monkeypatch.setattr("scheduled.embedding.start_afresh", lambda: afresh.append(True))
    monkeypatch.setattr(Control, "reloading", True, raising=False)
    monkeypatch.setattr(Control, "__setattr__", _but_for_reloading)
    app.daemon().run()
    assert afresh == [True]


def _but_for_reloading(control: Control, name: str, value: object) -> None:
    if name != "reloading":
        object.__setattr__(control, name, value)


def output_of(app: Application) -> Any:
    with app.database() as database, database.reading() as connection:
        return connection.exec_driver_sql("SELECT output FROM job_output").scalar()


@pytest.mark.parametrize("wake", ["exact", "poll"])
def test_what_a_job_prints_can_be_read_while_it_runs(app: Application, wake: str) -> None:
    def work() -> None:
        sys.stdout.write("half way\n")
        app.wait()

    app.job(work)
    app.started(app.daemon(wake=wake, poll_interval_ms=100))
    eventually(lambda: output_of(app) == "half way\n")
    assert app.runs() == [("work", "RUNNING", None)]


def test_what_a_command_prints_can_be_read_while_it_runs(app: Application) -> None:
    command("work", "echo half way; sleep 100")
    app.daemon().start()
    app.trigger()
    eventually(lambda: output_of(app) == "half way\n")
    assert app.runs() == [("work", "RUNNING", None)]


ISOLATED = """
import time
from scheduled import JobContext, Schedule, job

@job(name="work", isolation="process")
def work(ctx: JobContext):
    print("half way")
    ctx.progress(1, 2)
    time.sleep(100)

schedules = [Schedule(id="it", name="It", cron="0 0 1 1 *")]
"""


def test_what_an_isolated_job_tells_can_be_read_while_it_runs(app: Application) -> None:
    (app.folder / "schedules.py").write_text(ISOLATED)
    app.made.append(Daemon(app.settings).start())
    app.trigger()
    eventually(lambda: output_of(app) == "half way\n")
    assert app.one("SELECT progress_done FROM job_run WHERE status = 'RUNNING'") == 1


def test_it_plans_at_once_when_somebody_asks_for_a_check(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    look = Engine._look

    def count(engine: Engine, *arguments: Any) -> Any:
        looked.append(1)
        return look(engine, *arguments)

    monkeypatch.setattr(Engine, "_look", count)
    app.daemon().start()
    eventually(lambda: looked)
    before = -1
    while len(looked) != before:  # it hears of its own start, too
        before = len(looked)
        threading.Event().wait(0.5)
    with app.database() as database:
        Commands(database, "test", 60).check_now()
    eventually(lambda: len(looked) > before)
