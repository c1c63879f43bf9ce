"""The end of a long text, in bounded memory."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_CONTINUATION = bytes(range(0x80, 0xC0))


def clean(text: str) -> str:
    """Text that every database and encoding takes: NUL and lone surrogates become U+FFFD."""
    return _UNSTORABLE.sub("\ufffd", text)


def clean_json(text: str) -> str:
    """The same for JSON that escapes no more than it must: there, NUL is six characters."""
    text = clean(text)
    return _ESCAPED_NUL.sub("\\1\ufffd", text) if "u0000" in text else text


class Tail:
    """The newest `limit` bytes (UTF-8) of what was printed.

    There is no lock: the bytes change only by `extend` and `del`, each of which is one step, so that any
    number of threads, signal handlers and finalizers may write in the midst of one another.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._oldest = slice(None, -limit or None)
        self._data = bytearray()
        self._cut = False
        self.written = 0
        """Another number after each write."""

    def write(self, text: str) -> None:
        """Append text, and forget the oldest if that makes it too long."""
        length = len(text)
        if length > self._limit:
            self._cut = True
            text = text[length - self._limit :]
        try:
            self._data.extend(text.encode())
        except UnicodeEncodeError:
            self._data.extend(clean(text).encode())
        if len(self._data) > 2 * self._limit:  # not at each write: moving the rest has its price
            self._cut = True
            del self._data[self._oldest]
        self.written += length + 1

    def text(self) -> str:
        """What is kept, from the first whole character on."""
        return self.newest(self._limit)[0]

    def newest(self, limit: int) -> tuple[str, bool]:
        """The last `limit` bytes of what is kept, likewise; and whether anything before them is missing."""
        limit = min(limit, self._limit)
        data = bytes(self._data[-limit:]) if limit else b""
        cut = self.truncated or len(self._data) > limit
        return (data.lstrip(_CONTINUATION) if cut else data).decode(errors="replace"), cut

    @property
    def truncated(self) -> bool:
        """Whether anything was forgotten."""
        return self._cut or len(self._data) > self._limit

    @property
    def empty(self) -> bool:
        """Whether nothing was ever written."""
        return not self._data and not self._cut

    @property
    def within_line(self) -> bool:
        """Whether what comes next continues a line."""
        return bool(self._data) and self._data[-1:] != b"\n"
