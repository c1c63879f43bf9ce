"""Which jobs run, and in what order: closures, cycles, and what blocks a job. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from scheduled.words import Status

Graph = Mapping[str, Sequence[str]]
"""Each job's name with the names of the jobs that it depends on, in the order of definition."""


def closure(graph: Graph, chosen: Iterable[str]) -> set[str]:
    """The chosen jobs and everything that they depend on, however far."""
    found: set[str] = set()
    waiting = list(chosen)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(graph[name])
    return found


def order(graph: Graph, chosen: Iterable[str]) -> tuple[str, ...]:
    """The closure of `chosen`, each job after its dependencies, else as they were defined.

    Raises:
        KeyError: a name is not in the graph.
        ValueError: the graph has a cycle.
    """
    wanted = closure(graph, chosen)
    done: dict[str, None] = {}
    while len(done) < len(wanted):
        ready = next(
            (
                name
                for name in graph
                if name in wanted and name not in done and all(d in done for d in graph[name])
            ),
            None,
        )
        if ready is None:
            raise ValueError("the jobs depend on each other in a cycle")
        done[ready] = None
    return tuple(done)


def find_cycle(graph: Graph) -> tuple[str, ...] | None:
    """One cycle as a path that ends where it began (a, b, a), or None. Unknown names lead nowhere."""
    finished: set[str] = set()
    for start in graph:
        path: list[str] = []
        branches = [iter((start,))]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if path:
                    finished.add(path.pop())
            elif name in path:
                return (*path[path.index(name) :], name)
            elif name in graph and name not in finished:
                path.append(name)
                branches.append(iter(graph[name]))
    return None


def blocker(depends_on: Sequence[str], outcomes: Mapping[str, Status], blocked: Iterable[str]) -> str | None:
    """The dependency that keeps a job from running, or None.

    A dependency blocks when its last attempt failed or timed out, or when it was itself blocked; one that
    skipped itself (SkipJob) is no failure and blocks nothing.
    """
    stopped = set(blocked)
    failed = (Status.FAILED, Status.TIMED_OUT, Status.CANCELLED, Status.INTERRUPTED)
    return next((name for name in depends_on if outcomes.get(name) in failed or name in stopped), None)
