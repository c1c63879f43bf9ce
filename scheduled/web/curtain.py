"""Hides secrets in what pages show of jobs, and makes the rest fit to be read. Pure."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scheduled.redaction import names, redact_text, redact_values, whole_lines
from scheduled.web.texts import visible

LONGEST = 60_000
"""So many characters of a text are shown at most."""
MARGIN = 262_144
"""And so many more are looked at: what stands before them is dropped at once, up to a whole line."""


@dataclass(frozen=True)
class Text:
    """The end of a text that a job left; whether something before it is missing."""

    text: str
    cut: bool

    def __bool__(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True)
class Curtain:
    """Knows by which further names, beside the usual ones, a value is secret."""

    more: re.Pattern[str] | None = None

    @classmethod
    def of(cls, pattern: str | None) -> "Curtain":
        return cls(names(pattern))

    def text(self, text: str | None) -> str:
        """A text, whole."""
        return redact_text(visible(text), self.more)

    def tail(self, text: str | None, most: int = LONGEST, *, cut: bool = False) -> Text:
        """The end of a text, from a whole line on if it was cut. `cut`: it had been cut before."""
        text = text or ""
        if len(text) > most + MARGIN:
            text, cut = text[-(most + MARGIN) :], True
        shown = self.text(whole_lines(text) if cut else text)
        if len(shown) <= most:
            return Text(shown, cut)
        end = shown[-most:]
        return Text(end[end.find("\n") + 1 :] or end, True)

    def values(self, values: Mapping[str, Any] | None) -> dict[str, Any]:
        """Parameters."""
        hidden: dict[str, Any] = redact_values(dict(values or {}), self.more)
        return hidden

    def result(self, stored: str | None) -> Text:
        """What a job returned, as JSON that people read."""
        if stored is None:
            return Text("", False)
        try:
            value = json.loads(stored)
        except ValueError:
            return self.tail(stored)
        pretty = json.dumps(redact_values(value, self.more), indent=2, ensure_ascii=False)
        told = redact_text(visible(pretty), self.more) if isinstance(value, str) else visible(pretty)
        return Text(told[:LONGEST], len(told) > LONGEST)
