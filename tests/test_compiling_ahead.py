"""What a schedule takes that is due is compiled when the daemon starts: then there is time."""

import pytest

from scheduled.history import RUN_PATH
from scheduled.lock import CLAIM
from scheduled.store import marks
from scheduled.store.at_once import Shape, shape_of
from scheduled.store.held import Held
from scheduled.store.statements import Write
from tests.conftest import World, at


def test_it_compiles_nothing_when_a_schedule_is_due(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for statement in {
        *marks.RUN_PATH,
        *(statement for shape in (CLAIM, *RUN_PATH) for statement, _ in shape),
    }:
        monkeypatch.setattr(statement, "_compiled", {})
    world.start("0 * * * *", now=at("12:59:58"))
    world.crank.clock.advance_to(at("13:00"))
    with monkeypatch.context() as patch:
        for module in ("at_once", "statements"):
            patch.setattr(f"scheduled.store.{module}.Compiled", None)
        world.crank.run_due()
    assert world.called == ["work"]


def test_it_knows_beforehand_all_that_is_written_then(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Shape | None] = []
    write = Held.write

    def noting(held: Held, *writes: Write) -> list[int] | None:
        written.append(shape_of(writes))
        return write(held, *writes)

    monkeypatch.setattr(Held, "write", noting)
    world.job("first")
    world.job("second", lambda: world.called.count("second") % 2 or None)  # a result, and then none
    world.start(mode="ALL_JOBS", now=at("12:10")).advance(hours=2)
    assert set(written) == {CLAIM, *RUN_PATH}
