"""What a daemon does on an ordinary day."""

from tests.conftest import World, at


def test_it_runs_a_schedule_at_each_due_instant(world: World) -> None:
    daemon = world.start("0 * * * *")
    daemon.advance(hours=2, minutes=30)
    assert [row.due_at for row in daemon.ran("it")] == [at("12:00"), at("13:00"), at("14:00")]
    assert {row.status for row in daemon.ran("it")} == {"COMPLETED"}


def test_it_starts_a_run_at_its_due_instant(world: World) -> None:
    daemon = world.start("30 * * * *")
    daemon.advance(hours=1)
    assert daemon.ran("it")[0].started_at == at("12:30")


def test_it_skips_a_run_missed_while_the_daemon_was_down(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.down(hours=3)
    daemon.advance(hours=1)
    (skipped,) = daemon.skipped("it", "daemon_down")
    assert (skipped.due_at, skipped.due_until, skipped.due_count) == (at("13:00"), at("15:00"), 3)
    assert [row.due_at for row in daemon.ran("it")] == [at("16:00")]


def test_it_runs_within_the_grace_of_a_deploy(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.advance(minutes=49, seconds=50)
    daemon.down(seconds=20)
    daemon.run_due()
    assert [row.due_at for row in daemon.ran("it")] == [at("13:00")]


def test_it_skips_what_falls_due_while_the_schedule_still_runs(world: World) -> None:
    world.taking(minutes=150)
    daemon = world.start("0 * * * *", now=at("12:10"))
    daemon.advance(hours=3)
    (overlap,) = daemon.skipped("it", "overlap")
    assert (overlap.due_at, overlap.due_until, overlap.due_count) == (at("14:00"), at("15:00"), 2)
    assert overlap.detail == "occurrence 1 was still running"
