"""The usage report as Markdown. Pure."""

from collections.abc import Mapping
from typing import Any

HEAD = ("runs", "success", "duration p50", "p95", "lateness p50", "p95", "skipped")
UNITS = ((1000, "s"), (60_000, "min"), (3_600_000, "h"))
NOTE = """\
Success is completed / (completed + failed + timed out); a job's retries count as one run. Durations are
those of what completed. Lateness is from the due instant to the start; for a job it holds the wait for
the jobs before it. Skipped counts instants for schedules and runs for jobs.
"""


def as_markdown(report: Mapping[str, Any]) -> str:
    totals = report["totals"]
    success = f"success {_rate(totals['success_rate'])}, {totals['skipped']:,} due instants skipped"
    return "\n".join(
        [
            "# Usage report",
            "",
            f"From {_minute(report['from'])} to {_minute(report['until'])}:",
            f"{totals['runs']:,} runs of schedules, {success}.",
            "",
            *_table("schedule", [(_titled(row), row) for row in report["schedules"]]),
            "",
            *_table("job", [(row["name"], row) for row in report["jobs"]]),
            "",
            NOTE,
        ]
    )


def _table(what: str, rows: list[tuple[str, Mapping[str, Any]]]) -> list[str]:
    head = [f"| {' | '.join((what, *HEAD))} |", "|---|" + "---:|" * (len(HEAD) - 1) + "---|"]
    return head + [f"| {' | '.join((title, *_cells(row)))} |" for title, row in rows]


def _titled(row: Mapping[str, Any]) -> str:
    return f"{row['id']} (off)" if row["enabled"] is False else str(row["id"])


def _cells(row: Mapping[str, Any]) -> list[str]:
    duration, lateness = row.get("duration_ms", {}), row.get("lateness_ms", {})
    times = [_time(found.get(point)) for found in (duration, lateness) for point in ("p50", "p95")]
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in row["skipped_by_reason"].items())
    return [f"{row['runs']:,}", _rate(row["success_rate"]), *times, reasons or "–"]


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.2%}"


def _time(milliseconds: int | None) -> str:
    """Three figures, in the unit that suits."""
    if milliseconds is None:
        return "–"
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    size, unit = next(found for found in UNITS if milliseconds < 100 * found[0] or found is UNITS[-1])
    return f"{milliseconds / size:,.1f} {unit}"


def _minute(instant: str) -> str:
    return f"{instant[:10]} {instant[11:16]} UTC"
