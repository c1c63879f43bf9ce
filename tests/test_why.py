"""`why`: every cause that an instant can have, told from the ledger."""

from datetime import datetime, timedelta

import pytest

from scheduled.errors import UnknownNameError
from scheduled.explain.answer import Explanation
from scheduled.explain.why import why
from tests.conftest import World, at


def explain(world: World, moment: datetime | None = None, schedule_id: str = "it") -> Explanation:
    return why(world.crank.database, schedule_id, moment, clock=world.crank.clock)


def told(explanation: Explanation) -> str:
    return "\n".join(cause.message for cause in explanation.causes)


def codes(explanation: Explanation) -> list[str]:
    return [cause.code for cause in explanation.causes]


def coming(explanation: Explanation) -> list[str]:
    return [cause.code for cause in explanation.coming]


def lose(world: World, *statements: str) -> None:
    """Change the database behind everybody's back; afterwards nothing is left to judge."""
    with world.crank.database.writing() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_it_tells_of_a_run_on_time(world: World) -> None:
    world.start().advance(hours=2)
    found = explain(world, at("13:00"))
    assert (found.outcome, codes(found)) == ("COMPLETED", ["completed", "on_time"])


def test_it_takes_the_newest_instant_by_default(world: World) -> None:
    world.start().advance(minutes=150)
    assert explain(world).at == at("14:00")


def test_it_says_what_happens_next(world: World) -> None:
    world.start().advance(minutes=150)
    found = explain(world)
    assert (found.coming_at, coming(found)) == (at("15:00"), ["due"])
    assert "in 30 min" in found.coming[0].message


def test_it_says_that_it_has_not_been_due_yet(world: World) -> None:
    world.start("30 * * * *").advance(minutes=5)
    found = explain(world)
    assert (found.at, found.outcome) == (None, "not_due_yet")


def test_it_says_which_field_does_not_fit(world: World) -> None:
    world.start("30 2 * * *").advance(hours=30)
    found = explain(world, at("02:15") + timedelta(days=1))
    assert codes(found) == ["not_due", "nearest"]
    assert "the minute is 15, and the expression says 30" in told(found)
    assert "2026-03-03T02:30:00Z after" in told(found)


def test_it_says_that_a_schedule_was_not_known_yet(world: World) -> None:
    world.start().advance(hours=1)
    found = explain(world, at("11:00"))
    assert codes(found) == ["not_known"]
    assert "it was added at 2026-03-02T12:00:00Z" in told(found)


