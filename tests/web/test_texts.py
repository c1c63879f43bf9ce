"""What jobs print, made fit to be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduled.web.texts import HIDDEN, visible


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("\x1b[1;32mok\x1b[0m done", "ok done"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("1%\r50%\r100%\ndone", "100%\ndone"),
        ("a\r\nb\r\n", "a\nb\n"),
        ("bell\x07 null\x00 del\x7f", "bell␇ null␀ del␡"),
        ("file\u202egpj.exe", "file<U+202E>gpj.exe"),
        ("\x9b31mred", "<U+009B>31mred"),
        ("tab\tstays\nso do lines", "tab\tstays\nso do lines"),
        (None, ""),
        ("\x1b", ""),
    ],
)
def test_it_shows_what_a_terminal_would_and_hides_nothing(printed: str | None, shown: str) -> None:
    assert visible(printed) == shown


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_nothing_hidden_is_left(printed: str) -> None:
    assert not HIDDEN.search(visible(printed))


@pytest.mark.parametrize("part", ["x", "\r", "x\r", "\x1b]", "\x1b[", "\x1b", "\x1b]x", "1%\r\n"])
def test_it_takes_no_more_than_linear_time(part: str) -> None:
    assert len(visible(part * (1_000_000 // len(part)))) <= 1_000_000
