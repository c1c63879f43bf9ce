"""Jobs as a graph in layers, from left to right: where each box stands, and how the arrows go. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

WIDE, TALL = 210, 52
ACROSS, DOWN = 56, 16
MARGIN = 6
THIN = 8
"""An arrow that passes a layer takes so much of its height."""
MOST_JOBS, MOST_ARROWS = 80, 300
SWEEPS = 6


@dataclass(frozen=True)
class Box:
    """A job, and where its upper left corner is."""

    name: str
    x: float
    y: float


@dataclass(frozen=True)
class Arrow:
    """From a job to one that depends on it."""

    source: str
    target: str
    path: str


@dataclass(frozen=True)
class Graph:
    """A drawing of so many pixels; boxes do not touch each other, and lie within it."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


@dataclass
class _Place:
    """What takes room in a layer: a job, or an arrow on its way past it (then it has no name)."""

    name: str | None
    layer: int
    before: list["_Place"] = field(default_factory=list)
    after: list["_Place"] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    @property
    def tall(self) -> int:
        return THIN if self.name is None else TALL

    @property
    def middle(self) -> float:
        return self.y + self.tall / 2


def layout(needs: Mapping[str, Sequence[str]]) -> Graph | None:
    """Draw the jobs, given what each depends on, without cycles; None if there are too many to be read.

    What a job depends on and is not among them is left out.
    """
    known = {name: [need for need in dict.fromkeys(of) if need in needs] for name, of in needs.items()}
    if len(known) > MOST_JOBS or sum(map(len, known.values())) > MOST_ARROWS:
        return None
    joined = {name for name, of in known.items() if of} | {need for of in known.values() for need in of}
    layers, ways = _layered({name: of for name, of in known.items() if name in joined})
    _straighten(layers)
    width, height = _stand(layers)
    loners = [name for name in known if name not in joined]
    boxes = [Box(place.name, place.x, place.y) for layer in layers for place in layer if place.name]
    alone, width, height = _grid(loners, max(len(layers), 3), width, height)
    arrows = tuple(Arrow(source, target, _path(way)) for (source, target), way in ways.items())
    return Graph(width + MARGIN, height + MARGIN, (*boxes, *alone), arrows)


def _layered(
    needs: Mapping[str, Sequence[str]],
) -> tuple[list[list[_Place]], dict[tuple[str, str], list[_Place]]]:
    """Each job in the layer after the last of what it needs; and the places that each arrow goes through."""
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            depth[name] = 0  # were there a cycle, it would end here
            depth[name] = max((deep(need) + 1 for need in needs[name]), default=0)
        return depth[name]

    layers: list[list[_Place]] = [[] for _ in range(max(map(deep, needs), default=-1) + 1)]
    places = {name: _Place(name, depth[name]) for name in needs}
    for name in needs:
        layers[depth[name]].append(places[name])
    ways = {}
    for target, of in needs.items():
        for source in of:
            passing = [_Place(None, layer) for layer in range(depth[source] + 1, depth[target])]
            way = [places[source], *passing, places[target]]
            for place in passing:
                layers[place.layer].append(place)
            for left, right in pairwise(way):
                left.after.append(right)
                right.before.append(left)
            ways[source, target] = way
    return layers, ways


def _straighten(layers: Sequence[list[_Place]]) -> None:
    """Sort each layer by the middle of its neighbours, back and forth, so that few arrows cross."""
    rank = {id(place): index for layer in layers for index, place in enumerate(layer)}

    def middle(near: Sequence[_Place], own: _Place) -> float:
        return sum(rank[id(one)] for one in near) / len(near) if near else rank[id(own)]

    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            if sweep % 2 == 0:
                layer.sort(key=lambda place: middle(place.before, place))
            else:
                layer.sort(key=lambda place: middle(place.after, place))
            rank.update((id(place), index) for index, place in enumerate(layer))


def _stand(layers: Sequence[Sequence[_Place]]) -> tuple[float, float]:
    """Give each place its corner, layers centred beside each other; how wide and tall it all is."""
    talls = [sum(place.tall + DOWN for place in layer) - DOWN for layer in layers]
    tallest = max(talls, default=0)
    for number, (layer, tall) in enumerate(zip(layers, talls, strict=True)):
        y = MARGIN + (tallest - tall) / 2
        for place in layer:
            place.x, place.y = MARGIN + number * (WIDE + ACROSS), y
            y += place.tall + DOWN
    return (MARGIN + len(layers) * (WIDE + ACROSS) - ACROSS if layers else MARGIN), MARGIN + tallest


def _grid(names: Sequence[str], columns: int, width: float, height: float) -> tuple[list[Box], float, float]:
    """Jobs that have nothing to do with others, in rows below what is drawn already."""
    top = height + (DOWN * 1.5 if height > MARGIN else 0)
    boxes = [
        Box(name, MARGIN + index % columns * (WIDE + DOWN), top + index // columns * (TALL + DOWN))
        for index, name in enumerate(names)
    ]
    right = max((box.x + WIDE for box in boxes), default=0)
    bottom = max((box.y + TALL for box in boxes), default=0)
    return boxes, max(width, right), max(height, bottom)


def _path(way: Sequence[_Place]) -> str:
    """A smooth line from the first place's right side, through all others, to the last one's left."""
    parts = [f"M{way[0].x + WIDE:g} {way[0].middle:g}"]
    for left, right in pairwise(way):
        halfway = left.x + WIDE + ACROSS / 2
        parts.append(
            f"C{halfway:g} {left.middle:g} {halfway:g} {right.middle:g} {right.x:g} {right.middle:g}"
        )
        if right.name is None:
            parts.append(f"h{WIDE}")
    return "".join(parts)