def test_it_names_who_disabled_it_when_and_why(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.disable("it", reason="the shop moves")
    world.crank.advance(hours=1)
    found = explain(world, at("13:00"))
    assert codes(found) == ["disabled"]
    assert "test disabled it at 2026-03-02T12:30:00Z (the shop moves)" in told(found)


def test_it_says_that_it_is_off_of_an_instant_to_come(world: World) -> None:
    world.start(enabled_by_default=False).advance(minutes=30)
    assert "it is off: it was added so" in told(explain(world, at("15:00")))


def test_it_says_until_when_it_was_disabled(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.disable("it")
    world.crank.advance(hours=1)
    world.crank.enable("it")
    assert "until test enabled it at 2026-03-02T13:30:00Z" in told(explain(world, at("13:00")))


def test_it_says_that_nobody_ever_enabled_it(world: World) -> None:
    world.start(enabled_by_default=False).advance(hours=2)
    found = explain(world)
    assert "nobody had enabled it" in told(found)
    assert coming(found) == ["disabled"]


def test_it_says_that_it_was_gone_from_the_code(world: World) -> None:
    daemon = world.start()
    daemon.stop()
    daemon.start(world.registry(world.schedule(id="another")))
    daemon.advance(hours=2)
    found = explain(world, at("13:00"))
    assert (codes(found), coming(found)) == (["orphaned"], ["orphaned"])


def test_it_says_when_it_was_put_back(world: World) -> None:
    daemon = world.start()
    before = daemon.registry
    daemon.stop()
    daemon.start(world.registry(world.schedule(id="another")))
    daemon.advance(hours=2)
    daemon.stop()
    daemon.start(before)
    assert "until it was put back at 2026-03-02T14:00:00Z" in told(explain(world, at("13:00")))


def test_it_names_the_daemon_that_stopped_and_the_one_that_came(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.down(hours=3)
    world.crank.advance(minutes=1)
    found = explain(world, at("14:00"))
    assert codes(found) == ["daemon_down", "daemon_ended", "daemon_began"]
    assert "stopped in good order at 2026-03-02T12:30:00Z" in told(found)
    assert "nobody was alive for 3 h" in told(found)
    assert "started at 2026-03-02T15:30:00Z" in told(found)


def test_it_names_the_daemon_that_was_killed(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.crash()
    world.crank.clock.advance(hours=3)
    world.crank.start()
    world.crank.advance(minutes=1)
    assert "gave its last sign of life at 2026-03-02T12:" in told(explain(world, at("14:00")))


def test_it_says_that_the_host_slept(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.clock.suspend(hours=3)
    world.crank.parts.lifeline.feel(busy=False)
    world.crank.advance(minutes=1)
    found = explain(world, at("14:00"))
    assert codes(found) == ["daemon_down", "host_suspended"]


def test_it_names_the_run_that_overlapped(world: World) -> None:
    world.taking(minutes=90)
    world.start("0 12,13 * * *").advance(hours=3)
    found = explain(world, at("13:00"))
    assert codes(found) == ["overlap", "overlap_with"]
    assert "occurrence 1, due at 2026-03-02T12:00:00Z, ran from 2026-03-02T12:00:00Z" in told(found)


def test_it_says_behind_which_schedule_a_late_run_waited(world: World) -> None:
    world.taking("slow", minutes=14)
    world.job("quick")
    slow = world.schedule("0 12 * * *", id="billing-sync", mode="JOBS", jobs=["slow"])
    quick = world.schedule("1 12 * * *", id="it", mode="JOBS", jobs=["quick"])
    world.start_with(slow, quick).advance(hours=1)
    found = explain(world)
    assert codes(found) == ["completed", "late"]
    assert "13 min late: 13 min behind billing-sync" in told(found)


def test_it_tells_into_which_run_an_instant_was_coalesced(world: World) -> None:
    world.taking("slow", minutes=14)
    world.job("quick")
    slow = world.schedule("0 12 * * *", id="billing-sync", mode="JOBS", jobs=["slow"])
    quick = world.schedule("*/5 * * * *", id="it", mode="JOBS", jobs=["quick"])
    world.start_with(quick, slow).advance(hours=1)
    found = explain(world, at("12:05"))
    assert codes(found) == ["coalesced", "coalesced_into", "late"]
    assert "due at 2026-03-02T12:10:00Z, ran for all: COMPLETED" in told(found)
    assert "9 min late: 9 min behind billing-sync" in told(found)


def test_it_tells_of_a_start_deadline(world: World) -> None:
    world.taking("slow", minutes=14)
    world.job("quick")
    slow = world.schedule("0 12 * * *", id="billing-sync", mode="JOBS", jobs=["slow"])
    quick = world.schedule("1 12 * * *", id="it", mode="JOBS", jobs=["quick"], start_deadline=60)
    world.start_with(slow, quick).advance(hours=1)
    found = explain(world)
    assert codes(found)[0] == "start_deadline"
    assert "later than its start deadline of 60 s" in told(found)


def test_it_tells_of_the_catch_up_limit(world: World) -> None:
    world.start(missed="run_all", catch_up_limit=2).advance(minutes=30)
    world.crank.down(hours=5)
    world.crank.advance(minutes=1)
    assert codes(explain(world, at("13:00")))[0] == "catch_up_limit"


def test_it_says_that_a_run_was_caught_up(world: World) -> None:
    world.start(missed="run_latest").advance(minutes=30)
    world.crank.down(hours=1)
    world.crank.advance(minutes=1)
    found = explain(world, at("13:00"))
    assert codes(found) == ["completed", "catch_up", "late"]
    assert "while no daemon was alive" in told(found)


def test_it_names_the_jobs_that_failed_and_what_depended_on_them(world: World) -> None:
    def fail() -> None:
        raise ValueError("no such table\nand more")

    world.job("first", fail)
    world.job("second", depends_on=["first"])
    world.start().advance(minutes=1)
    found = explain(world)
    assert found.outcome == "FAILED"
    assert "first (run 1) is FAILED: ValueError: no such table" in told(found)
    assert "second (run 2) is SKIPPED: it depends on 'first', which is FAILED" in told(found)


def test_it_counts_the_failed_jobs_that_it_does_not_name(world: World) -> None:
    for number in range(7):
        world.job(f"bad-{number}", lambda: 1 / 0)
    world.start().advance(minutes=1)
    assert "and 2 more jobs did not complete" in told(explain(world))


def test_it_tells_of_a_run_whose_daemon_was_lost(world: World) -> None:
    world.killing()
    world.start()
    world.run_until_killed(hours=1)
    world.crank.clock.advance(hours=1)
    world.crank.start()
    world.crank.run_due()
    found = explain(world, at("12:00"))
    assert found.outcome == "INTERRUPTED"
    assert "was lost" in told(found)


def test_it_says_who_holds_the_lock_and_until_when(world: World) -> None:
    seen: list[Explanation] = []
    world.job("work", lambda: seen.append(explain(world)))
    world.start().advance(minutes=1)
    assert (seen[0].outcome, codes(seen[0])) == ("RUNNING", ["running", "on_time"])
    assert "its lease runs until 2026-03-02T12:05:00Z" in seen[0].coming[0].message


def test_it_says_what_an_instant_waits_behind_now(world: World) -> None:
    seen: list[Explanation] = []

    def look() -> None:
        world.crank.clock.advance(minutes=3)
        seen.append(explain(world))

    world.job("slow", look)
    world.job("quick")
    slow = world.schedule("0 12 * * *", id="billing-sync", mode="JOBS", jobs=["slow"])
    quick = world.schedule("1 12 * * *", id="it", mode="JOBS", jobs=["quick"])
    world.start_with(slow, quick).advance(hours=1)
    assert (seen[0].outcome, codes(seen[0])) == ("pending", ["pending", "behind"])
    assert "it waits behind billing-sync (occurrence 1)" in told(seen[0])
    assert "for 3 min" in told(seen[0])


def test_it_says_that_no_daemon_is_there_to_run_it(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.stop()
    world.crank.clock.advance(hours=1)
    found = explain(world)
    assert codes(found) == ["pending", "daemon_down"]
    assert coming(found) == ["overdue", "daemon_down"]


def test_it_says_that_the_time_has_not_come(world: World) -> None:
    world.start().advance(minutes=30)
    assert codes(explain(world, at("15:00"))) == ["future"]


def test_it_tells_of_a_clock_that_was_set_back(world: World) -> None:
    world.start().advance(hours=4)
    world.crank.clock.step(hours=-3)
    found = explain(world)
    assert "clock_stepped_back" in coming(found)


def test_it_tells_of_instants_that_were_forgotten(world: World) -> None:
    world.start().advance(hours=4)
    forget = "UPDATE job_schedule SET ledger_from = next_run_at"
    lose(world, "DELETE FROM job_run", "DELETE FROM occurrence", forget)
    assert codes(explain(world, at("13:00"))) == ["forgotten"]


def test_it_owns_up_to_a_hole_in_the_ledger(world: World) -> None:
    world.start().advance(hours=4)
    move = "UPDATE occurrence SET due_at = '{0}:00:00.000000', due_until = '{0}:00:00.000000' WHERE id = 2"
    lose(world, move.format("2025-01-01 00"))
    assert codes(explain(world, at("13:00"))) == ["missing"]
    lose(world, move.format("2026-03-02 13"))


def test_it_says_that_the_expression_was_another(world: World) -> None:
    daemon = world.start("0 * * * *")
    daemon.advance(hours=1)
    daemon.stop()
    daemon.start(world.registry(world.schedule("30 * * * *")))
    daemon.advance(hours=1)
    found = explain(world, at("12:30"))
    assert codes(found) == ["not_due", "nearest", "changed"]


def test_it_says_what_waits_for_it(world: World) -> None:
    world.start(enabled_by_default=False).advance(minutes=1)
    world.crank.trigger("it")
    found = explain(world)
    assert coming(found) == ["requested", "disabled"]
    assert "asked for by test" in found.coming[0].message


def test_it_says_that_an_interrupted_run_will_run_once_more(world: World) -> None:
    world.killing()
    world.start(rerun_interrupted=True)
    world.run_until_killed(hours=1)
    world.crank.clock.advance(hours=1)
    world.crank.start()
    world.crank.stop()
    found = explain(world, at("12:00"))
    assert (found.outcome, codes(found)[0]) == ("QUEUED", "rerun_after_interruption")


def test_it_suggests_the_schedule_that_is_meant(world: World) -> None:
    world.start()
    with pytest.raises(UnknownNameError, match="did you mean 'it'"):
        explain(world, schedule_id="itt")


def test_its_json_has_stable_keys(world: World) -> None:
    world.start().advance(hours=1)
    assert list(explain(world).as_json()) == [
        *("schedule", "at", "due", "outcome", "occurrence_id", "causes", "next"),
    ]


@pytest.fixture
def somebody_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is there any more, for those who look."""
    monkeypatch.setattr("scheduled.presence.alive", lambda pid, started: False)


@pytest.mark.usefixtures("somebody_gone")
def test_it_sees_that_the_holder_of_a_lock_was_killed(world: World) -> None:
    world.killing()
    world.start()
    world.run_until_killed(hours=1)
    found = explain(world, at("12:00"))
    assert "its process is gone" in "".join(cause.message for cause in found.coming)
    assert "lock_of_the_dead" in coming(found)


@pytest.mark.usefixtures("somebody_gone")
def test_it_sees_that_a_daemon_was_killed_although_its_row_says_running(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.crash()
    world.crank.clock.advance(hours=1)
    assert codes(explain(world)) == ["pending", "daemon_down"]
    assert "its process is gone" in told(explain(world))


def test_it_sees_that_a_daemon_has_been_silent_for_long(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.clock.advance(hours=1)
    assert "it has been silent for 1 h" in told(explain(world))


def test_it_knows_what_lies_between_the_instants_of_a_stretch(world: World) -> None:
    world.start().advance(minutes=30)
    world.crank.down(hours=5)
    world.crank.advance(minutes=1)
    assert codes(explain(world, at("14:07")))[0] == "not_due"
    assert codes(explain(world, at("14:00")))[0] == "daemon_down"


def test_a_new_description_does_not_make_it_forget(world: World) -> None:
    daemon = world.start()
    daemon.advance(hours=1)
    daemon.stop()
    daemon.start(world.registry(world.schedule(description="better told")))
    assert explain(world).at == at("13:00")


def test_a_new_expression_does_not_make_it_forget(world: World) -> None:
    daemon = world.start()
    daemon.advance(minutes=61)
    daemon.stop()
    daemon.start(world.registry(world.schedule("0 0 1 1 *")))
    assert (explain(world).at, explain(world).outcome) == (at("13:00"), "COMPLETED")


def test_it_tells_how_late_an_instant_was_when_its_deadline_passed(world: World) -> None:
    world.taking("slow", minutes=14)
    world.job("quick")
    slow = world.schedule("0 12 * * *", id="billing-sync", mode="JOBS", jobs=["slow"])
    quick = world.schedule("1 12 * * *", id="it", mode="JOBS", jobs=["quick"], start_deadline=60)
    world.start_with(slow, quick).advance(hours=5)
    assert "13 min late: 13 min behind billing-sync" in told(explain(world))


def test_it_tells_why_somebody_disabled_what_was_late(world: World) -> None:
    world.job("slow", lambda: world.crank.clock.advance(minutes=5))
    world.job("quick")
    slow = world.schedule("0 12 * * *", id="billing-sync", mode="JOBS", jobs=["slow"])
    quick = world.schedule("1 12 * * *", id="it", mode="JOBS", jobs=["quick"])
    world.start_with(slow, quick)
    world.crank.parts.engine.step()
    world.crank.disable("it", reason="ticket 77")
    assert "disabled by test at 2026-03-02T12:05:00Z (ticket 77)" in told(explain(world, at("12:01")))


def test_it_tells_of_a_run_in_the_name_of_an_instant(world: World) -> None:
    world.start().advance(hours=2)
    world.crank.trigger("it", for_instant=at("13:00"))
    world.crank.run_due()
    assert codes(explain(world, at("13:00")))[-1] == "asked_for"


def test_it_says_that_the_daemon_that_lives_has_other_definitions(world: World) -> None:
    world.start("0 * * * *").advance(minutes=30)
    another = world.another(world.schedule("30 * * * *"))
    lose(world, f"UPDATE worker_instance SET status = 'STOPPED' WHERE id = '{another.parts.lifeline.id}'")
    world.crank.clock.advance(minutes=5)
    world.crank.beat()
    assert "definitions_differ" in codes(explain(world, at("12:30")))


def test_what_waits_is_not_called_on_time(world: World) -> None:
    world.job("work", lambda: world.crank.clock.advance(minutes=1) if len(world.called) == 1 else None)
    world.start("* * * * *", overlap="run_all")
    world.crank.parts.engine.step()
    world.crank.parts.engine.step()
    assert "on_time" not in codes(explain(world)) or explain(world).outcome != "QUEUED"
