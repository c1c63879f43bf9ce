"""Jobs as a graph: no box touches another, every arrow is drawn, and it stays within its size."""

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduled.web.drawing_graph import ACROSS, DOWN, MOST_JOBS, TALL, WIDE, layout


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Up to thirty jobs, each of which depends on some of those before it."""
    names = [f"job-{number}" for number in range(draw(st.integers(0, 30)))]
    return {
        name: draw(st.lists(st.sampled_from(names[:place]), unique=True, max_size=4)) if place else []
        for place, name in enumerate(names)
    }


@given(graphs())
@settings(deadline=None)
def test_no_box_touches_another(needs: dict[str, list[str]]) -> None:
    drawn = layout(needs)
    assert drawn is not None
    for one, other in combinations(drawn.boxes, 2):
        apart = abs(one.x - other.x) >= WIDE + 4 or abs(one.y - other.y) >= TALL + 4
        assert apart, (one, other)


@given(graphs())
@settings(deadline=None)
def test_every_job_and_every_arrow_is_drawn_once(needs: dict[str, list[str]]) -> None:
    drawn = layout(needs)
    assert drawn is not None
    assert sorted(box.name for box in drawn.boxes) == sorted(needs)
    wanted = sorted((source, target) for target, of in needs.items() for source in of)
    assert sorted((arrow.source, arrow.target) for arrow in drawn.arrows) == wanted


@given(graphs())
@settings(deadline=None)
def test_arrows_begin_and_end_at_their_boxes_and_go_to_the_right(needs: dict[str, list[str]]) -> None:
    drawn = layout(needs)
    assert drawn is not None
    boxes = {box.name: box for box in drawn.boxes}
    for arrow in drawn.arrows:
        source, target = boxes[arrow.source], boxes[arrow.target]
        assert source.x + WIDE + ACROSS <= target.x
        assert arrow.path.startswith(f"M{source.x + WIDE:g} {source.y + TALL / 2:g}C")
        assert arrow.path.endswith(f" {target.x:g} {target.y + TALL / 2:g}")


@given(graphs())
@settings(deadline=None)
def test_it_is_no_larger_than_its_jobs_need(needs: dict[str, list[str]]) -> None:
    drawn = layout(needs)
    assert drawn is not None
    assert all(box.x >= 0 and box.x + WIDE <= drawn.width for box in drawn.boxes)
    assert all(box.y >= 0 and box.y + TALL <= drawn.height for box in drawn.boxes)
    arrows = sum(map(len, needs.values()))
    assert drawn.width <= (len(needs) + 3) * (WIDE + ACROSS)
    assert drawn.height <= (len(needs) + arrows + 2) * (TALL + DOWN)


def test_a_chain_goes_straight_to_the_right() -> None:
    drawn = layout({"a": [], "b": ["a"], "c": ["b"]})
    assert drawn is not None
    assert len({box.y for box in drawn.boxes}) == 1
    assert [box.name for box in sorted(drawn.boxes, key=lambda box: box.x)] == ["a", "b", "c"]


def test_jobs_on_their_own_stand_in_rows() -> None:
    drawn = layout({f"job-{number}": [] for number in range(7)})
    assert drawn is not None
    assert len({box.y for box in drawn.boxes}) == 3
    assert drawn.arrows == ()


def test_what_a_job_needs_and_is_not_there_is_left_out() -> None:
    drawn = layout({"a": ["gone"]})
    assert drawn is not None
    assert drawn.arrows == ()


def test_too_many_jobs_are_not_drawn() -> None:
    assert layout({f"job-{number}": [] for number in range(MOST_JOBS + 1)}) is None
    assert layout({str(place): [str(other) for other in range(place)] for place in range(40)}) is None


def test_a_cycle_which_no_definitions_have_ends_somewhere() -> None:
    assert layout({"a": ["b"], "b": ["a"]}) is not None
