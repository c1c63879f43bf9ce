"""The fence: a holder whose lock was taken writes nothing more, and a reaper takes only what is dead."""

from typing import Any

import pytest

from scheduled import command, reaping
from scheduled.lock import Claim
from scheduled.reaping import Identity
from scheduled.running.processes import Child
from scheduled.testing import ManualDaemon
from tests.conftest import World, at

LATER = {"minutes": 6}
"""Longer than the lease, which nobody renews here: there is no side thread."""


def reaped_within(world: World, name: str = "work", **options: Any) -> ManualDaemon:
    """A job so slow that the lease runs out, and a daemon on another host takes the lock."""

    def body() -> None:
        if len(world.called) == 1:
            world.crank.clock.advance(**LATER)
            world.others[0].parts.engine.reap(world.crank.clock.now())

    world.job(name, body)
    daemon = world.start("0 13 * * *", now=at("12:10"), **options)
    world.another()
    return daemon


def everything(daemon: ManualDaemon) -> list[Any]:
    """All that is written of it; but that a daemon let go of it, which is not written under its token."""
    audit = [event for event in daemon.history_of("it") if event["event"] != "fenced"]
    return [daemon.ledger(), daemon.runs(), daemon.schedule("it"), audit]


def test_a_fenced_holder_writes_nothing_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = reaped_within(world)
    seen: list[Any] = []
    reap = reaping.reap_locks

    def reap_and_look(*arguments: Any) -> Any:
        found = reap(*arguments)
        seen.append(everything(daemon))
        return found

    monkeypatch.setattr("scheduled.engine.reap_locks", reap_and_look)
    daemon.clock.advance_to(at("13:00"))
    daemon.parts.engine.step()
    assert seen[-1] == everything(daemon)
    assert [event["schedule_id"] for event in world.emitted("occurrence.fenced")] == ["it"]


def test_a_fenced_holder_tells_of_it_in_the_audit(world: World) -> None:
    daemon = reaped_within(world)
    daemon.clock.advance_to(at("13:00"))
    daemon.parts.engine.step()
    (event,) = [event for event in daemon.history_of("it") if event["event"] == "fenced"]
    assert event["data"] == {"occurrence_id": 1, "worker_id": daemon.parts.lifeline.id}


def test_a_fenced_holder_starts_no_further_job(world: World) -> None:
    daemon = reaped_within(world)
    world.registry()
    world.job("more")
    daemon.advance(hours=1)
    assert world.called == ["work"]


def test_a_fenced_holder_makes_no_retry(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ValueError

    world.job("work", fails, retries=5, retry_backoff=400, retry_backoff_max=400)
    daemon = world.start("0 13 * * *", now=at("12:10"))
    other = world.another()

    def wait(_wait: object, seconds: float) -> None:
        daemon.clock.advance(seconds=seconds)
        other.parts.engine.reap(daemon.clock.now())

    monkeypatch.setattr(daemon.clock, "wait", wait)
    daemon.advance(hours=1)
    assert [run["status"] for run in daemon.runs()] == ["FAILED", "SKIPPED"]
    assert world.answers() == [("INTERRUPTED", "holder_lost")]


def test_a_fenced_holder_goes_on_with_other_work(world: World) -> None:
    daemon = reaped_within(world)
    daemon.advance(hours=1)
    daemon.trigger("it")
    daemon.run_due()
    assert daemon.ledger("it")[-1].status == "COMPLETED"


def test_a_rerun_by_the_reaper_does_not_meet_the_fenced_holder(world: World) -> None:
    def body() -> None:
        if len(world.called) == 1:
            world.crank.clock.advance(**LATER)
            world.others[0].run_due()

    world.job("work", body)
    world.job("more")
    daemon = world.start("0 13 * * *", now=at("12:10"), rerun_interrupted=True)
    world.another()
    daemon.advance(hours=1)
    assert world.called == ["work", "work", "more"]
    assert world.answers() == [("COMPLETED", "rerun_after_interruption")]
    assert world.emitted("occurrence.finished") == []


@pytest.fixture
def claim(world: World) -> Claim:
    """A claim of 13:00, whose lease has run out."""
    world.job("work")
    daemon = world.start("0 13 * * *", now=at("12:10"))
    world.another()
    daemon.clock.advance_to(at("13:00"))
    made = take(daemon)
    daemon.clock.advance(**LATER)
    return made


def take(daemon: ManualDaemon) -> Claim:
    taken: list[Claim] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daemon.parts.engine, "run", taken.append)
        daemon.parts.engine.step()
    return taken[0]


