"""SCHEDULE_RETENTION_DAYS: what is old enough goes, and the ledger stays lawful."""

import pytest

from scheduled.retention import Pruned, prune
from scheduled.store import pruning
from scheduled.testing import ManualDaemon
from tests.conftest import NOON, World, at, days


@pytest.fixture
def daemon(world: World) -> ManualDaemon:
    """Four days of a daily schedule that runs at noon."""
    made = world.start("0 12 * * *", now=at("11:00"))
    made.advance(days=3, hours=12)
    return made


def test_it_forgets_what_ended_before_the_cutoff(daemon: ManualDaemon) -> None:
    pruned = prune(daemon.parts.engine.held, NOON + days(1.5))
    assert (pruned.occurrences, pruned.job_runs) == (2, 2)
    assert [row.due_at for row in daemon.ledger()] == [NOON + days(2), NOON + days(3)]


def test_it_judges_the_ledger_from_the_cutoff_on(daemon: ManualDaemon) -> None:
    prune(daemon.parts.engine.held, NOON + days(1.5))
    assert daemon.schedule("it")["ledger_from"] == NOON + days(1.5)


def test_it_keeps_the_newest_occurrence_however_old(daemon: ManualDaemon) -> None:
    prune(daemon.parts.engine.held, NOON + days(400))
    assert [row.due_at for row in daemon.ledger()] == [NOON + days(3)]


def test_it_only_counts_in_a_dry_run(daemon: ManualDaemon) -> None:
    assert prune(daemon.parts.engine.held, NOON + days(1.5), dry_run=True) == Pruned(2, 2, 0, 0)
    assert len(daemon.ledger()) == 4


def test_it_keeps_the_events_that_tell_what_was_due(daemon: ManualDaemon) -> None:
    daemon.trigger("it")
    pruned = prune(daemon.parts.engine.held, NOON + days(400))
    assert pruned.events == 1
    assert [event["event"] for event in daemon.history_of("it")] == ["added"]


def test_it_forgets_daemons_that_stopped_long_ago(daemon: ManualDaemon) -> None:
    daemon.down(days=1)
    assert prune(daemon.parts.engine.held, NOON + days(400)).workers == 1


def test_it_deletes_in_batches(daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduled.retention.BATCH", 1)
    assert prune(daemon.parts.engine.held, NOON + days(2.5)).occurrences == 3


def test_it_does_not_even_look_at_schedules_that_are_too_young(
    daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    monkeypatch.setattr(pruning, "old_occurrences", lambda _held, name, *_: looked_at.append(name))
    prune(daemon.parts.engine.held, at("11:00"))
    assert looked_at == []
    prune(daemon.parts.engine.held, at("11:01"))
    assert looked_at == ["it"]


def test_it_leaves_the_rest_for_the_next_time_when_it_is_told_to(
    daemon: ManualDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scheduled.retention.BATCH", 1)
    answers = iter([True, True])
    held = daemon.parts.engine.held
    assert prune(held, NOON + days(2.5), go_on=lambda: next(answers, False)).occurrences == 2
    assert prune(held, NOON + days(2.5)).occurrences == 1
