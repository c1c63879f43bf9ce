"""The jobs of one occurrence: which is next, which are blocked, how it all ends."""

from typing import Any

import pytest

from scheduled.definitions import Job
from scheduled.sequence import Blocked, Sequence
from scheduled.words import Status

COMPLETED, FAILED, SKIPPED = Status.COMPLETED, Status.FAILED, Status.SKIPPED


def sequence(*jobs: Job) -> Sequence:
    return Sequence(tuple(job.name for job in jobs), {job.name: job for job in jobs})


def work(name: str, *depends_on: str, **options: Any) -> Job:
    return Job(name, command="true", depends_on=depends_on, **options)


def ended(jobs: Sequence, **statuses: Status) -> Sequence:
    """The sequence after the named jobs ended so."""
    for name, status in statuses.items():
        jobs.begin(name)
        jobs.note(name, status)
    return jobs


CHAIN = (work("a"), work("b", "a"), work("c", "b"), work("d"))


def test_it_begins_with_the_first() -> None:
    assert sequence(*CHAIN).next() == ([], "a")


def test_it_goes_on_with_the_next_that_has_no_end_yet() -> None:
    assert ended(sequence(*CHAIN), a=COMPLETED).next() == ([], "b")


def test_it_ends() -> None:
    jobs = ended(sequence(work("a")), a=COMPLETED)
    assert (jobs.next(), jobs.unreached(), jobs.status) == (([], None), [], COMPLETED)


def test_a_failed_job_blocks_what_depends_on_it_and_nothing_else() -> None:
    jobs = ended(sequence(*CHAIN), a=FAILED)
    assert jobs.next() == ([Blocked("b", by="a"), Blocked("c", by="b")], "d")


def test_a_job_is_found_blocked_once() -> None:
    jobs = ended(sequence(*CHAIN), a=FAILED)
    jobs.next()
    assert jobs.next() == ([], "d")


def test_a_job_that_skipped_itself_blocks_nothing() -> None:
    assert ended(sequence(*CHAIN), a=SKIPPED).next() == ([], "b")


def test_a_job_may_run_though_its_dependency_failed() -> None:
    jobs = ended(sequence(work("a"), work("b", "a", run_if_dependency_fails=True), work("c", "b")), a=FAILED)
    assert jobs.next() == ([], "b")
    assert ended(jobs, b=COMPLETED).next() == ([], "c")


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({"a": COMPLETED, "b": SKIPPED}, COMPLETED),
        ({"a": FAILED, "b": COMPLETED}, FAILED),
        ({"a": Status.TIMED_OUT}, FAILED),
        ({}, COMPLETED),
    ],
)
def test_it_failed_if_the_last_attempt_of_a_job_did(statuses: dict[str, Status], expected: Status) -> None:
    assert ended(sequence(work("a"), work("b")), **statuses).status is expected


def test_it_did_not_fail_if_a_retry_went_well() -> None:
    jobs = ended(ended(sequence(work("a", retries=1)), a=FAILED), a=COMPLETED)
    assert (jobs.status, jobs.attempts) == (COMPLETED, {"a": 2})


def test_it_counts_the_ends_of_jobs() -> None:
    jobs = ended(sequence(*CHAIN), a=Status.TIMED_OUT)
    jobs.next()
    ended(jobs, d=COMPLETED)
    assert jobs.counts == {"jobs_completed": 1, "jobs_failed": 1, "jobs_skipped": 2}


def test_it_waits_twice_as_long_each_time_up_to_the_most() -> None:
    jobs = sequence(work("a", retries=6))
    assert [jobs.note("a", FAILED) for _ in range(7)] == [1, 2, 4, 8, 10, 10, None]


def test_it_can_retry_for_ever() -> None:
    jobs = sequence(work("a", retries=10**6))
    jobs.failures["a"] = 10**5
    assert jobs.note("a", FAILED) == 10


@pytest.mark.parametrize("status", [COMPLETED, SKIPPED, Status.CANCELLED, Status.INTERRUPTED])
def test_it_retries_nothing_but_failures(status: Status) -> None:
    assert sequence(work("a", retries=3)).note("a", status) is None


def test_it_hands_on_what_the_dependencies_returned() -> None:
    jobs = sequence(*CHAIN)
    jobs.note("a", COMPLETED, {"rows": 3})
    jobs.note("d", COMPLETED, "x")
    assert jobs.results_for("b") == {"a": {"rows": 3}}
    assert jobs.results_for("c") == {"b": None}


def test_it_knows_what_it_did_not_reach() -> None:
    assert ended(sequence(*CHAIN), a=COMPLETED).unreached() == ["b", "c", "d"]


# ── after an interruption ───────────────────────────────────────────────────


def test_it_repeats_no_job_that_had_ended() -> None:
    jobs = sequence(*CHAIN)
    jobs.remember("a", 1, COMPLETED)
    jobs.remember("b", 1, Status.INTERRUPTED)
    assert (jobs.next(), jobs.begin("b")) == (([], "b"), 2)


def test_an_interruption_burns_no_retry() -> None:
    jobs = sequence(work("a", retries=1))
    jobs.remember("a", 1, FAILED)
    jobs.remember("a", 2, Status.INTERRUPTED)
    assert (jobs.next(), jobs.begin("a"), jobs.note("a", FAILED)) == (([], "a"), 3, None)


def test_a_failure_that_may_be_retried_is_no_end() -> None:
    jobs = sequence(work("a", retries=1), work("b", "a"))
    jobs.remember("a", 1, FAILED)
    assert jobs.next() == ([], "a")


def test_a_failure_that_may_not_be_retried_is_one() -> None:
    jobs = sequence(work("a", retries=1), work("b", "a"))
    for attempt in (1, 2):
        jobs.remember("a", attempt, FAILED)
    assert jobs.next() == ([Blocked("b", by="a")], None)


def test_a_job_that_was_blocked_blocks_still() -> None:
    jobs = sequence(*CHAIN)
    jobs.remember("a", 1, FAILED)
    jobs.remember("b", 1, SKIPPED, blocked=True)
    assert jobs.next() == ([Blocked("c", by="b")], "d")


def test_a_job_that_skipped_itself_blocks_nothing_still() -> None:
    jobs = sequence(*CHAIN)
    jobs.remember("a", 1, SKIPPED)
    assert jobs.next() == ([], "b")


@pytest.mark.parametrize("status", [FAILED, COMPLETED, SKIPPED])
def test_it_forgets_a_job_that_the_definitions_have_dropped(status: Status) -> None:
    jobs = sequence(work("a"))
    jobs.remember("gone", 1, status, blocked=status is SKIPPED)
    assert (jobs.next(), jobs.counts["jobs_failed"]) == (([], "a"), 0)
