"""What was planned and has not begun yet, so that a crowd of due schedules is planned once. Pure."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from scheduled.definitions import Schedule
from scheduled.planner import Plan, Start
from scheduled.words import REQUESTS

FRESH = timedelta(seconds=1)
"""How old a plan may become before all is looked at again; but that takes a tenth of our time at most."""


@dataclass
class Agenda:
    """The starts of one plan, in their order.

    A claim compares what it was planned from with what the database holds, so that an old plan does no harm;
    but it may miss what is better done first. So it is good only as long as no instant has come that was
    not in it, no start has passed its deadline, and no request has been added.
    """

    planned_at: datetime
    good_until: datetime
    newest_waiting: int
    _starts: deque[Start] = field(default_factory=deque)

    @classmethod
    def of(
        cls,
        plan: Plan,
        schedules: Mapping[str, Schedule],
        newest_waiting: int,
        now: datetime,
        took: timedelta = timedelta(0),
    ) -> "Agenda":
        """What was planned at `now`, which took so long.

        `newest_waiting`: the greatest id among the occurrences that waited when it was planned.
        """
        ends = [now + max(FRESH, 10 * took), *_deadlines(plan.starts, schedules)]
        if plan.wake_at is not None:
            ends.append(plan.wake_at)
        return cls(now, min(ends), newest_waiting, deque(plan.starts))

    def good(self, newest_waiting: int, now: datetime) -> bool:
        """Whether the next start is still what should be done next."""
        in_time = self.planned_at <= now < self.good_until
        return bool(self._starts) and in_time and newest_waiting <= self.newest_waiting

    def take(self) -> Iterator[Start]:
        """The starts from the first on; what is taken is gone."""
        while self._starts:
            yield self._starts.popleft()

    def take_due(self) -> Start | None:
        """The first start, if that is no row yet which waits; it is gone then."""
        return self._starts.popleft() if self._starts and self._starts[0].occurrence_id is None else None

    def keep(self, free: Collection[str]) -> None:
        """Somebody was first with a start: forget those of schedules that are no longer `free` and due."""
        self._starts = deque(
            start for start in self._starts if start.occurrence_id is not None or start.schedule_id in free
        )

    def began(self, start: Start) -> None:
        """A request began to run: its schedule may have another, which comes before all that is left."""
        if start.trigger in REQUESTS:
            self._starts.clear()


def _deadlines(starts: Iterable[Start], schedules: Mapping[str, Schedule]) -> Iterator[datetime]:
    for start in starts:
        deadline = schedules[start.schedule_id].start_deadline
        if isinstance(deadline, int | float):
            yield start.due_at + timedelta(seconds=deadline)
