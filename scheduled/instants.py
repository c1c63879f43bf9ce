"""The public question about an expression: when is it due?"""

from datetime import datetime

from scheduled.clock import Clock
from scheduled.expressions import parse


def upcoming(
    expression: str, timezone: str = "UTC", after: datetime | None = None, count: int = 1
) -> list[datetime]:
    """The next `count` instants after `after` (aware; by default now), as aware datetimes in the zone.

    Raises:
        ExpressionError: (a ValueError) the expression or the zone is not valid, or it never fires.
        ValueError: `after` has no time zone, or `count` is less than 0.
    """
    if count < 0:
        raise ValueError(f"count {count} is less than 0")
    parsed = parse(expression, timezone)
    moment: datetime | None = Clock().now() if after is None else after
    if moment is not None and moment.tzinfo is None:
        raise ValueError("`after` has no time zone: give an aware datetime")
    found: list[datetime] = []
    while len(found) < count and moment is not None:
        moment = parsed.next(moment)
        if moment is not None:
            found.append(moment.astimezone(parsed.zone))
    return found
