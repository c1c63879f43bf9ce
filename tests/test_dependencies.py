"""The order of jobs: a stable topological order of what was chosen and all that it depends on."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled.dependencies import Graph, blocker, closure, find_cycle, order
from scheduled.words import Status

DIAMOND = {"report": ["clean", "load"], "clean": ["fetch"], "load": ["fetch"], "fetch": [], "other": []}


def test_it_takes_along_everything_that_a_job_depends_on() -> None:
    assert closure(DIAMOND, ["load"]) == {"load", "fetch"}
    assert closure(DIAMOND, []) == set()


def test_it_runs_each_job_after_its_dependencies_and_once() -> None:
    assert order(DIAMOND, ["report"]) == ("fetch", "clean", "load", "report")


def test_it_keeps_the_order_of_definition_where_it_can() -> None:
    assert order({"c": [], "a": [], "b": []}, ["b", "a", "c"]) == ("c", "a", "b")


def test_it_runs_independent_jobs_before_later_ones_that_must_wait() -> None:
    assert order({"a": ["d"], "b": [], "c": [], "d": []}, "abcd") == ("b", "c", "d", "a")


def test_it_does_not_know_every_name() -> None:
    with pytest.raises(KeyError):
        order(DIAMOND, ["nope"])


def test_it_cannot_order_a_cycle() -> None:
    with pytest.raises(ValueError, match="cycle"):
        order({"a": ["b"], "b": ["a"]}, ["a"])


@pytest.mark.parametrize(
    ("graph", "cycle"),
    [
        ({"a": ["a"]}, "aa"),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, "bcb"),
        ({"a": ["b", "c"], "b": [], "c": ["b", "a"]}, "aca"),
        ({"a": ["nope"], "b": ["a"]}, None),
        (DIAMOND, None),
        ({}, None),
    ],
)
def test_it_finds_a_cycle_and_tells_its_path(graph: Graph, cycle: str | None) -> None:
    assert find_cycle(graph) == (None if cycle is None else tuple(cycle))


def test_it_is_not_deep_but_long() -> None:
    chain = {str(n): [str(n + 1)] for n in range(5000)} | {"5000": []}
    assert find_cycle(chain) is None


NAMES = "abcdefg"
graphs = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=3))
chosen = st.lists(st.sampled_from(NAMES))


def acyclic(given_graph: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same jobs, each depending on later letters only, defined in the order given."""
    return {name: [d for d in given_graph[name] if d > name and d in given_graph] for name in given_graph}


def reaches(graph: Graph, start: str, goal: str) -> bool:
    """Naively: is there a path of at least one step, no longer than there are names?"""
    reached = {start}
    for _ in NAMES:
        reached = {after for name in reached for after in graph.get(name, ())}
        if goal in reached:
            return True
    return False


@given(graphs)
def test_it_finds_a_cycle_if_there_is_one(graph: dict[str, list[str]]) -> None:
    cycle = find_cycle(graph)
    assert (cycle is not None) == any(reaches(graph, name, name) for name in graph)
    if cycle is not None:
        assert cycle[0] == cycle[-1]
        assert len(set(cycle)) == len(cycle) - 1
        assert all(after in graph[before] for before, after in pairwise(cycle))


@given(graphs.map(acyclic), chosen)
def test_it_orders_what_was_chosen_and_what_it_needs(graph: dict[str, list[str]], names: list[str]) -> None:
    wanted = [name for name in names if name in graph]
    found = order(graph, wanted)
    assert set(found) == {n for n in graph if n in wanted or any(reaches(graph, w, n) for w in wanted)}
    assert len(found) == len(set(found))
    assert all(found.index(d) < found.index(name) for name in found for d in graph[name])


@given(graphs.map(acyclic))
def test_it_puts_no_job_later_than_it_must_be(graph: dict[str, list[str]]) -> None:
    """At each turn the job runs that was defined first among those that can."""
    found = order(graph, graph)
    for turn, name in enumerate(found):
        done = set(found[:turn])
        able = [other for other in graph if other not in done and done.issuperset(graph[other])]
        assert able[0] == name


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.CANCELLED, Status.INTERRUPTED])
def test_a_dependency_that_failed_blocks(status: Status) -> None:
    assert blocker(["a", "b"], {"a": Status.COMPLETED, "b": status}, []) == "b"


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.SKIPPED])
def test_a_dependency_that_did_not_fail_blocks_nothing(status: Status) -> None:
    assert blocker(["a"], {"a": status}, []) is None


def test_a_dependency_that_was_blocked_blocks_in_turn() -> None:
    assert blocker(["a"], {"a": Status.SKIPPED}, ["a"]) == "a"


def test_a_dependency_that_has_not_run_blocks_nothing() -> None:
    assert blocker(["a"], {}, []) is None
