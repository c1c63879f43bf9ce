"""Progress and output that can be read while a job still runs."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from scheduled import JobContext, job
from scheduled.errors import DatabaseUnavailableError
from scheduled.reporting import EVERY_SECONDS, LIMIT, Reporter
from scheduled.store.held import Held
from scheduled.store.tables import outputs, runs
from tests.conftest import Killed, World, at

Body = Callable[["Watched", JobContext], Any]


class Watched:
    """A daemon whose job `work` runs while its reporter is cranked by hand."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.reporter: Reporter
        self.seen: list[Any] = []

    def run(self, body: Body, **options: Any) -> dict[str, Any]:
        """Run the job once; its row at the end."""

        def work(ctx: JobContext) -> Any:
            self.reporter.due()
            return body(self, ctx)

        job(name="work", **options)(work)
        daemon = self.world.start("0 13 * * *", now=at("12:59"))
        daemon.parts.capture.install()
        self.reporter = Reporter(daemon.database.hold(), daemon.parts.control, daemon.clock)
        try:
            daemon.advance(minutes=1)
        finally:
            daemon.parts.capture.uninstall()
        return self.row()

    def report(self, after: float = EVERY_SECONDS) -> bool:
        """What the side thread does; whether there was anything to do."""
        self.world.crank.clock.advance(seconds=after)
        due = self.reporter.due()
        if due:
            self.reporter.write()
        return due

    def row(self) -> dict[str, Any]:
        """The newest run, with its output."""
        query = runs.outerjoin(outputs).select().order_by(runs.c.id.desc())
        with self.world.crank.database.reading() as connection:
            found = connection.execute(query).mappings().first()
        assert found is not None
        return dict(found)

    def look(self) -> None:
        self.seen.append(self.row())


@pytest.fixture
def watched(world: World) -> Watched:
    return Watched(world)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def speak(watched: Watched, ctx: JobContext) -> None:
    say("half way")
    ctx.progress(5, 10)
    watched.report()
    watched.look()


def test_it_tells_of_a_run_while_it_runs(watched: Watched) -> None:
    watched.run(speak)
    (seen,) = watched.seen
    assert (seen["status"], seen["output"]) == ("RUNNING", "half way\n")
    assert (seen["progress_done"], seen["progress_total"]) == (5, 10)


def test_it_does_not_tell_of_a_run_that_has_just_begun(watched: Watched) -> None:
    def body(watched: Watched, _ctx: JobContext) -> None:
        say("begun")
        assert not watched.report(after=0.9)

    watched.run(body)


