"""What `scheduled.testing` gives to those who test their own schedules.py."""

import gc
import logging
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduled import Registry, Schedule, SkipJob, command, job
from scheduled.errors import UnknownNameError
from scheduled.testing import START, ManualDaemon, manual_daemon
from tests.conftest import World, at

OWN = Path(__file__).parent.parent / "schedules.py"


def ends(daemon: ManualDaemon) -> list[tuple[str, str]]:
    return [(run["job_name"], run["status"]) for run in daemon.runs()]


def test_a_stub_takes_its_time_and_returns_its_value(world: World) -> None:
    seen: list[Any] = []
    world.job("load")

    def score(ctx: Any) -> None:
        seen.append(ctx.results["load"])

    score.__annotations__["ctx"] = "JobContext"
    job(depends_on=["load"])(score)
    daemon = world.start(now=at("12:00"))
    daemon.stub("load", seconds=90, returns={"rows": 3})
    daemon.run_due()
    assert (world.called, seen) == ([], [{"rows": 3}])
    assert daemon.runs()[0]["duration_ms"] == 90_000


def test_a_command_and_an_isolated_job_can_be_stubbed(world: World, tmp_path: Path) -> None:
    command("backup", f"touch {tmp_path}/made", env={"A": "1"}, cwd=str(tmp_path))
    job(name="apart", isolation="process")(lambda: None)
    daemon = world.start(now=at("12:00"))
    daemon.stub("backup", "apart")
    daemon.run_due()
    assert ends(daemon) == [("backup", "COMPLETED"), ("apart", "COMPLETED")]
    assert list(tmp_path.iterdir()) == []


def test_all_jobs_are_stubbed_if_none_is_named(world: World) -> None:
    world.job("one")
    world.job("two")
    daemon = world.start(now=at("12:00"))
    daemon.stub(seconds=1)
    daemon.run_due()
    assert world.called == []
    assert ends(daemon) == [("one", "COMPLETED"), ("two", "COMPLETED")]


@pytest.mark.parametrize(
    ("raises", "status"), [(ValueError("broken"), "FAILED"), (SkipJob("nothing to do"), "SKIPPED")]
)
def test_a_stub_may_raise(world: World, raises: Exception, status: str) -> None:
    daemon = world.start(now=at("12:00"))
    daemon.stub("work", raises=raises)
    daemon.run_due()
    assert ends(daemon) == [("work", status)]


def test_a_stub_that_takes_too_long_times_out(world: World) -> None:
    world.job("work", timeout=60)
    daemon = world.start(now=at("12:00"))
    daemon.stub("work", seconds=61)
    daemon.run_due()
    assert ends(daemon) == [("work", "TIMED_OUT")]


def test_stubs_outlive_a_restart_and_a_deploy(world: World) -> None:
    daemon = world.start(now=at("12:00"))
    daemon.stub("work")
    daemon.down(seconds=30)
    daemon.run_due()
    daemon.stop()
    daemon.start(world.registry(world.schedule("30 * * * *")))
    daemon.advance(hours=1)
    assert world.called == []
    assert len(daemon.ran("it")) == 2


def test_stubbing_changes_no_definition(world: World) -> None:
    daemon = world.start(now=at("12:00"))
    registry = world.registry(world.schedule())
    daemon.stub("work")
    assert registry.jobs["work"].function is not daemon.registry.jobs["work"].function
    assert daemon.registry.hashes == registry.hashes


def test_it_knows_no_job_of_another_name(world: World) -> None:
    daemon = world.start(now=at("12:00"))
    with pytest.raises(UnknownNameError, match="did you mean 'work'"):
        daemon.stub("wrok")


def test_a_misspelt_schedule_is_no_schedule_that_never_ran(world: World) -> None:
    daemon = world.start(now=at("12:00"))
    for ask in (daemon.ran, daemon.skipped, daemon.ledger):
        with pytest.raises(UnknownNameError, match="there is no schedule 'ti'"):
            ask("ti")


def test_it_switches_all_on_and_off_if_none_is_named(world: World) -> None:
    daemon = world.start_with(
        world.schedule(id="a", enabled_by_default=False), world.schedule(id="b"), now=at("11:30")
    )
    daemon.enable()
    assert [daemon.schedule(name)["enabled"] for name in "ab"] == [True, True]
    daemon.disable()
    assert [daemon.schedule(name)["enabled"] for name in "ab"] == [False, False]


def test_time_that_passes_ends_with_a_heartbeat_as_of_its_time(world: World) -> None:
    daemon = world.start(now=at("12:10"))
    daemon.advance(minutes=10, seconds=10)
    with daemon.database.reading() as connection:
        beat = connection.exec_driver_sql("SELECT last_heartbeat_at FROM worker_instance").scalar()
    assert str(beat).startswith("2026-03-02 12:20:00")


def test_it_leaves_the_garbage_collector_as_it_was(world: World) -> None:
    found = gc.get_threshold()
    world.start(now=at("12:10")).advance(hours=1)
    assert gc.get_threshold() == found


def test_it_leaves_logging_as_it_was() -> None:
    found = list(logging.root.handlers), logging.root.level
    job(name="work")(lambda: logging.getLogger("shop").info("a line"))
    it = Schedule(id="it", name="It", cron="@hourly", enabled_by_default=True)
    with manual_daemon(Registry.of([it])) as daemon:
        daemon.run_due()
        assert ends(daemon) == [("work", "COMPLETED")]
    assert (logging.root.handlers, logging.root.level) == found


def test_isolated_jobs_are_loaded_from_the_definitions_that_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "plan.py"
    file.write_text(
        "from scheduled import Schedule, job\n"
        "@job(isolation='process')\ndef work(): return 7\n"
        "schedules = [Schedule(id='it', name='It', cron='@hourly', enabled_by_default=True)]\n"
    )
    with manual_daemon(str(file)) as daemon:
        daemon.run_due()
        assert ends(daemon) == [("work", "COMPLETED")]
    sys.modules.pop("plan", None)


def test_a_week_of_the_own_schedules_is_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    with manual_daemon(str(OWN)) as daemon:
        daemon.enable()
        daemon.stub(seconds=2)
        daemon.advance_to(START + timedelta(days=7) - timedelta(seconds=1))
        ran = {name: len(daemon.ran(name)) for name in daemon.registry.schedules}
    assert ran == {
        "daily-full-sync": 7,
        "hourly-monitoring": 7 * 24,
        "report-refresh": 7 * 24 * 4,
        "weekly-cleanup": 1,
    }
