"""All definitions together: what runs in which order, and hashes that tell when anything changed."""

import subprocess
import sys
from typing import Any

import pytest

from scheduled.definitions import Job, Schedule, job
from scheduled.errors import DefinitionsError, UnknownNameError
from scheduled.registry import Registry, chosen_by, hash_of

JOBS = (
    Job("load", command="true", group="nightly", depends_on=("fetch",)),
    Job("report", command="true", group="nightly"),
    Job("fetch", command="true"),
    Job("lint", command="true", group="dev"),
)


def schedule(id: str = "it", **options: Any) -> Schedule:
    return Schedule(id, "It", **{"cron": "0 2 * * *"} | options)


def registry(*schedules: Schedule, jobs: tuple[Job, ...] = JOBS, zone_data: str = "2026a") -> Registry:
    return Registry.of(schedules, jobs, zone_data)


def test_it_keeps_the_order_of_definition() -> None:
    made = registry(schedule("b"), schedule("a"))
    assert list(made.schedules) == ["b", "a"]
    assert list(made.jobs) == ["load", "report", "fetch", "lint"]


@pytest.mark.parametrize(
    ("options", "chosen", "order"),
    [
        ({}, "load report fetch lint", "report fetch load lint"),
        ({"mode": "GROUP", "group": "nightly"}, "load report", "report fetch load"),
        ({"mode": "GROUP", "group": "dev"}, "lint", "lint"),
        ({"mode": "JOBS", "jobs": ["lint", "load"]}, "lint load", "fetch load lint"),
    ],
)
def test_it_runs_what_was_chosen_with_its_dependencies(
    options: dict[str, Any], chosen: str, order: str
) -> None:
    one = schedule(**options)
    assert chosen_by(one, JOBS) == chosen.split()
    for _ in range(2):
        assert registry(one).order_of(one) == tuple(order.split())


def test_it_tells_the_same_order_again() -> None:
    made = registry(one := schedule())
    assert made.order_of(one) is made.order_of(one)


def test_it_runs_some_of_a_schedules_jobs() -> None:
    made = registry(one := schedule(mode="GROUP", group="nightly"))
    assert made.order_of_chosen(one, ["load"]) == ("fetch", "load")
    assert made.order_of_chosen(one, iter(["report", "fetch"])) == ("report", "fetch")


def test_it_runs_no_job_that_the_schedule_does_not() -> None:
    made = registry(one := schedule(mode="GROUP", group="nightly"))
    with pytest.raises(UnknownNameError, match="there is no job of schedule 'it' 'lint'"):
        made.order_of_chosen(one, ["load", "lint"])


def test_it_suggests_the_nearest_name() -> None:
    made = registry(schedule("nightly"))
    assert (made.schedule("nightly").id, made.job("load").name) == ("nightly", "load")
    with pytest.raises(UnknownNameError, match="no schedule 'nihgtly': did you mean 'nightly'"):
        made.schedule("nihgtly")
    with pytest.raises(UnknownNameError, match="no job 'laod': did you mean 'load'"):
        made.job("laod")


def test_it_leaves_out_what_is_for_other_environments() -> None:
    made = registry(schedule("everywhere"), schedule("here", environments=["a", "b"]))
    assert list(made.for_environment("a").schedules) == ["everywhere", "here"]
    assert list(made.for_environment("c").schedules) == ["everywhere"]
    assert made.for_environment("c").zone_data == "2026a"
    assert list(made.for_environment("c").jobs) == list(made.jobs)


def test_it_is_checked_wherever_it_is_made() -> None:
    with pytest.raises(DefinitionsError, match="the id 'it' is taken"):
        registry(schedule(), schedule())


def test_it_may_be_empty() -> None:
    assert registry(jobs=()).hash == registry(jobs=()).hash


# ── hashes ──────────────────────────────────────────────────────────────────


def hashed(one: Schedule | None = None, **options: Any) -> str:
    return registry(one or schedule(), **options).hashes["it"]


def test_the_hash_of_a_definition_is_this() -> None:
    """It stands in databases: if this test fails, every schedule counts as changed after an upgrade."""
    assert hashed() == HASH


def test_the_hash_is_the_same_in_every_process() -> None:
    code = "from tests.test_registry import registry, schedule; print(registry(schedule()).hash)"
    told = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, check=True, stdout=subprocess.PIPE
        ).stdout.decode().strip()
        for seed in ("1", "2")
    }  # fmt: skip
    assert told == {registry(schedule()).hash}


@pytest.mark.parametrize(
    "options",
    [
        {"cron": "0 3 * * *"}, {"timezone": "Europe/Riga"}, {"name": "Other"}, {"description": "x"},
        {"missed": "run_all"}, {"overlap": "run_all"}, {"catch_up_limit": 5}, {"start_deadline": 5},
        {"missed_grace": 5}, {"rerun_interrupted": True}, {"params": {"a": 1}},
        {"mode": "GROUP", "group": "nightly"}, {"mode": "JOBS", "jobs": ["lint"]},
    ],
)  # fmt: skip
def test_the_hash_tells_every_change(options: dict[str, Any]) -> None:
    changed = Schedule("it", **{"name": "It", "cron": "0 2 * * *"} | options)
    assert hashed(changed) != hashed()


@pytest.mark.parametrize("options", [{"enabled_by_default": True}, {"environments": ["a"]}, {"where": "x"}])
def test_the_hash_tells_of_nothing_else(options: dict[str, Any]) -> None:
    assert hashed(schedule(**options)) == hashed()


def test_the_hash_does_not_go_by_the_spelling() -> None:
    assert hashed(schedule(params={"a": 1, "b": 2})) == hashed(schedule(params={"b": 2, "a": 1}))
    assert hashed(schedule(start_deadline=60)) == hashed(schedule(start_deadline=60.0))


def test_the_hash_tells_what_runs() -> None:
    assert hashed(jobs=JOBS[1:3]) != hashed()


def test_the_hash_tells_of_new_zone_data_where_it_matters() -> None:
    riga = schedule(timezone="Europe/Riga")
    assert hashed(riga, zone_data="2026b") != hashed(riga)
    assert hashed(zone_data="2026b") == hashed()


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 5}, {"retries": 1}, {"env": {"A": "b"}}, {"cwd": "/"}, {"ok_exit_codes": [0, 1]},
        {"command": "false"}, {"group": "x"}, {"run_if_dependency_fails": True}, {"retry_backoff": 3},
    ],
)  # fmt: skip
def test_the_hash_of_all_tells_every_change_of_a_job(options: dict[str, Any]) -> None:
    one, other = Job("a", command="true"), Job("a", **{"command": "true"} | options)
    assert registry(jobs=(one,)).hash != registry(jobs=(other,)).hash


def test_a_hash_is_short() -> None:
    assert len(hash_of({})) == 32


HASH = "1e84b156ae265e4c70c448d5fe4840e8"


def test_it_tells_of_every_cycle() -> None:
    for name, needs in (("a", "b"), ("b", "a"), ("c", "d"), ("d", "c")):
        job(name=name, depends_on=[needs])(lambda: None)
    with pytest.raises(DefinitionsError) as raised:
        Registry.of([])
    told = [fault.message for fault in raised.value.faults]
    assert told == [
        "they depend on each other in a cycle: a -> b -> a",
        "they depend on each other in a cycle: c -> d -> c",
    ]
