"""The window of time that a timeline looks through, as its address tells it. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from scheduled.errors import UsageError
from scheduled.expressions import parse
from scheduled.web.drawing_timeline import Scale

SPANS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
GRID = {"hour": timedelta(minutes=1), "day": timedelta(minutes=15), "week": timedelta(hours=2)}
"""A window that follows the present moves by so much at once."""
LEAST, MOST = timedelta(minutes=1), timedelta(days=35)


@dataclass(frozen=True)
class Window(Scale):
    """From `since` up to `until`, by the clocks of `zone`."""

    zone: ZoneInfo
    timezone: str
    named: str | None
    """Its span, if that is an hour, a day or a week."""
    follows: bool
    """Whether it moves on as time passes."""

    @property
    def middle(self) -> datetime:
        return self.since + self.span / 2

    def moved(self, by: float) -> dict[str, str]:
        """The address of the window that lies so many spans later."""
        return self._address(self.middle + self.span * by, self.named or "")

    def called(self, name: str, now: datetime) -> dict[str, str]:
        """The address of an hour, a day or a week at the same place; at the present, if it is in sight."""
        if self.follows or self.since <= now < self.until:
            return {"span": name, "zone": self.timezone}
        return self._address(self.middle, name)

    def around(self, begins_at: datetime, ends_at: datetime) -> dict[str, str]:
        """The address of a closer look at that stretch."""
        width = max(ends_at - begins_at, LEAST) * 1.5
        middle = begins_at + (ends_at - begins_at) / 2
        return _between(middle - width / 2, middle + width / 2, self.timezone)

    def zoomed(self, factor: float) -> dict[str, str]:
        """The address of a window that is so many times as wide, at the same place."""
        half = min(max(self.span * factor, LEAST), MOST) / 2
        return _between(self.middle - half, self.middle + half, self.timezone)

    def _address(self, middle: datetime, named: str) -> dict[str, str]:
        if named:
            return {"at": spelled(middle), "span": named, "zone": self.timezone}
        return _between(middle - self.span / 2, middle + self.span / 2, self.timezone)


def window(
    now: datetime, *, at: str = "", span: str = "", zone: str = "", since: str = "", until: str = ""
) -> Window:
    """What the address asks for: [since, until), else a span around `at`, else around the present.

    Raises:
        UsageError: it is no window.
        ExpressionError: there is no such time zone.
    """
    timezone = zone or "UTC"
    place = parse("* * * * *", timezone).zone
    named = span or "day"
    if named not in SPANS:
        raise UsageError(f"span is {', '.join(SPANS)}, and not {span[:50]!r}")
    if since and until:
        begin, end = (_instant(text, place, now) for text in (since, until))
        if not LEAST <= end - begin <= MOST:
            raise UsageError(
                "a timeline shows a minute at least and 35 days at most: until comes after since"
            )
        length = next((name for name, whole in SPANS.items() if whole == end - begin), None)
        return Window(begin, end, place, timezone, length, follows=False)
    whole = SPANS[named]
    if at:
        begin = _instant(at, place, now) - whole / 2
        return Window(begin, begin + whole, place, timezone, named, follows=False)
    end = _up(now + whole / 4, GRID[named])
    return Window(end - whole, end, place, timezone, named, follows=True)


def spelled(moment: datetime) -> str:
    """An instant as an address has it: without a plus, which would be read as a blank."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _between(since: datetime, until: datetime, timezone: str) -> dict[str, str]:
    return {"since": spelled(since), "until": spelled(until), "zone": timezone}


def _instant(text: str, zone: ZoneInfo, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    except ValueError:
        raise UsageError(
            f"{text[:50]!r} is no instant: write 2026-03-29, 2026-03-29T01:00 or 2026-03-29T01:00Z"
        ) from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    if not now.year - 100 < moment.year < now.year + 100:
        raise UsageError(f"{text[:50]!r} is farther away than a timeline looks: a hundred years")
    return moment.astimezone(UTC)


def _up(moment: datetime, grid: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + -((epoch - moment) // grid) * grid
