"""What lists are searched by, as an address tells it. An empty field asks for nothing."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from scheduled.errors import UsageError, did_you_mean
from scheduled.words import Status

LASTS = {
    "1h": ("the last hour", timedelta(hours=1)),
    "24h": ("the last 24 hours", timedelta(days=1)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}


@dataclass(frozen=True)
class RunsWanted:
    """Which runs are asked for."""

    status: tuple[str, ...] = ()
    schedule: str = ""
    job: str = ""
    q: str = ""
    """It stands in the error."""
    last: str = ""
    since: str = ""
    until: str = ""
    before: int | None = None
    """Where the page before ended."""

    @property
    def anything(self) -> bool:
        """Whether anything is left out."""
        return replace(self, before=None) != RunsWanted()

    @property
    def more(self) -> bool:
        """Whether something is asked for by the fields that are folded away."""
        return bool(self.schedule or self.job or self.since or self.until)

    def address(self, **changes: Any) -> dict[str, Any]:
        """The query of the same, or of nearly the same."""
        changed = replace(self, **({"before": None} | changes))
        return {field.name: getattr(changed, field.name) for field in fields(changed)}

    def begin(self, now: datetime) -> datetime | None:
        """The instant from which on."""
        begins = [instant(self.since, "since")] if self.since else []
        begins += [now - LASTS[self.last][1]] if self.last else []
        return max(begins, default=None)

    def end(self) -> datetime | None:
        """The instant up to which."""
        return instant(self.until, "until") if self.until else None


def runs_wanted(
    *, status: list[str], schedule: str, job: str, q: str, last: str, since: str, until: str, before: str
) -> RunsWanted:
    """What the address asks for.

    Raises:
        UsageError: there is no such status, stretch of time or cursor.
    """
    known = [str(one) for one in Status]
    chosen = tuple(dict.fromkeys(one.upper().replace("-", "_") for one in status if one))
    for one in chosen:
        if one not in known:
            raise UsageError(f"there is no status {one[:50]!r}: {did_you_mean(one[:50], known)}")
    if last and last not in LASTS:
        raise UsageError(f"last is {', '.join(LASTS)}, and not {last[:50]!r}")
    asked = RunsWanted(
        chosen, _plain(schedule), _plain(job), _plain(q), last, since.strip(), until.strip(), cursor(before)
    )
    for text, name in ((since, "since"), (until, "until")):
        if text.strip():
            instant(text.strip(), name)
    return asked


def cursor(text: str) -> int | None:
    """A row's id, after which a page begins."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise UsageError(f"before is the number of a row, and not {text[:50]!r}")
    return int(text)


def instant(text: str, name: str) -> datetime:
    """An instant; without an offset, in UTC."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{name} is {text[:50]!r}, which is no instant: write 2026-03-29 or 2026-03-29T01:00"
        ) from None


def _plain(text: str) -> str:
    """What a database can be asked for."""
    return text.replace("\x00", "").strip()