def test_it_tells_only_of_what_is_new(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> None:
        assert not watched.report()
        ctx.progress(1)
        assert watched.report()
        assert not watched.report()
        say("new")
        assert watched.report()
        assert not watched.report()

    watched.run(body)


def test_it_does_not_tell_of_everything_at_once(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> None:
        ctx.progress(1)
        watched.report()
        ctx.progress(2)
        assert not watched.report(after=0.5)

    watched.run(body)


def test_the_whole_output_is_written_over_the_part(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> dict[str, int]:
        speak(watched, ctx)
        say("done")
        return {"rows": 3}

    row = watched.run(body)
    assert (row["output"], row["result"]) == ("half way\ndone\n", '{"rows":3}')


def test_a_traceback_stands_beside_the_part(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> None:
        speak(watched, ctx)
        raise ValueError("no such shop")

    row = watched.run(body)
    assert (row["status"], row["output"]) == ("FAILED", "half way\n")
    assert "no such shop" in row["traceback"]


def test_the_last_progress_stays_with_a_run_that_ended(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> None:
        speak(watched, ctx)
        ctx.progress(10, 10)

    row = watched.run(body)
    assert (row["progress_done"], row["progress_total"]) == (10, 10)


def test_a_run_too_short_to_tell_of_keeps_its_progress(watched: Watched) -> None:
    row = watched.run(lambda _watched, ctx: ctx.progress(3))
    assert (row["progress_done"], row["progress_total"]) == (3, None)


def test_progress_that_no_database_takes_is_passed_over(watched: Watched) -> None:
    def body(_watched: Watched, ctx: JobContext) -> None:
        ctx.progress(1, 2)
        ctx.progress(float("nan"))
        ctx.progress(1, float("inf"))

    row = watched.run(body)
    assert (row["status"], row["progress_done"], row["progress_total"]) == ("COMPLETED", 1, 2)


def test_each_attempt_tells_of_itself(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> None:
        say(f"attempt {ctx.attempt}")
        watched.report()
        watched.look()
        if ctx.attempt == 1:
            raise ValueError

    watched.run(body, retries=1)
    assert [seen["output"] for seen in watched.seen] == ["attempt 1\n", "attempt 2\n"]


def test_a_long_output_is_told_by_its_end(watched: Watched) -> None:
    def body(watched: Watched, _ctx: JobContext) -> None:
        say("é" * LIMIT)
        watched.report()
        watched.look()

    watched.run(body)
    (seen,) = watched.seen
    assert seen["truncated"]
    assert LIMIT - 4 <= len(seen["output"].encode()) <= LIMIT


def test_what_was_told_outlives_a_kill(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> None:
        speak(watched, ctx)
        watched.world.killed = True

    with pytest.raises(Killed):
        watched.run(body)
    watched.world.killed = False
    watched.world.crank.crash()
    watched.world.crank.start()
    row = watched.row()
    assert (row["status"], row["output"], row["progress_done"]) == ("INTERRUPTED", "half way\n", 5)


def test_it_writes_nothing_of_a_run_that_was_taken_from_us(watched: Watched) -> None:
    def body(watched: Watched, _ctx: JobContext) -> None:
        watched.world.crank.clock.advance(minutes=6)
        watched.world.another().parts.engine.reap(watched.world.crank.clock.now())
        say("too late")
        watched.report()

    row = watched.run(body)
    assert (row["status"], row["output"]) == ("INTERRUPTED", None)
    assert watched.world.crank.parts.control.fenced


def test_it_writes_nothing_of_a_run_that_has_ended_meanwhile(watched: Watched) -> None:
    def body(watched: Watched, ctx: JobContext) -> str:
        say("all")
        ctx.progress(1)
        watched.world.crank.clock.advance(seconds=2)
        assert watched.reporter.due()
        return "whole"

    before = watched.run(body)
    watched.reporter.write()
    assert watched.row() == before


def test_it_adds_no_row_once_the_end_is_being_written(watched: Watched) -> None:
    """Else the end, which looked before and saw none, would add a second one."""

    def body(watched: Watched, _ctx: JobContext) -> None:
        say("all")
        live = watched.world.crank.parts.control.live
        assert live is not None
        live.ended = True
        watched.report()
        watched.look()
        live.printed = False

    assert watched.run(body)["output"] == "all\n"
    assert watched.seen[0]["output"] is None


def test_a_part_that_could_not_be_written_does_no_harm(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def body(watched: Watched, _ctx: JobContext) -> None:
        say("all")
        with monkeypatch.context() as patch:
            patch.setattr(Held, "insert", unavailable)
            with pytest.raises(DatabaseUnavailableError):
                watched.report()
        assert not watched.report(), "the database is in trouble: leave it alone for a while"
        assert watched.report(after=10)

    assert watched.run(body)["output"] == "all\n"


def unavailable(*_: object, **__: object) -> None:
    raise DatabaseUnavailableError("the server went away")


def test_the_end_adds_what_no_report_could(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def body(watched: Watched, _ctx: JobContext) -> None:
        say("all")
        with monkeypatch.context() as patch:
            patch.setattr(Held, "insert", unavailable)
            with pytest.raises(DatabaseUnavailableError):
                watched.report()

    assert watched.run(body)["output"] == "all\n"


def test_nothing_is_told_where_nothing_runs(watched: Watched) -> None:
    watched.run(lambda _watched, _ctx: None)
    assert not watched.report()
    watched.reporter.write()
