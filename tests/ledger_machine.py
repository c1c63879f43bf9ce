"""A machine that plays with schedules, clocks and daemons at will, and holds the ledger to what it owes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from scheduled.definitions import Schedule
from scheduled.registry import Registry
from scheduled.store import tables
from scheduled.testing import SettableClock
from scheduled.verifying import verify
from tests.law import breaches
from tests.ledger_model import Debt, Rhythm, Row, Truth, longest_silence
from tests.ledger_world import SLICE, Deed, Side, Stage

IDS = ("a", "b", "c")
ZONES = ("UTC", "Europe/Riga", "America/New_York", "Australia/Lord_Howe")
CRONS = (
    "*/5 * * * *",
    "0 * * * *",
    "30 2 * * *",
    "15 */3 * * *",
    "0 3 * * *",
    "10,40 1-4 * * *",
    "7 * * * *",
    "*/20 * * * 0,6",
    "5 1-5 1,28-31 * *",
    "*/30 * 1-7 3,6,10-11 1",
)
EVERY = ("every 7 minutes", "every 4 minutes", "every 90 seconds", "every 2 hours", "every 1 days")
# Before a change of the clocks in each of the zones, and a plain day.
STARTS = ("2026-03-28T23:00", "2026-10-24T23:00", "2026-03-08T05:00", "2026-11-01T04:00", "2026-04-04T13:00",
          "2026-10-03T14:00", "2026-06-01T12:00")  # fmt: skip
POLICIES = st.sampled_from(["skip", "run_latest", "run_all"])
OPTIONS = st.fixed_dictionaries(
    {
        "cron": st.sampled_from(CRONS + EVERY),
        "timezone": st.sampled_from(ZONES),
        "missed": POLICIES,
        "overlap": POLICIES,
        "catch_up_limit": st.sampled_from([1, 3, 100]),
        "start_deadline": st.sampled_from([None, None, 30, 1200]),
        "missed_grace": st.sampled_from([None, None, 0, 300]),
        "rerun_interrupted": st.booleans(),
        "enabled_by_default": st.sampled_from([True, True, False]),
        "jobs": st.sampled_from([["work"], ["after"]]),
    }
)
HAPPENINGS = [
    "nothing", "nothing", "raises", "killed", "halted", "cancelled", "stepped", "switched", "deployed",
]  # fmt: skip
DEEDS = st.builds(
    Deed,
    st.sampled_from([0, 1, 100, 1000]),
    st.sampled_from(HAPPENINGS),
)
SIDES = st.integers(0, 1)


class LedgerMachine(RuleBasedStateMachine):
    """Whatever happens, in whatever order: every due instant has one answer, and in the end a final one."""

    def __init__(self) -> None:
        super().__init__()
        self.stage = Stage(datetime(2026, 6, 1, 12, tzinfo=UTC))
        self.stage.clock.moved = self._moved
        self.stage.switch, self.stage.deploy = self._switch, self._retime
        self.options: dict[str, dict[str, Any]] = {}
        self.debts: dict[str, Debt] = {}
        self.switched: dict[str, list[tuple[str, datetime]]] = {name: [] for name in IDS}
        self.plain: dict[str, bool] = dict.fromkeys(IDS, True)
        """Its definition never changed, so that its policy of today was its policy ever since."""
        self.first_seen: dict[int, datetime] = {}
        self.stepped_back = False

    @initialize(
        start=st.sampled_from(STARTS), options=st.lists(OPTIONS, min_size=2, max_size=2), two=st.booleans()
    )
    def begin(self, start: str, options: list[dict[str, Any]], two: bool) -> None:
        began = datetime.fromisoformat(start).replace(tzinfo=UTC)
        self.stage.clock._now = began
        self.options = dict(zip(IDS, options, strict=False))
        self._start(self.stage.sides[0])
        if two:
            self._start(self.stage.sides[1])

    # ── what may happen ─────────────────────────────────────────────────────

    @rule(minutes=st.sampled_from([0.2, 1, 6, 20, 75]))
    def time_passes(self, minutes: float) -> None:
        self.stage.let_pass(minutes * 60)

    @precondition(lambda self: not self.stage.living)
    @rule(hours=st.sampled_from([0.02, 0.5, 3, 30]))
    def nobody_is_there(self, hours: float) -> None:
        self.stage.clock.advance(hours=hours)

    @rule(side=SIDES)
    def a_daemon_starts_or_stops(self, side: int) -> None:
        chosen = self.stage.sides[side]
        if chosen.crank is None:
            self._start(chosen)
        else:
            self.stage.stop(chosen)

    @rule(side=SIDES)
    def a_daemon_is_killed(self, side: int) -> None:
        if self.stage.sides[side].crank is not None:
            self.stage.crash(self.stage.sides[side])

    @rule(actions=st.integers(1, 60))
    def a_daemon_will_be_killed_between_two_actions(self, actions: int) -> None:
        self.stage.fuse = actions

    @rule(side=SIDES, seconds=st.sampled_from([3, 50, 100, 400]))
    def a_daemon_stands_still(self, side: int, seconds: int) -> None:
        if self.stage.sides[side].crank is not None:
            self.stage.halt(self.stage.sides[side], seconds)

    @rule(deeds=st.lists(DEEDS, min_size=1, max_size=3))
    def the_next_jobs_do(self, deeds: list[Deed]) -> None:
        self.stage.deeds.extend(deeds)

    @rule(name=st.sampled_from(IDS), options=OPTIONS, side=SIDES)
    def a_schedule_is_deployed(self, name: str, options: dict[str, Any], side: int) -> None:
        if name in self.options:
            self.plain[name] = False
        self.options[name] = options
        self._restart(self.stage.sides[side])

    @rule(name=st.sampled_from(IDS), side=SIDES)
    def a_schedule_leaves_the_code(self, name: str, side: int) -> None:
        if len(self.options) > 1 and self.options.pop(name, None) is not None:
            self.plain[name] = False
            self._restart(self.stage.sides[side])

    @rule(name=st.sampled_from(IDS))
    def a_schedule_is_switched(self, name: str) -> None:
        self._switch(name)

    def _switch(self, name: str) -> None:
        debt = self.debts.get(name)
        if debt is None:
            return
        self._look()  # in the middle of a job, too
        now = self.stage.clock.now()
        if debt.enabled:
            self.stage.commands.disable([name])
            self.switched[name].append(("disabled", now))
            debt.enabled = False
        elif debt.known:
            self.stage.commands.enable([name])
            debt.enabled = True
            debt.begin(now)

    @rule(name=st.sampled_from(IDS), chosen=st.sampled_from([[], ["work"]]))
    def somebody_asks_for_a_run(self, name: str, chosen: list[str]) -> None:
        if (debt := self.debts.get(name)) is not None and debt.known:
            self.stage.commands.trigger(name, chosen)

    @rule()
    def somebody_cancels(self) -> None:
        for row in self._occurrences():
            if row["status"] in ("QUEUED", "RUNNING"):
                self.stage.commands.cancel(row["id"])
                return

    @rule(seconds=st.sampled_from([-7200, -600, -40, -1, 1, 40, 600, 7200]))
    def the_clock_is_set(self, seconds: int) -> None:
        self.stage.clock.step(seconds=seconds)

    @rule(seconds=st.sampled_from([30, 300, 20_000]))
    def the_host_sleeps(self, seconds: int) -> None:
        self.stage.clock.suspend(seconds=seconds)

    # ── what must hold ──────────────────────────────────────────────────────

    @invariant()
    def every_instant_has_its_one_answer(self) -> None:
        self._look()
        frontiers = {row["id"]: row["next_run_at"] for row in self._schedules()}
        found = [
            f"{name}: {breach}"
            for name, debt in self.debts.items()
            for breach in debt.breaches(frontiers[name])
        ]
        assert not found, "\n".join(found)
        assert not (told := breaches(self.stage.database)), "\n".join(told)
        verdict = verify(self.stage.database, clock=SettableClock(self.stage.clock.now()))
        assert verdict.ok, verdict.as_json()

    @invariant()
    def no_attempt_began_twice(self) -> None:
        assert not [note for note, times in self.stage.notes.items() if times > 1]

    def teardown(self) -> None:
        """The dust settles: one daemon of the newest definitions is left, and has time for all that waits."""
        try:
            if self.debts:
                self._settle()
                self._judge_reasons()
        finally:
            self.stage.close()

    def _settle(self) -> None:
        self.stage.deeds.clear()
        self.stage.fuse = None
        self._restart(self.stage.sides[0])
        if self.stage.sides[1].crank is not None:
            self.stage.stop(self.stage.sides[1])
        now = self.stage.clock.now()
        # A lease that was written before the clock was set back lasts by as much longer.
        leases = [row["lock_expires_at"] - now for row in self._schedules() if row["lock_expires_at"]]
        self.stage.let_pass(max([timedelta(seconds=400), *leases]).total_seconds() + 60)
        self.every_instant_has_its_one_answer()
        now = self.stage.clock.now()
        late = {name: debt.unanswered(now - SLICE) for name, debt in self.debts.items()}
        assert not any(late.values()), f"at {now} there is still no final answer for {late}"
        waiting = [row for row in self._occurrences() if row["status"] in ("QUEUED", "RUNNING")]
        assert not waiting, waiting

    # ── the reasons, held against what happened ─────────────────────────────

    def _judge_reasons(self) -> None:
        if self.stepped_back:  # then one reading of the clock is many moments, and nobody can tell them apart
            return
        truth = Truth(*self.stage.history(), self.stage.runs)
        for name, debt in self.debts.items():
            for row, _dues in debt.answers.values():
                assert self._is_true(name, row, debt, truth), f"{name}: {row} is not true"

    def _is_true(self, name: str, row: Row, debt: Debt, truth: Truth) -> bool:
        decided = self.first_seen[row.id]
        options = self.options.get(name, {})
        grace = options.get("missed_grace")
        grace = timedelta(seconds=60 if grace is None else grace)
        always = self.plain[name]
        if row.reason == "daemon_down":
            silence = longest_silence(truth.lives, row.due_until, decided) + SLICE
            return silence > (grace if always else timedelta(0))
        if row.started_at is not None and row.reason is None and always and options["missed"] == "skip":
            return longest_silence(truth.processes, row.due_at, row.started_at) <= grace
        if row.reason == "overlap":
            return truth.was_running(name, row.due_at) and truth.was_running(name, row.due_until)
        if row.reason in ("disabled", "changed", "orphaned") and row.started_at is None:
            return any(kind == row.reason and at >= row.due_until for kind, at in self.switched[name])
        if row.reason == "coalesced":
            return any(other.due_at > row.due_until for other, _ in debt.answers.values())
        if row.reason == "start_deadline" and always:
            deadline = options["start_deadline"]
            return deadline is not None and decided - row.due_until > timedelta(seconds=deadline)
        if row.reason == "catch_up_limit" and always:
            return "run_all" in (options["missed"], options["overlap"])
        return True

    # ── the machine's own ───────────────────────────────────────────────────

    def _moved(self, before: datetime, now: datetime, lived: bool) -> None:
        if now < before:
            self.stepped_back = True
            self._look()
            for debt in self.debts.values():
                debt.forgets(now)
            return
        if not lived:
            self.stage.slept(before)
        for debt in self.debts.values():
            debt.passed(before, now)

    def _registry(self) -> Registry:
        return Registry.of(
            [Schedule(name, name, mode="JOBS", **options) for name, options in self.options.items()]
        )

    def _retime(self, name: str, side: Side) -> None:
        """While it runs elsewhere, it is deployed here with another rhythm; unless something runs here."""
        if name not in self.options or self.stage.is_working(side):
            return
        crons = CRONS + EVERY
        cron = crons[(crons.index(self.options[name]["cron"]) + 1) % len(crons)]
        self.options[name] = {**self.options[name], "cron": cron}
        self.plain[name] = False
        self._restart(side)

    def _restart(self, side: Side) -> None:
        if side.crank is not None:
            self.stage.stop(side)
        self._start(side)

    def _start(self, side: Side) -> None:
        """A daemon starts, and the database knows its definitions from then on."""
        burning, self.stage.fuse = self.stage.fuse, None
        self._look()  # what is there now was written under the definitions of before
        self.stage.start(side, self._registry())
        self.stage.fuse = burning
        now = self.stage.clock.now()
        for name, options in self.options.items():
            rhythm = Rhythm(options["cron"], options["timezone"])
            debt = self.debts.get(name)
            if debt is None:
                self.debts[name] = Debt(rhythm, options["enabled_by_default"], now)
                self.debts[name].passed(now, now)
            elif not debt.known or debt.rhythm != rhythm:
                self.switched[name].append(("changed", now))
                debt.rhythms.append(debt.rhythm)
                debt.rhythm, debt.known = rhythm, True
                if debt.enabled:
                    debt.begin(now)
        for name, debt in self.debts.items():
            if name not in self.options and debt.known:
                self.switched[name].append(("orphaned", now))
                debt.known = False

    def _look(self) -> None:
        now = self.stage.clock.now()
        rows = self._occurrences()
        for name, debt in self.debts.items():
            debt.look([_row(row) for row in rows if row["schedule_id"] == name and row["unique_key"]])
        for row in rows:
            self.first_seen.setdefault(row["id"], now)

    def _occurrences(self) -> list[dict[str, Any]]:
        return self._all(tables.occurrences)

    def _schedules(self) -> list[dict[str, Any]]:
        return self._all(tables.schedules)

    def _all(self, table: Any) -> list[dict[str, Any]]:
        with self.stage.database.reading() as connection:
            query = select(*table.c).order_by(next(iter(table.primary_key)))
            return [dict(row) for row in connection.execute(query).mappings()]


def _row(row: dict[str, Any]) -> Row:
    return Row(
        row["id"],
        row["due_at"],
        row["due_until"],
        row["due_count"],
        row["status"],
        row["reason"],
        row["started_at"],
    )
