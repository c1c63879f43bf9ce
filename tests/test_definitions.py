"""What users write: checked when it is made, all faults of an object at once, each with its way out."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest

from scheduled import collecting
from scheduled.definitions import Job, Schedule, command, job
from scheduled.errors import DefinitionsError, Fault
from scheduled.registry import Registry

make_job: Any = job
make_command: Any = command
make_schedule: Any = Schedule


@pytest.fixture(autouse=True)
def no_jobs_yet() -> None:
    collecting.restore(())


def told(make: Callable[[], object]) -> list[str]:
    """The faults of what is made, as people read them, without where they are."""
    with pytest.raises(DefinitionsError) as caught:
        make()
    return [_said(fault) for fault in caught.value.faults]


def _said(fault: Fault) -> str:
    return fault.message + (f" ({fault.hint})" if fault.hint else "")


def daily(**options: Any) -> Any:
    return make_schedule(**{"id": "it", "name": "It", "cron": "@daily"} | options)


def a_job(**options: Any) -> Any:
    return make_command(**{"name": "it", "argv": "true"} | options)


def between(*schedules: Schedule) -> list[str]:
    return told(lambda: Registry.of(schedules))


# ── schedules ───────────────────────────────────────────────────────────────


def test_it_needs_little() -> None:
    made = Schedule("it", "It", cron="0 2 * * *")
    assert (made.mode, made.timezone, made.missed, made.overlap) == ("ALL_JOBS", "UTC", "skip", "skip")
    assert (made.catch_up_limit, made.start_deadline, made.missed_grace) == (100, None, None)


def test_it_takes_durations_as_seconds_or_timedelta() -> None:
    made = daily(start_deadline=timedelta(minutes=1), missed_grace=5)
    assert (made.start_deadline, made.missed_grace) == (60.0, 5.0)


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        daily().cron = "@hourly"


@pytest.mark.parametrize("id", ["a", "9", "a.b_c-D", "x" * 64])
def test_it_takes_ids_that_are_names(id: str) -> None:
    assert daily(id=id).id == id


@pytest.mark.parametrize("id", ["", "-a", ".a", "a b", "a/b", "é", "a\n", "x" * 65, 5, None, ["a"]])
def test_it_refuses_ids_that_are_none(id: object) -> None:
    (fault,) = told(lambda: daily(id=id))
    assert fault.startswith(f"the id {collecting.shown(id)} is not a valid name (a name is 1 to 64 of A-Z")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"mode": "group"}, "unknown mode 'group' (did you mean 'GROUP'?)"),
        ({"mode": 5}, "unknown mode 5 (known: ALL_JOBS, GROUP, JOBS)"),
        ({"missed": "run-latest"}, "unknown missed policy 'run-latest' (did you mean 'run_latest'?)"),
        ({"overlap": None}, "unknown overlap policy None (known: run_all, run_latest, skip)"),
        ({"mode": "GROUP"}, "mode GROUP with group None (mode='GROUP' and group='…' go together)"),
        ({"group": "a"}, "mode ALL_JOBS with group 'a' (mode='GROUP' and group='…' go together)"),
        ({"mode": "JOBS"}, "mode JOBS with 0 jobs (mode='JOBS' and jobs=['…'] go together)"),
        ({"jobs": ["a"]}, "mode ALL_JOBS with 1 jobs (mode='JOBS' and jobs=['…'] go together)"),
        ({"cron": ""}, "there is no expression (cron='0 2 * * *', for example, or cron='every 15 minutes')"),
        ({"timezone": "Europe/Rige"}, "unknown time zone 'Europe/Rige' (did you mean 'Europe/Riga'?)"),
        ({"catch_up_limit": 0}, "catch_up_limit 0 is not allowed (a whole number, at least 1)"),
        ({"catch_up_limit": True}, "catch_up_limit True is not allowed (a whole number, at least 1)"),
        ({"start_deadline": "1h"}, "start_deadline '1h' is no duration (seconds as a number"),
        (
            {"missed_grace": -1},
            "missed_grace -1 is not allowed (from 0 seconds to a hundred years)",
        ),
        ({"enabled_by_default": "no"}, "enabled_by_default 'no' is not allowed (True or False)"),
        ({"rerun_interrupted": 1}, "rerun_interrupted 1 is not allowed (True or False)"),
        ({"name": None}, "name None is not allowed (text)"),
        ({"description": 5}, "description 5 is not allowed (text)"),
        ({"environments": "production"}, "environments 'production' is no list (a list of names, as in"),
        ({"environments": [5]}, "environments: the item 5 is not allowed (names, as in ['production'])"),
        ({"jobs": "work", "mode": "JOBS"}, "jobs 'work' is no list (a list of names of jobs, or"),
        ({"params": ["a"]}, "params ['a'] is not allowed (a mapping of names to JSON values)"),
        ({"params": {1: 2}}, "params: the name 1 is not allowed (text)"),
        ({"parms": {}}, "unknown argument 'parms' (did you mean 'params'?)"),
        ({"polcy": 1, "xyzzy": 1}, "unknown argument 'polcy'"),
    ],
)  # fmt: skip
def test_it_says_what_is_wrong_and_what_is_allowed(options: dict[str, object], expected: str) -> None:
    assert told(lambda: daily(**options))[0].startswith(expected)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 10**400, 1e20, timedelta.max, -(10**400)])
def test_it_refuses_durations_that_no_clock_can_count(seconds: object) -> None:
    (fault,) = told(lambda: daily(missed_grace=seconds))
    assert fault.endswith("is not allowed (from 0 seconds to a hundred years)")


@pytest.mark.parametrize("cron", ["61 * * * *", "@reboot", "* * * *", 5, "0 0 30 2 *"])
def test_it_refuses_an_expression_that_is_not_valid_or_never_fires(cron: object) -> None:
    assert len(told(lambda: daily(cron=cron))) == 1


def test_it_says_when_an_expression_never_fires() -> None:
    assert "never fires" in told(lambda: daily(cron="0 0 30 2 *"))[0]


def test_it_takes_params_that_json_can_hold() -> None:
    params = {"a": [1, 2.5, None, True, "ö"], "b": {"c": ("d",)}}
    assert daily(params=params).params == params


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), b"x", {"a": {1: 1, "b": 2}}, Path("x")])
def test_it_names_the_param_that_json_cannot_hold(value: object) -> None:
    (fault,) = told(lambda: daily(params={"good": 1, "bad": value}))
    assert fault.startswith("params['bad'] ")
    assert "is no JSON value" in fault


def test_it_names_a_param_that_holds_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "Circular" in told(lambda: daily(params={"bad": endless}))[0]


def test_it_tells_all_faults_of_a_schedule_at_once() -> None:
    faults = told(lambda: daily(id="a b", cron="nope", timezone="UTC", mode="x", catch_up_limit=-1, oops=1))
    assert len(faults) == 5


def test_it_tells_what_is_missing_with_the_rest() -> None:
    faults = told(lambda: make_schedule(cron="@daily", overlap="never"))
    assert faults[:2] == ["the argument 'id' is missing", "the argument 'name' is missing"]
    assert faults[2].startswith("unknown overlap policy")


def test_it_says_where() -> None:
    with pytest.raises(DefinitionsError) as caught:
        daily(id="nightly", oops=1)
    assert caught.value.faults[0].where.startswith("test_definitions.py:")
    assert caught.value.faults[0].where.endswith("schedule 'nightly'")


def test_it_names_jobs_by_function_command_or_name() -> None:
    made = daily(mode="JOBS", jobs=[job(lint), command("push", "true"), "deploy"])
    assert made.jobs == ("lint", "push", "deploy")


@pytest.mark.parametrize("item", [5, len, Path("a"), None])
def test_it_names_what_is_no_job(item: object) -> None:
    (fault,) = told(lambda: daily(mode="JOBS", jobs=["good", item]))
    assert fault.startswith(f"jobs holds {collecting.shown(item)}, which is no job")


# ── jobs ────────────────────────────────────────────────────────────────────


def lint() -> None:
    """Look for mistakes.

    All of them.
    """


def made_of(function: object) -> Job:
    made = getattr(function, "__scheduled_job__")  # noqa: B009
    assert isinstance(made, Job)
    return made


def test_a_decorated_function_stays_the_function_that_it_was() -> None:
    assert job(lint) is lint
    assert job(group="a")(lint) is lint


def test_a_job_is_named_after_its_function_with_hyphens() -> None:
    @job
    def refresh_all_reports() -> None: ...

    assert made_of(refresh_all_reports).name == "refresh-all-reports"
    assert collecting.jobs() == [made_of(refresh_all_reports)]


def test_a_job_is_described_by_the_first_line_of_its_docstring() -> None:
    assert made_of(job(lint)).description == "Look for mistakes."
    assert made_of(job(description="Lint.")(lint)).description == "Lint."


def test_a_job_needs_no_docstring() -> None:
    @job
    def bare() -> None: ...

    assert made_of(bare).description == ""


def test_an_async_function_is_a_job() -> None:
    @job
    async def wait() -> int:
        return 5

    assert asyncio.run(wait()) == 5
    assert made_of(wait).function is wait


def test_a_job_has_these_defaults() -> None:
    made = made_of(job(lint))
    assert (made.timeout, made.retries, made.retry_backoff, made.retry_backoff_max) == (None, 0, 1.0, 10.0)
    assert (made.isolation, made.group, made.depends_on) == ("inline", None, ())
    assert made.run_if_dependency_fails is False


def test_a_job_takes_every_option() -> None:
    made = made_of(
        job(
            name="x", group="g", depends_on=["a"], description="d", timeout=timedelta(minutes=1), retries=3,
            retry_backoff=2, retry_backoff_max=timedelta(hours=1), isolation="process",
            run_if_dependency_fails=True,
        )(lint)
    )  # fmt: skip
    assert (made.name, made.group, made.depends_on, made.timeout) == ("x", "g", ("a",), 60.0)
    assert (made.retries, made.retry_backoff, made.retry_backoff_max) == (3, 2.0, 3600.0)
    assert (made.isolation, made.run_if_dependency_fails) == ("process", True)


def test_a_job_may_be_told_none_for_the_default() -> None:
    assert made_of(make_job(name=None, group=None, timeout=None, description=None)(lint)).name == "lint"


def test_a_job_depends_on_functions_commands_and_names() -> None:
    made = command("deploy", "true", depends_on=[job(lint), command("build", "make"), "test"])
    assert made.depends_on == ("lint", "build", "test")


def test_a_job_is_where_its_function_is() -> None:
    def decorated(function: Callable[[], None]) -> Callable[[], None]:
        @wraps(function)
        def outer() -> None: ...

        return outer

    line = lint.__code__.co_firstlineno
    assert made_of(job(decorated(lint))).where == f"test_definitions.py:{line}"


def test_a_job_can_be_anything_that_can_be_called() -> None:
    whole = partial(print, "x")
    assert made_of(make_job(name="print")(whole)).where.startswith("test_definitions.py:")
    assert told(lambda: make_job(partial(print)))[0].startswith("the name '' is not a valid name")


def test_a_name_must_be_told_as_such() -> None:
    (fault,) = told(lambda: make_job("sync"))
    assert fault == "@job is given 'sync', which is no function (options have names, as in @job(name='…'))"


def test_a_job_of_the_wrong_kind_is_gathered_and_the_function_left_alone() -> None:
    with collecting.gathering() as faults:
        assert make_job("sync")(lint) is lint
    assert len(faults) == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"retries": -1}, "retries -1 is not allowed (a whole number, at least 0)"),
        ({"retries": 1.5}, "retries 1.5 is not allowed (a whole number, at least 0)"),
        ({"timeout": 0}, "timeout 0 is not allowed (from 0.001 seconds to a hundred years)"),
        ({"timeout": -5}, "timeout -5 is not allowed (from 0.001 seconds to a hundred years)"),
        ({"timeout": True}, "timeout True is no duration (seconds as a number, or a timedelta)"),
        ({"retry_backoff": -1}, "retry_backoff -1 is not allowed (from 0 seconds to a hundred years)"),
        ({"group": "a b"}, "group 'a b' is not a valid name"),
        ({"description": 5}, "description 5 is not allowed (text)"),
        ({"depends_on": "a"}, "depends_on 'a' is no list (a list of names of jobs"),
        ({"depends_on": [5]}, "depends_on holds 5, which is no job (a job's name, or a function"),
        ({"run_if_dependency_fails": 1}, "run_if_dependency_fails 1 is not allowed (True or False)"),
        ({"name": "a b"}, "the name 'a b' is not a valid name"),
        ({"timeot": 5}, "unknown argument 'timeot' (did you mean 'timeout'?)"),
    ],
)
def test_a_job_and_a_command_say_what_is_wrong(options: dict[str, object], expected: str) -> None:
    assert told(lambda: make_job(**options)(lint))[0].startswith(expected)
    assert told(lambda: a_job(**options))[0].startswith(expected)


def test_a_job_says_what_isolation_there_is() -> None:
    assert told(lambda: make_job(isolation="proces")(lint)) == [
        "unknown isolation 'proces' (did you mean 'process'?)"
    ]


@pytest.mark.parametrize("option", ["env", "cwd", "command", "where", "ok_exit_codes"])
def test_a_function_takes_no_option_of_a_command(option: str) -> None:
    assert told(lambda: make_job(**{option: "x"})(lint))[0].startswith(f"unknown argument '{option}'")


@pytest.mark.parametrize("option", ["isolation", "function", "where", "command"])
def test_a_command_takes_no_option_of_a_function(option: str) -> None:
    assert told(lambda: a_job(**{option: "x"}))[0].startswith(f"unknown argument '{option}'")


def test_a_job_tells_all_its_faults_at_once() -> None:
    assert len(told(lambda: make_job(name="a b", retries=-1, timeout=-1, timeot=3)(lint))) == 4
    assert len(told(lambda: a_job(name="a b", argv=[], env=5, timeot=3))) == 4


# ── commands ────────────────────────────────────────────────────────────────


def test_a_command_is_a_text_for_the_shell_or_a_list() -> None:
    assert command("a", "ls | wc -l").command == "ls | wc -l"
    assert command("b", ["ls", "-l"]).command == ("ls", "-l")
    assert [made.name for made in collecting.jobs()] == ["a", "b"]


def test_a_command_takes_its_surroundings() -> None:
    made = command("a", "true", env={"N": "1"}, cwd=Path("/tmp"), ok_exit_codes=[0, 3], group="g", retries=1)
    assert (made.env, made.cwd, made.ok_exit_codes) == ({"N": "1"}, "/tmp", (0, 3))
    assert (made.group, made.retries, made.function) == ("g", 1, None)


def test_a_command_writes_numbers_of_the_environment_as_text() -> None:
    assert a_job(env={"N": 1}).env == {"N": "1"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"argv": ""}, "there is nothing to run (a function, or a command that is not empty)"),
        ({"argv": []}, "there is nothing to run (a function, or a command that is not empty)"),
        ({"argv": ["ls", 5]}, "command: the item 5 is not allowed (text"),
        ({"argv": 5}, "command 5 is no list (a list of text (or one text, for a shell))"),
        ({"env": ["A=1"]}, "env ['A=1'] is not allowed (a mapping of names to text)"),
        ({"cwd": 5}, "cwd 5 is not allowed (a path)"),
        ({"ok_exit_codes": 3}, "ok_exit_codes 3 is no list (a list of whole numbers)"),
        ({"ok_exit_codes": ["0"]}, "ok_exit_codes: the item '0' is not allowed (whole numbers)"),
    ],
)
def test_a_command_says_what_is_wrong(options: dict[str, object], expected: str) -> None:
    assert told(lambda: a_job(**options))[0].startswith(expected)


def test_a_command_is_where_it_was_made() -> None:
    assert command("a", "true").where.startswith("test_definitions.py:")


# ── between them ────────────────────────────────────────────────────────────


@pytest.fixture
def two_jobs() -> None:
    command("search-index", "true", group="matching")
    command("backup", "true")


@pytest.mark.usefixtures("two_jobs")
def test_ids_are_unique_whatever_their_case() -> None:
    (fault,) = between(daily(id="Nightly"), daily(id="nightly"))
    assert fault.startswith("the id 'nightly' is taken (by test_definitions.py:")
    assert "case does not tell names apart" in fault


@pytest.mark.usefixtures("two_jobs")
def test_ids_made_by_one_line_are_taken_too() -> None:
    (fault,) = between(*[daily(id="it") for _ in range(2)])
    assert fault == (
        "the id 'it' is taken (by the same line: was it run twice, in a loop or as a module of two names?)"
    )


@pytest.mark.usefixtures("two_jobs")
def test_names_of_jobs_are_unique_too() -> None:
    command("Backup", "true")
    job(name="search-index")(lint)
    faults = between(daily())
    assert [fault.partition(" (")[0] for fault in faults] == [
        "the name 'Backup' is taken",
        "the name 'search-index' is taken",
    ]


@pytest.mark.usefixtures("two_jobs")
def test_groups_and_jobs_must_exist() -> None:
    made = [daily(id="a", mode="GROUP", group="matchign"), daily(id="b", mode="JOBS", jobs=["bakcup", "x"])]
    assert between(*made) == [
        "unknown group 'matchign' (did you mean 'matching'?)",
        "unknown job 'bakcup' (did you mean 'backup'?)",
        "unknown job 'x' (known: backup, search-index)",
    ]


@pytest.mark.usefixtures("two_jobs")
def test_dependencies_must_exist() -> None:
    command("match", "true", depends_on=["serch-index"])
    assert between() == ["it depends on the unknown job 'serch-index' (did you mean 'search-index'?)"]


def test_a_cycle_is_told_as_the_cycle() -> None:
    command("start", "true", depends_on=["b"])
    command("b", "true", depends_on=["c"])
    command("c", "true", depends_on=["b"])
    (fault,) = between()
    assert fault == "they depend on each other in a cycle: b -> c -> b (remove one dependency)"


def test_a_job_may_not_depend_on_itself() -> None:
    command("a", "true", depends_on=["a"])
    assert between()[0].startswith("they depend on each other in a cycle: a -> a")


def test_all_jobs_must_be_some() -> None:
    assert between(daily()) == ["there are no jobs to run (decorate a function with @job)"]


def test_everything_is_told_at_once() -> None:
    with collecting.gathering() as faults:
        command("a b", "true", retries=-1)
        Registry.of([daily(id="x", cron="nope"), daily(id="X", mode="GROUP", group="g")])
    assert len(faults) == 5


def test_the_error_lists_every_fault_on_a_line_of_its_own() -> None:
    with pytest.raises(DefinitionsError) as caught:
        daily(id="a b", catch_up_limit=0)
    assert str(caught.value).splitlines()[0] == "the definitions have faults:"
    assert [line[:4] for line in str(caught.value).splitlines()[1:]] == ["  - "] * 2
