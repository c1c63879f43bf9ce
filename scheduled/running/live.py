"""What may be told of an attempt while it runs: what it printed so far, and how far it has come."""

from math import isfinite

from scheduled.running.tail import Tail
from scheduled.sequence import Sequence

Progress = tuple[float, float | None]


class Live:
    """An attempt that runs now. The thread that runs it writes here; another one looks, and tells.

    There is no lock, for job code may be interrupted anywhere: each attribute is changed in one step.
    """

    __slots__ = ("ended", "holder", "job_run_id", "occurrence_id", "printed", "progress", "sequence", "tail")

    def __init__(
        self, occurrence_id: int, holder: str, job_run_id: int, sequence: Sequence, tail: Tail
    ) -> None:
        self.occurrence_id = occurrence_id
        self.holder = holder
        self.job_run_id = job_run_id
        self.sequence = sequence
        self.tail = tail
        self.progress: Progress | None = None
        self.printed = False
        """Whether there may be a row of its output already."""
        self.ended = False

    def come(self, done: float, total: float | None) -> None:
        """It has come so far. What no database takes (infinity, NaN) is passed over."""
        if isfinite(done) and (total is None or isfinite(total)):
            self.progress = (done, total)

    def end(self) -> bool:
        """It has ended; whether there may be a row of its output. After this, none is added."""
        self.ended = True
        return self.printed

    def may_print(self) -> bool:
        """Whether a row of its output may be added: asked before that is done, and once `printed` was set.

        Who ends it sets `ended` and then looks at `printed`; who adds the row sets `printed` and then looks
        at `ended`. So one of the two always knows of the other.
        """
        self.printed = True
        return not self.ended
