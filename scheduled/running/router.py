"""What stands at sys.stdout and sys.stderr in place of the originals."""

import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from scheduled.running.capture import Capture


class _Bytes(io.BufferedIOBase):
    """What stands at `sys.stdout.buffer`."""

    def __init__(self, router: "Router") -> None:
        self._router = router
        self.raw = cast(io.RawIOBase, self)

    def write(self, data: Any, /) -> int:
        return self._router.write_bytes(bytes(data))

    def writable(self) -> bool:
        return True

    def flush(self) -> None:
        self._router.flush()

    def fileno(self) -> int:
        return self._router.fileno()

    def close(self) -> None:
        """Nothing: whoever wraps it closes it when the wrapper is forgotten."""

    @property
    def closed(self) -> bool:
        return False


class Router(io.TextIOBase):
    """Stands at sys.stdout or sys.stderr: captures during a run, else passes through to the original.

    To those whose output is passed through it looks as the original does.
    """

    mode = "w"

    def __init__(self, capture: "Capture", name: str, original: TextIO | None) -> None:
        self._capture = capture
        self._original = original
        self.name = name
        self.buffer = _Bytes(self)

    def write(self, text: str, /) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        run = self._capture.current()
        if run is not None:
            with self._capture.hold:
                run.take(self.name, text)
        elif self._original is not None:
            self._original.write(text)
        return len(text)

    def write_bytes(self, data: bytes) -> int:
        run = self._capture.current()
        if run is not None:
            with self._capture.hold:
                run.take_bytes(self.name, data)
        elif (raw := getattr(self._original, "buffer", None)) is not None:
            raw.write(data)
        elif self._original is not None:
            self._original.write(data.decode(errors="replace"))
        return len(data)

    def writelines(self, lines: Iterable[str], /) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._original is not None and self._capture.current() is None:
            self._original.flush()

    def fileno(self) -> int:
        if self._original is None:
            raise io.UnsupportedOperation("fileno")
        return self._original.fileno()

    def isatty(self) -> bool:
        original = self._seen()
        return original is not None and original.isatty()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(getattr(self._seen(), "encoding", "utf-8"))

    @property
    def errors(self) -> str:  # type: ignore[override]
        return str(getattr(self._seen(), "errors", "replace"))

    @property
    def line_buffering(self) -> bool:
        return bool(getattr(self._seen(), "line_buffering", True))

    def writable(self) -> bool:
        return True

    def reconfigure(self, **options: Any) -> None:
        """For a job, nothing: what takes its output takes all text, and keeps none back."""
        if (reconfigure := getattr(self._seen(), "reconfigure", None)) is not None:
            reconfigure(**options)

    def _seen(self) -> TextIO | None:
        """The original, for those whose output goes there."""
        return self._original if self._capture.current() is None else None

    def close(self) -> None:
        """Nothing: the daemon needs its streams after the job."""

    @property
    def closed(self) -> bool:
        return False
