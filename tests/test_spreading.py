"""Many daemons agree without a word about who reaches for which schedule first."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from scheduled.planner import Start
from scheduled.spreading import TURN, WAITED_ENOUGH, Share, rank, share
from scheduled.words import Trigger

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TEN = [f"daemon-{number}" for number in range(10)]
CROWD = [Start(f"s{number}", NOON, Trigger.CRON) for number in range(200)]
names = st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=12, unique=True)


def test_one_that_is_alone_takes_all_as_it_was_planned() -> None:
    assert share(CROWD, "me", ["me"], NOON) == Share(tuple(CROWD))


def test_one_that_does_not_know_of_anybody_takes_all() -> None:
    assert share(CROWD, "me", [], NOON) == Share(tuple(CROWD))


@given(names, st.text(max_size=8))
def test_everybody_has_a_rank_of_its_own(living: list[str], schedule: str) -> None:
    assert sorted(rank(schedule, me, living) for me in living) == list(range(len(living)))


def test_at_first_each_start_is_one_daemons() -> None:
    taken = [start for me in TEN for start in share(CROWD, me, TEN, NOON).starts]
    assert sorted(start.schedule_id for start in taken) == sorted(start.schedule_id for start in CROWD)


def test_nobody_has_more_than_twice_its_part() -> None:
    assert max(len(share(CROWD, me, TEN, NOON).starts) for me in TEN) <= 2 * len(CROWD) / len(TEN)


def test_who_has_nothing_takes_the_last_for_which_it_is_next() -> None:
    theirs = [start for start in CROWD if rank(start.schedule_id, "daemon-0", TEN)]
    later = NOON + 10 * TURN
    taken = share(theirs, "daemon-0", TEN, later).starts
    second = [start for start in theirs if rank(start.schedule_id, "daemon-0", TEN) == 1]
    assert taken == (second[-1],)


def test_who_is_second_waits_for_its_turn() -> None:
    second = next(start for start in CROWD if rank(start.schedule_id, "daemon-0", TEN) == 1)
    assert share([second], "daemon-0", TEN, NOON) == Share((), NOON + TURN)
    assert share([second], "daemon-0", TEN, NOON + TURN) == Share((second,))


def test_what_has_waited_for_long_is_everybodys() -> None:
    later = NOON + WAITED_ENOUGH + timedelta(seconds=1)
    assert all(share(CROWD, me, TEN, later) == Share(tuple(CROWD)) for me in TEN)


def test_what_was_missed_is_not_late() -> None:
    missed = [Start(start.schedule_id, NOON, Trigger.CATCH_UP) for start in CROWD]
    later = NOON + timedelta(days=1)
    taken = [start for me in TEN for start in share(missed, me, TEN, later).starts]
    assert len(taken) == len(missed)


def test_a_request_whose_turn_has_come_goes_before_what_is_ours() -> None:
    asked = [Start(start.schedule_id, NOON, Trigger.MANUAL, occurrence_id=1) for start in CROWD]
    theirs = next(start for start in asked if rank(start.schedule_id, "daemon-0", TEN) == 1)
    taken = share([theirs, *CROWD], "daemon-0", TEN, NOON + TURN).starts
    assert taken[0] == theirs
    assert len(taken) > 1


def test_a_request_by_a_clock_that_is_ahead_waits_for_nobody() -> None:
    asked = [Start(start.schedule_id, NOON, Trigger.MANUAL, occurrence_id=1) for start in CROWD]
    assert share(asked, "daemon-0", TEN, NOON - timedelta(hours=1)).starts == tuple(asked)
