from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_support import DEFINITIONS, Place, place_at


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with place_at(tmp_path, monkeypatch) as found:
        found.lived(minutes=1)
        yield found


def events(place: Place, schedule_id: str) -> list[tuple[str, str | None]]:
    from scheduled.store import rows
    from scheduled.store.database import Database

    database = Database("sqlite:///scheduled.db")
    found = [(event["event"], event["reason"]) for event in rows.events(database, schedule_id)]
    database.close()
    return found


def test_it_switches_a_schedule_off_and_on(place: Place) -> None:
    assert place.out("disable", "nightly", "--reason", "too loud") == "nightly is disabled\n"
    assert place.out("enable", "nightly") == "nightly is enabled\n"
    assert events(place, "nightly")[1:] == [("disabled", "too loud"), ("enabled", None)]


def test_it_says_that_a_schedule_is_off_already(place: Place) -> None:
    assert place.out("disable", "resting") == "resting is disabled already\n"
    assert [event for event, _ in events(place, "resting")] == ["added"]


def test_it_switches_several_at_once(place: Place) -> None:
    assert place.out("disable", "nightly", "broken").splitlines() == [
        "nightly is disabled",
        "broken is disabled",
    ]


def test_it_switches_none_if_one_is_unknown(place: Place) -> None:
    assert "did you mean 'broken'?" in place.error("disable", "nightly", "brokn", status=2)
    assert [event for event, _ in events(place, "nightly")] == ["added"]


def test_it_does_not_enable_what_is_gone_from_the_code(place: Place) -> None:
    place.define(DEFINITIONS.replace('id="nightly"', 'id="other"'))
    place.lived(minutes=1)
    assert "no longer in the code" in place.error("enable", "nightly")


def test_it_asks_for_a_run(place: Place) -> None:
    assert "of resting waits for a daemon" in place.out("trigger", "resting", "--param", "shop=7")


def test_it_asks_for_the_same_run_only_once(place: Place) -> None:
    first = place.out("trigger", "resting").split()[1]
    again = place.out("trigger", "resting")
    assert again.split()[1] == first
    assert "was asked for already" in again


def test_it_asks_for_a_run_for_a_past_instant(place: Place) -> None:
    told = place.out("trigger", "nightly", "--for", "2026-03-02T02:00")
    assert "of nightly, for 2026-03-02 00:00:00 UTC, waits for a daemon" in told
    assert "already" in place.out("trigger", "nightly", "--for", "2026-03-02 00:00Z")


def test_it_refuses_an_instant_at_which_the_schedule_was_not_due(place: Place) -> None:
    told = place.error("trigger", "nightly", "--for", "2026-03-02", status=2)
    assert "2026-03-01T02:00:00+02:00 and 2026-03-02T02:00:00+02:00" in told
    assert "is no instant" in place.error("trigger", "nightly", "--for", "yesterday", status=2)


def test_it_runs_inline_for_a_past_instant(place: Place) -> None:
    place.out("trigger", "nightly", "--inline", "--for", "2026-03-01T02:00")
    assert place.json("history", "nightly")[0]["due_at"] == "2026-03-01T00:00:00+00:00"
    assert "not due" in place.error("trigger", "nightly", "--inline", "--for", "2026-03-01", status=2)


def test_it_suggests_the_job_that_was_meant(place: Place) -> None:
    assert "did you mean 'works'?" in place.error("trigger", "resting", "--job", "work", status=2)


def test_it_refuses_a_parameter_without_a_value(place: Place) -> None:
    assert "name=value" in place.error("trigger", "resting", "--param", "shop", status=2)


def test_it_cancels_what_waits(place: Place) -> None:
    occurrence = place.out("trigger", "resting").split()[1]
    assert place.out("cancel", occurrence) == f"occurrence {occurrence} of resting is cancelled\n"
    assert "has already ended: it is CANCELLED" in place.error("cancel", occurrence)


def test_it_says_that_there_is_no_such_occurrence(place: Place) -> None:
    assert "there is no occurrence 99" in place.error("cancel", "99", status=2)


def test_it_says_what_creates_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with place_at(tmp_path, monkeypatch) as bare:
        assert "scheduled db upgrade" in bare.error("enable", "nightly")


def test_it_runs_inline_and_exits_by_the_outcome(place: Place) -> None:
    assert "is COMPLETED" in place.out("trigger", "resting", "--inline")
    assert "is FAILED" in place.out("trigger", "broken", "--inline", status=1)
    assert place.json("history", "resting")[0]["trigger"] == "MANUAL"


def test_it_does_not_run_inline_what_the_database_does_not_know(place: Place) -> None:
    place.define(DEFINITIONS.replace('id="resting"', 'id="fresh"'))
    assert "does not know schedule 'fresh' yet" in place.error("trigger", "fresh", "--inline", status=2)


def test_it_does_not_run_inline_what_the_database_defines_otherwise(place: Place) -> None:
    place.define(DEFINITIONS.replace('cron="@hourly", mode', 'cron="@daily", mode'))
    assert "otherwise" in place.error("trigger", "resting", "--inline")


def test_it_names_the_holder_of_a_locked_schedule(place: Place) -> None:
    place.sql(
        "UPDATE worker_instance SET status = 'RUNNING', hostname = 'elsewhere', pid = 4711, boot_id = 'other'"
    )
    place.sql(
        "UPDATE job_schedule SET locked_by = (SELECT id FROM worker_instance LIMIT 1), "
        "locked_at = '2026-03-02 12:00:00.000000', lock_expires_at = '2999-01-01 00:00:00.000000'"
    )
    assert "elsewhere/4711 holds its lock" in place.error("trigger", "resting", "--inline")


def test_it_asks_for_one_more_run_of_what_has_ended(place: Place) -> None:
    told = "occurrence 2 of broken, for 2026-03-02 12:00:00 UTC, waits for a daemon\n"
    assert place.out("rerun", "1", "--failed") == told
    assert "was asked for already" in place.out("rerun", "1", "--failed")
    place.lived(minutes=1)
    assert "again       what occurrence 1 ran" in place.out("run-log", "3")


def test_it_does_not_go_on_from_a_failure_that_was_none(place: Place) -> None:
    place.out("trigger", "resting", "--inline")
    assert "nothing failed in occurrence 2" in place.error("rerun", "2", "--failed")


def test_it_runs_nothing_again_that_does_not_exist(place: Place) -> None:
    assert "there is no occurrence 99" in place.error("rerun", "99", status=2)
    assert "there is no occurrence 1000000" in place.error("rerun", str(10**30), status=2)
