"""Requests for a past due instant: a re-run for yesterday, that leaves the ledger of yesterday alone."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled import JobContext, job
from scheduled.errors import UsageError
from scheduled.expressions import parse
from scheduled.past_instants import past_due_instant
from scheduled.retention import prune
from scheduled.testing import ManualDaemon
from scheduled.verifying import verify
from tests.conftest import NOON, World, at, days


@pytest.fixture
def seen() -> list[datetime]:
    """The instants that the job was told it answers for."""
    found: list[datetime] = []

    def work(ctx: JobContext) -> None:
        found.append(ctx.due_at)

    job(name="work")(work)
    return found


@pytest.fixture
def daemon(seen: list[datetime], world: World) -> ManualDaemon:
    """A schedule that was due at 12:00, 13:00 and 14:00, and at 12:00 and 13:00 nobody was there."""
    made = world.start("0 * * * *", now=at("11:10"))
    made.down(hours=2, minutes=30)
    made.advance_to(at("14:10"))
    return made


def test_the_job_is_told_the_instant(daemon: ManualDaemon, seen: list[datetime]) -> None:
    daemon.trigger("it", for_instant=at("13:00"))
    daemon.run_due()
    assert seen == [at("14:00"), at("13:00")]


def test_it_leaves_the_ledger_of_that_instant_as_it_is(daemon: ManualDaemon) -> None:
    before = daemon.ledger("it")
    rerun = daemon.trigger("it", for_instant=at("13:00"))
    daemon.run_due()
    after = daemon.ledger("it")
    assert [row for row in after if row.id != rerun] == before
    assert next(row for row in after if row.id == rerun).status == "COMPLETED"
    assert daemon.schedule("it")["next_run_at"] == at("15:00")


def test_the_audit_does_not_see_it(daemon: ManualDaemon) -> None:
    daemon.trigger("it", for_instant=at("13:00"))
    daemon.run_due()
    verdict = verify(daemon.database, clock=daemon.clock)
    assert (verdict.ok, verdict.as_json()["expected"]) == (True, 3)


def test_it_may_be_for_an_instant_that_is_not_in_the_ledger_yet(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("11:59"))
    daemon.clock.advance_to(at("12:00"))
    daemon.trigger("it", for_instant=at("12:00"))
    daemon.run_due()
    assert world.answers() == [("COMPLETED", None), ("COMPLETED", None)]


def test_the_same_request_for_another_instant_is_another_request(daemon: ManualDaemon) -> None:
    asked = [
        daemon.trigger("it"),
        daemon.trigger("it", for_instant=at("12:00")),
        daemon.trigger("it", for_instant=at("13:00")),
    ]
    assert len(set(asked)) == 3
    again = [daemon.trigger("it"), daemon.trigger("it", for_instant=at("13:00"))]
    assert again == [asked[0], asked[2]]


def test_requests_run_in_the_order_of_asking_whatever_they_are_for(
    daemon: ManualDaemon, seen: list[datetime]
) -> None:
    for moment in ("14:00", "12:00", "13:00"):
        daemon.trigger("it", for_instant=at(moment))
    daemon.run_due()
    assert seen[1:] == [at("14:00"), at("12:00"), at("13:00")]


def test_no_start_deadline_ends_it(seen: list[datetime], world: World) -> None:
    daemon = world.start("0 * * * *", now=at("14:10"), start_deadline=60)
    daemon.trigger("it", for_instant=at("13:00"))
    daemon.run_due()
    assert seen == [at("13:00")]


def test_what_falls_due_while_it_runs_is_late_not_overlap(world: World) -> None:
    world.taking(minutes=20)
    daemon = world.start("0 * * * *", now=at("14:50"))
    daemon.trigger("it", for_instant=at("13:00"))
    daemon.run_due()
    assert [(row.due_at, row.status) for row in daemon.ledger("it")] == [
        (at("13:00"), "COMPLETED"),
        (at("15:00"), "COMPLETED"),
    ]


def test_it_is_kept_for_as_long_as_what_else_ran_today(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("12:10"))
    rerun = daemon.trigger("it", for_instant=NOON - days(200))
    daemon.run_due()
    prune(daemon.parts.engine.held, at("12:05"))
    assert rerun in [row.id for row in daemon.ledger("it")]
    daemon.advance(days=2)
    prune(daemon.parts.engine.held, NOON + days(1))
    assert rerun not in [row.id for row in daemon.ledger("it")]


def test_the_audit_trail_tells_the_instant(daemon: ManualDaemon) -> None:
    daemon.trigger("it", for_instant=at("13:00"))
    assert daemon.history_of("it")[-1]["data"]["due_at"] == at("13:00").isoformat()


def test_it_refuses_an_instant_in_the_future(daemon: ManualDaemon) -> None:
    with pytest.raises(UsageError, match="lies in the future"):
        daemon.trigger("it", for_instant=at("15:00"))


def test_it_refuses_an_instant_at_which_it_was_not_due_and_names_the_nearest(daemon: ManualDaemon) -> None:
    with pytest.raises(UsageError, match=r"not due at .*12:30.*12:00:00\+00:00 and .*13:00:00\+00:00"):
        daemon.trigger("it", for_instant=at("12:30"))
    with pytest.raises(UsageError, match=r"the nearest due instant is .*14:00:00\+00:00$"):
        daemon.trigger("it", for_instant=at("14:05"))
    with pytest.raises(UsageError, match="not due at"):
        daemon.trigger("it", for_instant=datetime(1, 1, 1, 0, 30, tzinfo=UTC))


def test_it_reads_a_naive_instant_as_the_clocks_of_the_schedules_zone_show_it(
    seen: list[datetime], world: World
) -> None:
    daemon = world.start("0 2 * * *", now=at("14:10"), timezone="Europe/Riga")
    daemon.trigger("it", for_instant=datetime(2026, 3, 2, 2))
    daemon.run_due()
    assert seen == [datetime(2026, 3, 2, 0, tzinfo=UTC)]


def test_a_time_that_the_clocks_skipped_is_refused_naming_when_it_ran(world: World) -> None:
    daemon = world.start("30 3 * * *", now=NOON + days(30), timezone="Europe/Riga")
    with pytest.raises(UsageError, match=r"2026-03-29T04:00:00\+03:00"):
        daemon.trigger("it", for_instant=datetime(2026, 3, 29, 3, 30))


def test_it_may_be_for_an_instant_of_the_expression_that_it_had_at_that_time(world: World) -> None:
    daemon = world.start("30 * * * *", now=at("12:10"))
    daemon.advance_to(at("13:10"))
    daemon.stop()
    daemon.start(world.registry(world.schedule("0 * * * *")))
    daemon.advance_to(at("14:10"))
    daemon.trigger("it", for_instant=at("12:30"))
    daemon.trigger("it", for_instant=at("12:00"))
    with pytest.raises(UsageError, match="not due"):
        daemon.trigger("it", for_instant=at("13:30"))
    daemon.run_due()


def test_a_definition_of_old_that_nobody_understands_any_more_is_passed_over(world: World) -> None:
    daemon = world.start("0 * * * *", now=at("14:10"))
    with daemon.database.writing() as connection:
        broken = '{"to": {"cron": "at noon", "timezone": "UTC"}, "enabled": true}'
        connection.exec_driver_sql(
            "INSERT INTO schedule_event (schedule_id, at, event, actor, data)"
            f" VALUES ('it', '2020-01-01 00:00:00.000000', 'changed', 'old', '{broken}')"
        )
    daemon.trigger("it", for_instant=at("13:00"))
    with daemon.database.writing() as connection:
        connection.exec_driver_sql("DELETE FROM schedule_event WHERE actor = 'old'")


class _NoEvents:
    def rows(self, *_statement: object, **_values: object) -> list[object]:
        return []


def _row(cron: str) -> Any:
    return SimpleNamespace(id="it", next_run_at=None, definition={"cron": cron, "timezone": "Europe/Riga"})


@given(st.integers(-(10**9), 10**9), st.sampled_from(["*/7 3-9 * * *", "every 90 minutes", "0 2 29 2 *"]))
def test_it_takes_exactly_the_instants_of_the_expression(seconds: int, cron: str) -> None:
    expression = parse(cron, "Europe/Riga")
    near = datetime.fromtimestamp(1_700_000_000 + seconds, UTC)
    due = expression.at_or_after(near)
    assert due is not None
    held: Any = _NoEvents()
    assert past_due_instant(held, _row(cron), due, due) == due
    if near != due:
        with pytest.raises(UsageError, match="was not due"):
            past_due_instant(held, _row(cron), near, due)
