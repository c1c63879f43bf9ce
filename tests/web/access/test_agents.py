import pytest

from scheduled.web.agents import agent_words

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(("agent", "words"), [
    (CHROME, "Chrome on Linux"),
    (CHROME + " Edg/140.0.0.0", "Edge on Linux"),
    ("Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
    ("Mozilla/5.0 Chrome/140.0", "Chrome"),
    ("curl/8.5.0", "curl/8.5.0"),
    ("x" * 300, "x" * 39 + "…"),
    ("", "unknown"), (None, "unknown"),
])  # fmt: skip
def test_it_names_a_browser(agent: str | None, words: str) -> None:
    assert agent_words(agent) == words
