from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_support import Place, place_at


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        found.lived(hours=30)
        yield found


def test_it_verifies_the_ledger(place: Place) -> None:
    assert "every due instant has its one row" in place.out("verify")
    assert place.json("verify")["ok"] is True


def test_it_exits_1_when_the_ledger_has_a_hole(place: Place) -> None:
    place.sql("DELETE FROM job_output")
    place.sql("DELETE FROM job_run")
    place.sql("DELETE FROM occurrence WHERE id = 1")
    assert "has no row" in place.out("verify", status=1)
    assert len(place.json("verify", status=1)["missing"]) == 1


def test_it_refuses_what_is_no_instant(place: Place) -> None:
    assert "is no instant" in place.error("verify", "--since", "yesterday", status=2)


def test_it_verifies_from_an_instant_on(place: Place) -> None:
    assert place.json("verify", "--since", "2999-01-01")["expected"] == 0


def test_it_counts_what_pruning_would_forget(place: Place) -> None:
    assert place.out("prune", "--older-than", "1h", "--dry-run").startswith("would forget ")
    before = len(place.json("history", "--limit", "1000"))
    pruned = place.json("prune", "--older-than", "1h")
    assert pruned["occurrences"] > 0
    assert len(place.json("history", "--limit", "1000")) == before - pruned["job_runs"]


def test_it_says_what_it_forgot(place: Place) -> None:
    assert place.out("prune").startswith("forgot 0 occurrences, 0 job runs, 0 events, 0 workers from before")


def test_it_does_not_prune_when_all_is_to_be_kept(place: Place) -> None:
    place.patch.setenv("SCHEDULE_RETENTION_DAYS", "0")
    assert "--older-than" in place.error("prune", status=2)


def test_it_lists_the_workers(place: Place) -> None:
    (worker,) = place.json("workers")
    assert (worker["status"], worker["worker_type"]) == ("STOPPED", "schedule_daemon")
    assert f"/{worker['pid']}" in place.out("workers")


def test_it_lists_the_events(place: Place) -> None:
    place.call("disable", "nightly", "--reason", "too loud")
    assert "too loud" in place.out("events")
    assert [event["event"] for event in place.json("events", "nightly")] == ["disabled", "added"]
    assert len(place.json("events", "--limit", "1")) == 1
