"""The planner against a naive model of section 6 of the design: second by second, instant by instant."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import event, given, settings
from hypothesis import strategies as st

from scheduled.definitions import Policy, Schedule
from scheduled.missed_runs import Busy, Entry, Interval
from scheduled.planner import Mark, Plan, Waiting, plan
from scheduled.words import Status, Trigger

ORIGIN = datetime(2026, 3, 2, tzinfo=UTC)
REQUESTS, OWED = (Trigger.MANUAL, Trigger.API), (Trigger.CRON, Trigger.CATCH_UP)
POLICIES: tuple[Policy, ...] = ("skip", "run_latest", "run_all")


@dataclass(frozen=True)
class Rhythm:
    """An expression, and the naive question that it answers: is it due at this second of the day?"""

    text: str
    is_due: Callable[[int], bool]
    unit: int
    """Everything in an example happens at multiples of so many seconds."""


def minutes_of(text: str, *minutes: int, hours: range = range(24)) -> Rhythm:
    return Rhythm(text, lambda s: s % 60 == 0 and s // 60 % 60 in minutes and s // 3600 in hours, 60)


RHYTHMS = [
    *[Rhythm(f"every {n} seconds", lambda s, n=n: s % n == 0, 1) for n in (1, 2, 5, 15, 60)],  # type: ignore[misc]
    *[Rhythm(f"every {n} minutes", lambda s, n=n: s % (n * 60) == 0, 60) for n in (1, 4, 30)],  # type: ignore[misc]
    minutes_of("*/10 * * * *", 0, 10, 20, 30, 40, 50),
    minutes_of("7,8,33 * * * *", 7, 8, 33),
    minutes_of("5 2-4 * * *", 5, hours=range(2, 5)),
    minutes_of("* * * * *", *range(60)),
]


@dataclass
class Case:
    """Everything that the planner is told, in seconds of one day."""

    rhythm: Rhythm
    missed: Policy
    overlap: Policy
    limit: int
    deadline: float | None
    grace: int
    frontier: int
    now: int
    alive: list[tuple[int, int]]
    busy: list[tuple[int, int]]
    in_ledger: list[tuple[int, int]]
    waiting: list[tuple[int, Trigger]]
    locked: bool = False

    @property
    def dues(self) -> list[int]:
        """The due instants of the window that are not in the ledger yet."""
        return [
            s
            for s in range(self.frontier, self.now + 1)
            if self.rhythm.is_due(s) and not any(first <= s <= last for first, last in self.in_ledger)
        ]


@dataclass
class Answer:
    """What the design wants: what became of each instant, and what starts."""

    reasons: dict[int, str] = field(default_factory=dict)
    """Of each instant: why it is skipped, or with which trigger it is to run."""
    recorded: bool = False
    start: str | None = None
    expired: set[tuple[int, str]] = field(default_factory=set)


def answer(case: Case) -> Answer:
    """Section 6, read aloud."""
    found = Answer()
    owed = {}
    requests = []
    for number, (due, trigger) in enumerate(case.waiting):
        if trigger in REQUESTS:
            requests.append(number)
        elif too_late(case, due):
            found.expired.add((number, "start_deadline"))
        else:
            owed[number] = due
    queue: list[int] = []
    others: list[int] = []
    verdicts = {s: verdict(case, s) for s in case.dues}
    for s, kind in verdicts.items():
        policy = {"overlap": case.overlap, "missed": case.missed, "late": "run_latest"}[kind]
        if policy == "skip":
            found.reasons[s] = {"overlap": "overlap", "missed": "daemon_down"}[kind]
        else:
            (queue if policy == "run_all" else others).append(s)
    run = None
    for s in others:
        found.reasons[s] = "start_deadline" if too_late(case, others[-1]) else "coalesced"
    if others and not too_late(case, others[-1]):
        run = others[-1]
        found.reasons[run] = "CATCH_UP" if verdicts[run] == "missed" else "CRON"
    for position, s in enumerate(reversed(queue)):
        if position >= case.limit:
            found.reasons[s] = "catch_up_limit"
        elif too_late(case, s):
            found.reasons[s] = "start_deadline"
        else:
            found.reasons[s] = "CATCH_UP" if verdicts[s] == "missed" else "CRON"
    if requests and run is not None:
        return Answer({}, False, f"#{min(requests)}", found.expired)
    if verdicts:
        newest_first = sorted(owed, key=lambda number: -owed[number])
        for number in newest_first[max(0, case.limit - len(queue)) :]:
            found.expired.add((number, "catch_up_limit"))
            del owed[number]
    found.recorded = case.frontier <= case.now
    runnable = [(trigger_rank(case.waiting[n][1]), due, f"#{n}") for n, due in owed.items()]
    runnable += [(trigger_rank(r), s, str(s)) for s, r in found.reasons.items() if r in ("CRON", "CATCH_UP")]
    found.start = f"#{min(requests)}" if requests else min(runnable, default=(0, 0, None))[2]
    return found


def trigger_rank(trigger: str) -> int:
    return ["CRON", "CATCH_UP"].index(trigger)


def too_late(case: Case, due: int) -> bool:
    return case.deadline is not None and case.now - due > case.deadline


def verdict(case: Case, s: int) -> str:
    if any(start <= s < end for start, end in case.busy):
        return "overlap"
    silence = 0
    for second in range(s, case.now, case.rhythm.unit):
        lived = any(start <= second < end for start, end in case.alive)
        silence = 0 if lived else silence + case.rhythm.unit
        if silence > case.grace:
            return "missed"
    return "late"


# ── the same case, told to the planner ──────────────────────────────────────


def moment(second: int) -> datetime:
    return ORIGIN + timedelta(seconds=second)


def second_of(instant: datetime) -> int:
    return int((instant - ORIGIN).total_seconds())


def planned(case: Case) -> Plan:
    schedule = Schedule(
        "it", "It", cron=case.rhythm.text, missed=case.missed, overlap=case.overlap,
        catch_up_limit=case.limit, start_deadline=case.deadline,
    )  # fmt: skip
    mark = Mark(
        "it", moment(case.frontier), case.locked,
        tuple(Waiting(n, "it", trigger, moment(due)) for n, (due, trigger) in enumerate(case.waiting)),
        tuple(Interval(moment(a), moment(b) + timedelta(microseconds=1)) for a, b in case.in_ledger),
    )  # fmt: skip
    alive = [Interval(moment(start), moment(end)) for start, end in case.alive]
    busy = [Busy(n, moment(start), moment(end)) for n, (start, end) in enumerate(case.busy)]
    return plan({"it": schedule}, [mark], alive, {"it": busy}, moment(case.now), grace=float(case.grace))


def reasons_of(entries: tuple[Entry, ...], case: Case) -> dict[int, str]:
    """What the entries say of each instant; each must say exactly how many it speaks for."""
    told: dict[int, str] = {}
    for entry in entries:
        first, last = second_of(entry.due_at), second_of(entry.due_until)
        held = [s for s in case.dues if first <= s <= last]
        assert (len(held), held[0], held[-1]) == (entry.count, first, last)
        assert not told.keys() & set(held)
        assert entry.status is (Status.QUEUED if entry.reason is None else Status.SKIPPED)
        assert entry.count == 1 or entry.reason is not None
        told |= dict.fromkeys(held, str(entry.reason or entry.trigger))
    return told


# ── cases ───────────────────────────────────────────────────────────────────


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rhythm = draw(st.sampled_from(RHYTHMS))
    unit = rhythm.unit
    frontier = draw(st.integers(0, 200))
    now = frontier + draw(st.integers(-5, 200))

    def some(most: int, reach: int = 80) -> list[tuple[int, int]]:
        starts = st.integers(frontier - 20, frontier + 200)
        pairs = draw(st.lists(st.tuples(starts, st.integers(0, reach)), max_size=most))
        return [(start * unit, min(now, start + length) * unit) for start, length in pairs if start <= now]

    due = st.integers(frontier - 60, frontier - 1).map(lambda s: s * unit)
    owed = draw(st.lists(st.tuples(due, st.sampled_from(OWED)), max_size=6, unique_by=lambda w: w[0]))
    asked = draw(st.just([]) | st.lists(st.tuples(due, st.sampled_from(REQUESTS)), min_size=1, max_size=2))
    waiting = draw(st.permutations(owed + asked))
    deadline = draw(st.none() | st.integers(0, 150).map(lambda s: float(s * unit)))
    return Case(
        rhythm,
        missed=draw(st.sampled_from(POLICIES)),
        overlap=draw(st.sampled_from(POLICIES)),
        limit=draw(st.integers(1, 8) | st.just(100)),
        deadline=deadline,
        grace=draw(st.integers(0, 30)) * unit,
        frontier=frontier * unit,
        now=now * unit,
        alive=[(start, end) for start, end in some(4) if start < end],
        busy=some(2),
        in_ledger=some(2, reach=20),
        waiting=waiting,
    )


@settings(max_examples=150, deadline=None)
@given(cases())
def test_it_answers_as_the_design_reads(case: Case) -> None:
    expected, made = answer(case), planned(case)
    (start,) = made.starts or (None,)
    records = [*made.records, *([start.record] if start and start.record else [])]
    told = reasons_of(tuple(entry for record in records for entry in record.entries), case)
    assert told == expected.reasons
    assert {(e.occurrence_id, str(e.reason)) for e in made.expiries} == expected.expired
    assert (len(records) == 1) == expected.recorded
    if start is None:
        assert expected.start is None
    else:
        assert expected.start in (f"#{start.occurrence_id}", str(second_of(start.due_at)))
    for reason in {*told.values(), *(f"expired {why}" for _, why in expected.expired)}:
        event(reason)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_it_moves_the_frontier_to_the_first_instant_after_now(case: Case) -> None:
    made = planned(case)
    following = next(
        s for s in range(max(case.now + 1, case.frontier), 10**6) if case.rhythm.is_due(s % 86400)
    )
    records = [*made.records, *(start.record for start in made.starts if start.record)]
    for record in records:
        assert (record.planned_from, record.next_run_at) == (moment(case.frontier), moment(following))
    if case.frontier > case.now:
        assert made.wake_at == moment(case.frontier)
    elif records:
        assert made.wake_at == moment(following)


@settings(max_examples=200, deadline=None)
@given(cases())
def test_it_writes_no_more_rows_than_it_must(case: Case) -> None:
    """Two neighbours that tell the same are one, unless an instant of the ledger lies between them."""
    made = planned(case)
    for record in made.records:
        for one, other in pairwise(record.entries):
            alike = one.reason is not None and (one.reason, one.detail) == (other.reason, other.detail)
            between = range(second_of(one.due_until) + 1, second_of(other.due_at))
            assert not alike or any(case.rhythm.is_due(s) for s in between)


@settings(max_examples=100, deadline=None)
@given(cases())
def test_it_touches_nothing_of_a_locked_schedule(case: Case) -> None:
    case.locked = True
    made = planned(case)
    assert (made.starts, made.records, made.expiries) == ((), (), ())


# ── the law of the ledger, over a life of many plans ────────────────────────


@dataclass
class World:
    """A ledger of one schedule, kept by the book: the daemon works, dies and comes back; runs take time."""

    schedule: Schedule
    rhythm: Rhythm
    now: int = 0
    frontier: int = 0
    ledger: dict[int, str] = field(default_factory=dict)
    waiting: dict[int, tuple[int, Trigger]] = field(default_factory=dict)
    alive: list[Interval] = field(default_factory=list)
    busy: tuple[Busy, ...] = ()
    numbers: int = 0

    def live(self, seconds: int, takes: int) -> None:
        """The daemon lives for so long, and does what there is to do; each run takes `takes`."""
        began, end = self.now, self.now + seconds
        while True:
            self._work(began, end, takes)
            following = next(s for s in range(self.now + 1, 10**7) if self.rhythm.is_due(s % 86400))
            if following > end:
                break
            self.now = following
        self.alive.append(Interval(moment(began), moment(max(end, self.now))))
        self.now = max(end, self.now)

    def _work(self, began: int, end: int, takes: int) -> None:
        while self.now <= end:
            mark = Mark(
                "it", moment(self.frontier), False,
                tuple(Waiting(n, "it", trigger, moment(due)) for n, (due, trigger) in self.waiting.items()),
            )  # fmt: skip
            alive = [*self.alive, Interval(moment(began), moment(self.now))]
            made = plan({"it": self.schedule}, [mark], alive, {"it": self.busy}, moment(self.now))
            for expiry in made.expiries:
                self.ledger[self.waiting.pop(expiry.occurrence_id)[0]] = str(expiry.reason)
            for record in made.records:
                self._write(record.entries, record.next_run_at)
            if not made.starts:
                return
            self._run(made, takes)

    def _run(self, made: Plan, takes: int) -> None:
        start = made.starts[0]
        if start.record is not None:
            self._write(start.record.entries, start.record.next_run_at)
        due = second_of(start.due_at)
        number = next(n for n, (waited, _) in self.waiting.items() if waited == due)
        del self.waiting[number]
        assert not self.too_late(due)
        self.ledger[due] = "ran"
        assert len(self.waiting) <= self.schedule.catch_up_limit
        self.busy = (Busy(number, moment(self.now), moment(self.now + takes)),)
        self.now += takes

    def too_late(self, due: int) -> bool:
        deadline = self.schedule.start_deadline
        return isinstance(deadline, float) and self.now - due > deadline

    def _write(self, entries: tuple[Entry, ...], frontier: datetime | None) -> None:
        for entry in entries:
            for s in range(second_of(entry.due_at), second_of(entry.due_until) + 1):
                if self.rhythm.is_due(s % 86400):
                    assert s not in self.ledger, "an instant is in the ledger twice"
                    self.ledger[s] = str(entry.reason or entry.status)
            if entry.reason is None:
                self.numbers += 1
                self.waiting[self.numbers] = (second_of(entry.due_at), entry.trigger)
        assert frontier is not None
        self.frontier = second_of(frontier)


lives = st.tuples(st.integers(0, 40), st.integers(1, 40), st.integers(0, 15))


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(lives, min_size=1, max_size=6))
def test_it_keeps_the_law_of_the_ledger(data: st.DataObject, told: list[tuple[int, int, int]]) -> None:
    """Every due instant up to the frontier is in exactly one row; what has no final answer yet is waiting."""
    rhythm = data.draw(st.sampled_from([r for r in RHYTHMS if r.text != "5 2-4 * * *"]))
    deadline = data.draw(st.none() | st.integers(0, 60).map(lambda s: float(s * rhythm.unit)))
    schedule = Schedule(
        "it", "It", cron=rhythm.text, missed=data.draw(st.sampled_from(POLICIES)), start_deadline=deadline,
        overlap=data.draw(st.sampled_from(POLICIES)), catch_up_limit=data.draw(st.integers(1, 5)),
        missed_grace=data.draw(st.integers(0, 10)) * rhythm.unit,
    )  # fmt: skip
    world = World(schedule, rhythm, frontier=next(s for s in range(10**5) if rhythm.is_due(s)))
    for down, up, takes in told:
        world.now += down * rhythm.unit
        world.live(up * rhythm.unit, takes * rhythm.unit)
    assert sorted(world.ledger) == [s for s in range(world.frontier) if rhythm.is_due(s % 86400)]
    queued = [s for s, told in world.ledger.items() if told == "QUEUED"]
    assert sorted(queued) == sorted(due for due, _ in world.waiting.values())
