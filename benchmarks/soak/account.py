"""What the ledger says after a soak, and whether it adds up."""

import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.place import instant
from benchmarks.soak.stay import Stay
from scheduled.store.database import Database
from scheduled.verifying import verify

LEAK_MEBIBYTES = 4.0
"""A daemon that lasts may grow by so much from its first minute to its last: caches fill."""


@dataclass(frozen=True)
class Account:
    verdict: dict[str, Any]
    skipped: dict[str, int]
    """Instants by reason."""
    left_running: int
    began_twice: list[str]
    began: int
    memory: tuple[float, float]
    """In MiB, of the daemon that lasted: early and late."""
    lateness: dict[str, float]
    """In milliseconds."""
    faults: list[str]
    """What daemons did that nobody asked of them."""

    @property
    def holds(self) -> bool:
        flat = self.memory[1] - self.memory[0] <= LEAK_MEBIBYTES
        faults = self.left_running or self.began_twice or self.faults
        return bool(self.verdict["ok"]) and not faults and flat


def account(stay: Stay) -> Account:
    """Ask the ledger itself, the audit, and the file in which each attempt left a line."""
    place = stay.place
    database = Database(f"sqlite:///{place.file}")
    verdict = verify(database).as_json()
    database.close()
    reasons = "SELECT reason, SUM(due_count) FROM occurrence WHERE status = 'SKIPPED' GROUP BY reason"
    running = "SELECT (SELECT COUNT(*) FROM occurrence WHERE status = 'RUNNING')" \
              " + (SELECT COUNT(*) FROM job_run WHERE status = 'RUNNING')"  # fmt: skip
    lines = _lines(place.folder / "began.log")
    return Account(
        verdict,
        dict(place.rows(reasons)),
        place.value(running),
        [line for line, times in Counter(lines).items() if times > 1],
        len(lines),
        _early_and_late(stay.memory),
        _lateness(
            place.rows("SELECT due_at, started_at FROM occurrence WHERE trigger = 'CRON' AND started_at")
        ),
        stay.faults,
    )


def tell(found: Account) -> None:
    verdict = found.verdict
    for name in ("expected", "accounted", "ran", "skipped", "waiting", "pending", "running"):
        click.echo(f"{name:12} {verdict[name]}")
    for reason, instants in sorted(found.skipped.items()):
        click.echo(f"  {reason:14} {instants}")
    for name in ("missing", "duplicate", "unexpected"):
        click.echo(f"{name:12} {len(verdict[name])}")
        for sentence in verdict[name][:10]:
            click.echo(f"  {sentence}")
    click.echo(f"left RUNNING {found.left_running}")
    click.echo(f"attempts     {found.began}, of which began twice: {len(found.began_twice)}")
    click.echo(f"memory       {found.memory[0]:.1f} MiB early, {found.memory[1]:.1f} MiB late")
    click.echo(
        "lateness     " + ", ".join(f"{name} {value:.1f} ms" for name, value in found.lateness.items())
    )
    for fault in found.faults:
        click.echo(f"FAULT        {fault}")
    click.echo("the ledger adds up" if found.holds else "IT DOES NOT HOLD")


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _early_and_late(memory: list[float]) -> tuple[float, float]:
    """The medians of the first and of the last fifth."""
    if not memory:
        return 0.0, 0.0
    fifth = max(1, len(memory) // 5)
    return statistics.median(memory[:fifth]), statistics.median(memory[-fifth:])


def _lateness(rows: list[tuple[str, str]]) -> dict[str, float]:
    late = sorted((instant(started) - instant(due)).total_seconds() * 1000 for due, started in rows)
    if not late:
        return {}
    return {f"p{part}": late[min(len(late) - 1, len(late) * part // 100)] for part in (50, 90, 99)} | {
        "most": late[-1]
    }
