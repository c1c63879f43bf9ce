"""What a measure comes to: a figure, what it is held against, and whether that is good enough."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Options:
    """How much to measure. `scale` multiplies rows, schedules and seconds: little is a smoke test."""

    folder: Path
    """A temporary one, that is removed afterwards."""
    best_of: int = 5
    scale: float = 1.0

    def scaled(self, count: float, least: int = 1) -> int:
        return max(least, round(count * self.scale))


@dataclass(frozen=True)
class Target:
    """A bound on a figure, or on its ratio to the limit if there is one."""

    bound: str
    value: float

    def admits(self, judged: float) -> bool:
        return judged >= self.value if self.bound == "at least" else judged <= self.value

    def __str__(self) -> str:
        return f"{self.bound} {self.value:g}"


def at_least(value: float) -> Target:
    return Target("at least", value)


def at_most(value: float) -> Target:
    return Target("at most", value)


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    measure: str
    got: float | None
    """None: it could not be measured here, and `note` says why."""
    unit: str
    target: Target | None = None
    """None: told for what it is worth, and not judged."""
    limit: float | None = None
    """What the other side came to, in the same unit; then the ratio is judged, and not the figure itself."""
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.got / self.limit if self.got is not None and self.limit else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is none, or nothing to judge by it."""
        judged = self.got if self.limit is None else self.ratio
        return None if judged is None or self.target is None else self.target.admits(judged)

    @property
    def as_json(self) -> dict[str, Any]:
        return {
            "measure": self.measure,
            "got": self.got,
            "unit": self.unit,
            "limit": self.limit,
            "ratio": self.ratio,
            "target": None if self.target is None else str(self.target),
            "met": self.met,
            "note": self.note,
        }

    @property
    def as_row(self) -> list[str]:
        met = {True: "met", False: "MISSED", None: "-"}[self.met]
        if self.got is None:
            met = "skipped"
        shown = (_shown(self.got), _shown(self.limit), self.unit, _shown(self.ratio))
        return [self.measure, *shown, "-" if self.target is None else str(self.target), met, self.note]


HEADINGS = ("measure", ">got", ">limit", "unit", ">ratio", "target", "", "note")


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest of the values that is not exceeded by that share of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
