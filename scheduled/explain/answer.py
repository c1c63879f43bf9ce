"""What `why` answers with. Its JSON is a public contract."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Cause:
    """One cause: a stable code, and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class Explanation:
    """What became of one instant of one schedule, why, and what happens next."""

    schedule_id: str
    at: datetime | None
    """None: it has not been due yet."""
    due: bool
    """Whether the schedule's expression names the instant."""
    outcome: str
    """The occurrence's status; without one, the code of the first cause."""
    causes: tuple[Cause, ...]
    occurrence_id: int | None = None
    coming_at: datetime | None = None
    coming: tuple[Cause, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "schedule": self.schedule_id,
            "at": self.at,
            "due": self.due,
            "outcome": self.outcome,
            "occurrence_id": self.occurrence_id,
            "causes": [asdict(cause) for cause in self.causes],
            "next": {"at": self.coming_at, "causes": [asdict(cause) for cause in self.coming]},
        }
