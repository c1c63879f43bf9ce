"""Where time went: each moment is counted for one cause, and all of them add up."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduled.missed_runs import Interval
from scheduled.stretches import Share, shares, total, without
from tests.conftest import NOON, at

minutes = st.integers(0, 600).map(lambda count: NOON + timedelta(minutes=count))
intervals = st.tuples(minutes, minutes).map(sorted).map(lambda pair: Interval(*pair))
causes = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.lists(intervals, max_size=5))


def test_the_first_cause_that_covers_a_moment_has_it() -> None:
    whole = Interval(at("12:00"), at("13:00"))
    found = shares(whole, {"a": [Interval(at("12:00"), at("12:40"))], "b": [whole]}, "rest")
    assert found == [Share("a", timedelta(minutes=40)), Share("b", timedelta(minutes=20))]


def test_what_no_cause_covers_is_the_rest() -> None:
    assert shares(Interval(at("12:00"), at("13:00")), {}, "rest") == [Share("rest", timedelta(hours=1))]


@given(intervals, causes, st.just("rest"))
def test_the_shares_add_up_to_the_whole(whole: Interval, given: dict[str, list[Interval]], rest: str) -> None:
    assert (
        sum((share.lasted for share in shares(whole, given, rest)), timedelta(0)) == whole.end - whole.start
    )


def test_an_instant_is_left_unless_it_is_taken() -> None:
    instant = Interval(NOON, NOON)
    assert without(instant, [Interval(at("13:00"), at("14:00"))]) == [instant]
    assert without(instant, [Interval(at("11:00"), at("14:00"))]) == []


@given(intervals, st.lists(intervals, max_size=5))
def test_taking_out_leaves_nothing_of_what_was_taken(whole: Interval, holes: list[Interval]) -> None:
    left = without(whole, holes)
    assert all(
        part.end <= hole.start or part.start >= hole.end or hole.start == hole.end
        for part in left
        for hole in holes
    )
    assert total(left) <= whole.end - whole.start