def between(world: World, monkeypatch: pytest.MonkeyPatch, happens: Any) -> None:
    """Something happens after the reaper looked at the lock, and before it takes it."""
    why_dead = reaping.why_dead

    def look(lock: Any, me: Identity) -> str | None:
        why = why_dead(lock, me)
        happens()
        return why

    monkeypatch.setattr("scheduled.reaping.why_dead", look)
    world.others[0].parts.engine.reap(world.crank.clock.now())


def test_a_lock_that_is_renewed_under_the_reapers_hand_is_not_taken(
    world: World, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = world.crank.parts.engine
    between(world, monkeypatch, lambda: engine.holder.renew(engine.held, world.crank.clock.now()))
    engine.run(claim)
    assert world.answers() == [("COMPLETED", None)]
    assert [event["event"] for event in world.crank.history_of("it")] == ["added"]


def test_an_occurrence_that_ends_under_the_reapers_hand_has_ended(
    world: World, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    between(world, monkeypatch, lambda: world.crank.parts.engine.run(claim))
    assert world.answers() == [("COMPLETED", None)]
    assert world.crank.schedule("it")["last_status"] == "COMPLETED"


def test_a_reaper_takes_nothing_from_a_holder_that_has_gone_on(
    world: World, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends_and_goes_on() -> None:
        world.crank.parts.engine.run(claim)
        world.crank.trigger("it")
        taken.append(take(world.crank))

    taken: list[Claim] = []
    between(world, monkeypatch, ends_and_goes_on)
    world.crank.parts.engine.run(taken[0])
    assert [row.status for row in world.crank.ledger("it")] == ["COMPLETED", "COMPLETED"]


def test_a_reaper_that_is_fenced_itself_changes_nothing(
    world: World, claim: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(world.crank)
    monkeypatch.setattr("scheduled.store.held.Held.run", lambda *_, **__: 0)
    world.others[0].parts.engine.reap(world.crank.clock.now())
    monkeypatch.undo()
    assert everything(world.crank) == before
    world.crank.parts.engine.run(claim)


def test_a_claim_of_its_own_that_it_never_heard_of_is_made_again(world: World, claim: Claim) -> None:
    world.crank.run_due()
    assert world.answers() == [("COMPLETED", None)]
    assert [(run["attempt"], run["status"]) for run in world.crank.runs()] == [(1, "COMPLETED")]
    assert world.crank.schedule("it")["run_count"] == 1
    assert world.status_of(world.crank) == "RUNNING"


def test_what_it_began_to_run_under_a_lock_left_behind_is_not_run_again(world: World, claim: Claim) -> None:
    world.crank.parts.lifeline.last_begun_id = claim.occurrence_id
    world.crank.run_due()
    assert world.answers() == [("INTERRUPTED", "holder_lost")]
    assert world.crank.schedule("it")["locked_by"] is None


def test_a_fenced_holder_does_not_record_a_child_either(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    start = Child.start

    def reaped_meanwhile(*arguments: Any, **named: Any) -> Child:
        child = start(*arguments, **named)
        world.crank.clock.advance(**LATER)
        world.others[0].parts.engine.reap(world.crank.clock.now())
        seen.append(everything(world.crank))
        return child

    monkeypatch.setattr(Child, "start", reaped_meanwhile)
    command("shell", "sleep 60")
    daemon = world.start("0 13 * * *", now=at("12:10"))
    world.another()
    daemon.clock.advance_to(at("13:00"))
    daemon.parts.engine.step()
    assert seen[-1] == everything(daemon)
    assert world.emitted("occurrence.fenced")
