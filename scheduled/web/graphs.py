"""Jobs as graphs of what depends on what, each with what became of it. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scheduled.web.drawing_graph import TALL, WIDE, Arrow, Graph, layout

LETTERS = 24


@dataclass(frozen=True)
class Node:
    """A job in a drawing: what became of it, and how far it is, from 0 to 1.

    It took so many milliseconds; or takes so many as a rule.
    """

    name: str
    x: float
    y: float
    status: str | None = None
    took_ms: float | None = None
    median_ms: int | None = None
    run_id: int | None = None
    attempt: int = 1
    share: float | None = None
    wide: int = WIDE
    tall: int = TALL

    @property
    def label(self) -> str:
        """The name, or the beginning and the end of a long one."""
        half = LETTERS // 2
        return self.name if len(self.name) <= LETTERS else f"{self.name[:half]}…{self.name[1 - half :]}"


@dataclass(frozen=True)
class Drawing:
    """Jobs and arrows between them; and the same in words."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]


def needs(definition: Mapping[str, Any], names: Iterable[str] | None = None) -> dict[str, list[str]]:
    """What each of the definition's jobs depends on; only of those jobs, if they are named."""
    details = definition.get("job_details") or {}
    wanted = list(definition.get("jobs") or [] if names is None else names)
    return {name: list((details.get(name) or {}).get("depends_on") or []) for name in wanted}


def of_schedule(definition: Mapping[str, Any], lately: Mapping[str, Any]) -> Drawing | None:
    """The jobs of a schedule, each with its last outcome and its median; None if they are too many."""
    facts = {
        name: {"median_ms": one.median_ms}
        | ({} if one.last is None else {"status": one.last.status, "run_id": one.last.id})
        for name, one in lately.items()
    }
    return _drawing(layout(needs(definition)), facts)


def of_attempts(
    definition: Mapping[str, Any], names: Sequence[str], attempts: Iterable[Any]
) -> Drawing | None:
    """The jobs of an occurrence, each with what became of its newest attempt."""
    facts = {
        one.job_name: {
            "status": one.status,
            "took_ms": one.duration_ms,
            "run_id": one.id,
            "attempt": one.attempt,
            "share": share(one),
        }
        for one in attempts
    }
    return _drawing(layout(needs(definition, names)), facts)


def share(attempt: Any) -> float | None:
    """How far a run has come, from 0 to 1, if it runs and tells; a total that it has passed is reached."""
    done, total = attempt.progress_done, attempt.progress_total
    if attempt.status != "RUNNING" or done is None or not total or total < 0:
        return None
    return float(min(max(done / total, 0.0), 1.0))


def _drawing(graph: Graph | None, facts: Mapping[str, Mapping[str, Any]]) -> Drawing | None:
    if graph is None:
        return None
    nodes = tuple(Node(box.name, box.x, box.y, **facts.get(box.name, {})) for box in graph.boxes)
    return Drawing(graph.width, graph.height, nodes, graph.arrows)
