"""What happens next with an occurrence, and what somebody can do about it."""

from types import SimpleNamespace
from typing import Any

from scheduled.explain.advice import Advice, advice
from tests.conftest import NOON, at


def about(status: str, attempts: tuple[tuple[str, str], ...] = (), **facts: Any) -> Advice:
    """Advice on an occurrence of that status, whose jobs' attempts ended so."""
    definition = {key: facts.pop(key) for key in ("missed", "overlap", "rerun_interrupted") if key in facts}
    on = {"orphaned": facts.pop("orphaned", False), "enabled": facts.pop("enabled", True)}
    row = {
        "status": status, "reason": None, "due_count": 1, "jobs_total": len(attempts), "finished_at": NOON,
        "cancel_requested_at": None, "cancel_requested_by": None,
    }  # fmt: skip
    runs = [
        SimpleNamespace(id=number, job_name=name, status=ended)
        for number, (name, ended) in enumerate(attempts, 1)
    ]
    schedule = SimpleNamespace(definition=definition, next_run_at=at("13:00"), **on)
    return advice(SimpleNamespace(**row | facts), schedule, runs, NOON)


def codes(causes: Any) -> list[str]:
    return [cause.code for cause in causes]


def test_what_completed_needs_nothing_and_can_be_run_again() -> None:
    found = about("COMPLETED", (("a", "COMPLETED"),))
    assert (codes(found.next), codes(found.can)) == (["due"], [])
    assert (found.may_cancel, found.may_run_again, found.may_resume) == (False, True, False)


def test_what_failed_can_go_on_from_there_if_something_completed() -> None:
    assert about("FAILED", (("a", "COMPLETED"), ("b", "FAILED"))).may_resume
    assert not about("FAILED", (("a", "FAILED"), ("b", "SKIPPED"))).may_resume


def test_it_names_the_first_job_that_did_not_do() -> None:
    found = about("FAILED", (("a", "FAILED"), ("a", "COMPLETED"), ("b", "TIMED_OUT"), ("c", "SKIPPED")))
    assert "from b on" in found.can[0].message


def test_who_has_rerun_interrupted_had_one_more_chance() -> None:
    off = about("INTERRUPTED", reason="holder_lost")
    on = about("INTERRUPTED", reason="shutdown", rerun_interrupted=True)
    assert "`rerun_interrupted` is off" in off.next[1].message
    assert codes(off.next)[0] == "last_sign"
    assert on.next[0].message == "it is not run again, because it had its one more chance"


def test_a_skipped_one_names_the_policy_that_decided() -> None:
    missed = about("SKIPPED", reason="daemon_down", missed="run_latest")
    overlapped = about("SKIPPED", reason="overlap")
    assert 'missed="run_latest"' in missed.next[0].message
    assert 'overlap="skip"' in overlapped.next[0].message


def test_a_stretch_can_only_be_run_one_by_one() -> None:
    found = about("SKIPPED", reason="daemon_down", due_count=7)
    assert (codes(found.can), found.may_run_again) == (["run_one"], False)


def test_what_runs_says_how_far_it_is_and_can_be_cancelled_once() -> None:
    jobs = (("a", "COMPLETED"), ("b", "RUNNING"))
    found = about("RUNNING", jobs, jobs_total=3)
    assert found.next[0].message == "1 of 3 jobs have ended; b (run 2) runs now"
    assert found.may_cancel
    asked = about("RUNNING", jobs, cancel_requested_at=NOON, cancel_requested_by="ann")
    assert codes(asked.next) == ["cancelling", "progress"]
    assert not asked.may_cancel


def test_what_waits_can_be_cancelled_and_not_run_again() -> None:
    found = about("QUEUED", finished_at=None)
    assert (found.may_cancel, found.may_run_again, codes(found.next)) == (True, False, [])


def test_what_is_gone_from_the_code_can_be_put_back() -> None:
    found = about("FAILED", (("a", "COMPLETED"), ("b", "FAILED")), orphaned=True)
    assert (codes(found.can), found.may_run_again, found.may_resume) == (["put_back"], False, False)


def test_while_it_is_off_nothing_is_due() -> None:
    assert codes(about("COMPLETED", enabled=False).next) == ["disabled"]
