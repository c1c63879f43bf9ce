"""What jobs print and raise, as text that a page can show: nothing in it acts on whoever reads. Pure."""

import re

from scheduled.redaction import ANSI

HIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Control characters, and those that turn the direction of what follows."""
PICTURES = 0x2400


def visible(text: str | None) -> str:
    """The text without colours, with lines that were drawn over as they were last, and nothing hidden."""
    if not text:
        return ""
    plain = ANSI.sub("", text).replace("\r\n", "\n")
    if "\r" in plain:
        plain = "\n".join(_last_drawn(line) for line in plain.split("\n"))
    return HIDDEN.sub(_picture, plain)


def _last_drawn(line: str) -> str:
    """What a terminal shows in the end of a line that a progress bar drew again and again."""
    return line.rstrip("\r").rpartition("\r")[2]


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(PICTURES + code) if code < 0x20 else "␡" if code == 0x7F else f"<U+{code:04X}>"
