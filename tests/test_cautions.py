"""What loads, but may do something else than its author thinks."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduled.cautions import Caution, cautions
from scheduled.definitions import Job, Schedule
from scheduled.expressions import Expression, parse
from scheduled.registry import Registry
from scheduled.walltime import EPOCH, changes

NOVEMBER = datetime(2026, 11, 21, tzinfo=UTC)
BERLIN, NEW_YORK, LORD_HOWE, TROLL = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
)
AWAY = "To keep clear of it, choose a time"


def of(
    cron: str,
    timezone: str = "UTC",
    now: datetime = NOVEMBER,
    taking: Mapping[str, float] | None = None,
    **options: Any,
) -> list[Caution]:
    """The cautions about one schedule of all jobs: two, of which the second depends on the first."""
    schedule = Schedule("it", "It", cron=cron, timezone=timezone, where="schedules.py:7", **options)
    jobs = [Job("one", command="true"), Job("two", command="true", depends_on=("one",))]
    return cautions(Registry({"it": schedule}, {job.name: job for job in jobs}), now, taking or {})


def told(*arguments: Any, **options: Any) -> list[tuple[str, str]]:
    return [(caution.code, caution.message) for caution in of(*arguments, **options)]


def codes(*arguments: Any, **options: Any) -> list[str]:
    return [caution.code for caution in of(*arguments, **options)]


def test_it_says_where_and_about_what() -> None:
    first, second = of("30 2 * * *", BERLIN)
    assert (first.where, first.schedule, first.job) == ("schedules.py:7", "it", None)
    assert str(second).startswith("schedules.py:7: 02:30 comes twice")


# ── the clock ─────────────────────────────────────────────────────────────────────────────────────────────


def test_it_warns_of_a_time_that_the_clock_skips_and_repeats() -> None:
    assert told("30 2 * * *", BERLIN) == [
        (
            "clock_skips",
            "02:30 does not exist on 2027-03-28 in Europe/Berlin: it runs once then, at 03:00. "
            f"{AWAY} before 02:00 or from 03:00 on",
        ),
        (
            "clock_repeats",
            "02:30 comes twice on 2027-10-31 in Europe/Berlin: it runs the first time only. "
            f"{AWAY} before 02:00 or from 03:00 on",
        ),
    ]


@pytest.mark.parametrize(
    ("cron", "zone", "sentence"),
    [
        # New York goes to 03:00 at 02:00, and back to 01:00 at 02:00; by an hour.
        ("0,30 2 * * *", NEW_YORK, "02:00 and 02:30 do not exist on 2027-03-14 in America/New_York: "
         "they run once then, at 03:00, all together"),
        ("0 2,3 * * *", NEW_YORK, "it runs once then, at 03:00, as one with the run of 03:00"),
        ("0-59 2 * * *", NEW_YORK, "02:00, 02:01, 02:02 and 57 more do not exist"),
        ("0 1 * * *", NEW_YORK, "01:00 comes twice on 2027-11-07 in America/New_York: it runs the first"),
        # Lord Howe goes to 02:30 at 02:00, half an hour; Troll to 03:00 at 01:00, two.
        ("15 2 * * 0", LORD_HOWE, "02:15 does not exist on 2027-10-03 in Australia/Lord_Howe: it runs once "
         "then, at 02:30"),
        ("15 1,2 * * *", TROLL, "01:15 and 02:15 come twice on 2027-10-31 in Antarctica/Troll: they run the "
         "first time only"),
        # Beirut has no midnight in spring.
        ("@daily", "Asia/Beirut", f"at 01:00. {AWAY} from 01:00 on"),
        ("every day", "Asia/Beirut", "00:00 does not exist on 2027-03-28 in Asia/Beirut: it runs once then, "
         "at 01:00. To keep clear of it, write another time of day as cron, or use the time zone UTC"),
    ],
)  # fmt: skip
def test_it_says_what_happens_when_the_clock_changes(cron: str, zone: str, sentence: str) -> None:
    assert any(sentence in message for _, message in told(cron, zone))


@pytest.mark.parametrize(
    ("cron", "zone"),
    [
        ("30 2 * * *", "UTC"),
        ("30 4 * * *", BERLIN),
        ("0 3 * * *", BERLIN),
        ("30 2 * * 1-5", BERLIN),  # it changes on Sundays
        ("30 2 1 * *", BERLIN),
        ("*/30 2 * * *", BERLIN),
        ("30 * * * *", BERLIN),
        ("every 30 minutes", BERLIN),
        ("every day", BERLIN),
        ("30 2 * * *", "Asia/Tokyo"),
    ],
)
def test_it_is_silent_where_no_change_meets_a_fixed_time(cron: str, zone: str) -> None:
    assert codes(cron, zone) == []


def test_it_tells_a_large_change_for_the_correction_that_it_is() -> None:
    """Apia, 2011-12-30 never was."""
    ((code, message),) = told("0 12 * * *", "Pacific/Apia", datetime(2011, 12, 1, tzinfo=UTC))[:1]
    assert code == "clock_skips"
    assert "12:00 does not exist on 2011-12-30 in Pacific/Apia: it does not run then" in message


def test_it_tells_that_a_time_runs_again_after_a_large_step_back() -> None:
    """Casey, 2010-03-05: at 02:00+11 back by three hours, to 23:00+08."""
    ((_, message),) = told("30 23 * * *", "Antarctica/Casey", datetime(2010, 1, 1, tzinfo=UTC))
    assert "23:30 comes twice on 2010-03-04 in Antarctica/Casey: it runs both times" in message


FIXED = st.builds(
    "{} {} {} * {}".format,
    st.sampled_from(["0", "30", "0,30", "1-59/7", "0-59"]),
    st.sampled_from(["0", "1", "2", "3", "23", "1,2", "2,3", "0-23", "22-23"]),
    st.sampled_from(["*", "1-31", "28-31"]),
    st.sampled_from(["*", "0", "mon-fri"]),
)
ZONES = st.sampled_from(
    [
        BERLIN,
        NEW_YORK,
        LORD_HOWE,
        TROLL,
        "Asia/Beirut",
        "America/Havana",
        "Africa/Casablanca",
        "Atlantic/Azores",
    ]
)
DAY = timedelta(days=1)


def walls(expression: Expression, since: datetime, until: datetime) -> list[datetime]:
    """When it runs, as the clock on the wall shows it."""
    return [due.astimezone(expression.zone).replace(tzinfo=None) for due in expression.between(since, until)]


@settings(max_examples=200, deadline=None)
@given(FIXED | st.just("every day") | st.just("every week"), ZONES, st.integers(2015, 2035))
def test_it_warns_just_when_a_change_makes_a_difference_or_a_time_ambiguous(
    cron: str, zone: str, year: int
) -> None:
    expression, new_year = parse(cron, zone), datetime(year, 1, 1, tzinfo=UTC)
    for change in changes(expression.zone, second(new_year), second(new_year + 365 * DAY)):
        at = EPOCH + timedelta(seconds=change.at)
        found = {code for code in codes(cron, zone, at - timedelta(hours=4)) if code.startswith("clock")}
        skips = change.after > change.before
        low, high = (EPOCH + timedelta(seconds=wall) for wall in sorted((change.before, change.after)))
        named = [due for due in parse(cron).between(low - DAY / 86_400, high) if due < high]
        ran = [due for due in walls(expression, at - DAY, at + DAY) if low <= due.replace(tzinfo=UTC) < high]
        if named:
            assert ("clock_skips" if skips else "clock_repeats") in found
            assert ran == ([] if skips else [due.replace(tzinfo=None) for due in named])
            assert not skips or expression.count(at - DAY / 86_400, at) == 1


def second(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


# ── days and steps ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("cron", "code", "words"),
    [
        ("0 0 13 * fri", "either_day", "either is enough (At 00:00, on day 13 of the month, or on Friday)"),
        (
            "0 0 1-31 * 1",
            "either_day",
            "it runs every day. If day of week should decide, write day of month as '*'",
        ),
        ("0 0 1 * 0-7", "either_day", "If day of month should decide, write day of week as '*'"),
        ("0 0 */2 * 1", "both_days", "cron then wants both to match"),
    ],
)
def test_it_says_how_cron_reads_two_day_fields(cron: str, code: str, words: str) -> None:
    assert words in next(message for found, message in told(cron) if found == code)


@pytest.mark.parametrize("cron", ["0 0 13 * *", "0 0 * * 1-5", "0 0 1-31 * *", "0 0 1-31 * 0-6", "@weekly"])
def test_one_day_field_needs_no_words(cron: str) -> None:
    assert codes(cron) == []


@pytest.mark.parametrize(
    ("cron", "sentence"),
    [
        ("*/7 * * * *", "'*/7' in the field minute does not come round evenly: it runs at 56 and then at 0, "
         "4 minutes later. For an even beat write 'every 7 minutes', or a step that divides 60"),
        ("0-59/59 8,9 * * *", "at 59 and then at 0, 1 minute later"),
        ("*/7 0,23 * * *", "at 56 and then at 0"),
        ("0 */5 * * 1-5", "at 20 and then at 0, 4 hours later"),
        ("0 0 */7 * *", "on day 29 and then on day 1, 3 days later in a month of 31 days"),
        ("0 0 1 */5 *", "in November and then in January, 2 months later. For an even beat write a step that "
         "divides 12"),
        ("0 0 * * */2", "on Saturday and then on Sunday, 1 day later"),
        ("0 0 * * 1/2", "on Sunday and then on Monday, 1 day later"),
        ("0 0 * * 0-6/5", "on Friday and then on Sunday, 2 days later"),
        ("*/90 * * * *", "means at 0 and nothing else: once an hour, not every 90 minutes"),
        ("0 9-17/3 * * *", "'9-17/3' in the field hour runs at 15 for the last time, and not at 17. If that "
         "is meant, write '9-15/3'"),
    ],
)  # fmt: skip
def test_it_says_what_an_uneven_step_does(cron: str, sentence: str) -> None:
    assert [code for code, message in told(cron) if sentence in message] == ["uneven_step"]


@pytest.mark.parametrize(
    "cron",
    [
        "*/15 * * * *",
        "5/15 * * * *",
        "0-45/15 * * * *",
        "*/60 * * * *",
        "*/7 2 * * *",  # nobody sees what comes after 02:56
        "*/7 */2 * * *",
        "*/7 0,23 1,15 * *",
        "0 */5 1 * *",
        "0 9-17/2 * * *",
        "0 0 */7 1,3 *",
        "0 0 * * */7",
        "0 0 1 */3 *",
        "1,*/7 * * * *",
        "every 7 minutes",
    ],
)
def test_it_is_silent_about_a_step_that_comes_round(cron: str) -> None:
    assert codes(cron) == []


def fields(low: int, high: int) -> st.SearchStrategy[str]:
    step = st.integers(2, high + 2)
    first = st.integers(low, high)
    return st.builds("*/{}".format, step) | st.builds("{}/{}".format, first, step) | st.just("*")


@settings(max_examples=200, deadline=None)
@given(fields(0, 59), st.sampled_from(["*", "3", "1-4", "*/2"]))
def test_the_minutes_come_round_as_it_says(minute: str, hour: str) -> None:
    """If it says nothing, all minutes within a day's runs are a step apart, or hours apart."""
    found = [message for code, message in told(f"{minute} {hour} * * *") if "field minute" in message]
    dues = list(parse(f"{minute} {hour} * * *").between(NOVEMBER, NOVEMBER + 2 * DAY))
    distances = {(later - due) // timedelta(minutes=1) for due, later in pairwise(dues)}
    step = int(minute.partition("/")[2] or 1)
    if any("evenly" in message for message in found):
        later = int(found[0].partition(" minute")[2].partition(", ")[2].partition(" ")[0])
        assert later != step
        assert {step, later} <= distances
    elif not found:
        assert all(distance == step or distance >= 60 for distance in distances)


# ── jobs ──────────────────────────────────────────────────────────────────────────────────────────────────


def jobs_and(*schedules: Schedule) -> Iterator[str | None]:
    jobs = [
        Job("alone", command="true", where="jobs.py:3"),
        Job("needed", command="true"),
        Job("needs", command="true", depends_on=("needed",), group="some"),
    ]
    found = cautions(Registry({s.id: s for s in schedules}, {j.name: j for j in jobs}), NOVEMBER, {})
    return (caution.job for caution in found)


def test_it_names_a_job_that_no_schedule_runs() -> None:
    some = Schedule("some", "Some", cron="@daily", mode="GROUP", group="some")
    assert list(jobs_and(some)) == ["alone"]
    assert list(jobs_and()) == ["alone", "needed", "needs"]


def test_a_job_of_another_environment_is_in_a_schedule() -> None:
    assert not list(jobs_and(Schedule("all", "All", cron="@daily", environments=["development"])))


def test_it_says_where_the_job_is() -> None:
    job = Job("alone", command="true", where="jobs.py:3")
    (found,) = cautions(Registry({}, {"alone": job}), NOVEMBER, {})
    assert (
        str(found)
        == "jobs.py:3 job 'alone': no schedule runs it: name it (or its group) in one, or remove it"
    )


# ── durations ─────────────────────────────────────────────────────────────────────────────────────────────


def test_it_warns_of_a_schedule_that_is_due_before_its_jobs_are_done() -> None:
    assert told("*/15 * * * *", taking={"one": 600, "two": 330.4}) == [
        (
            "due_too_often",
            "its jobs have been taking 15 min 30 s together, but it is due every 15 min: what is due while "
            "it runs is skipped (overlap). Let it be due less often, or split it",
        )
    ]


def test_it_finds_the_two_instants_that_are_nearest_to_each_other() -> None:
    ((_, message),) = told("0 9,10,18 * * *", taking={"one": 7200})
    assert "taking 2 h together, but it is due again after as little as 1 h" in message


@pytest.mark.parametrize(
    ("policy", "words"), [("run_latest", "only the newest runs, afterwards"), ("run_all", "waits in a queue")]
)
def test_it_says_what_becomes_of_what_is_due_meanwhile(policy: str, words: str) -> None:
    ((_, message),) = told("every 30 seconds", taking={"two": 52.5}, overlap=policy)
    assert words in message
    assert "taking 52.5 s together" in message


@pytest.mark.parametrize("taking", [{}, {"one": 900.0}, {"other": 1e9}])
def test_jobs_that_are_done_in_time_need_no_words(taking: Mapping[str, float]) -> None:
    assert codes("*/15 * * * *", taking=taking) == []


def test_a_schedule_that_is_due_once_a_year_is_not_due_too_often() -> None:
    assert codes("@yearly", taking={"one": 1e9}) == []


def test_what_a_clock_change_brings_together_is_not_due_too_often() -> None:
    assert "due_too_often" not in codes("30 1,3 * * *", BERLIN, taking={"one": 5400})
