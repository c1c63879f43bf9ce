"""Browsers in words, as far as one can tell from what they say of themselves."""

BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
    ("HeadlessChrome/", "headless Chrome"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
"""The first that fits counts: each of them claims to be some of those after it."""
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def agent_words(agent: str | None) -> str:
    """'Firefox on Linux'; what it says of itself, in short, if it is none that one knows."""
    if not agent:
        return "unknown"
    browser = next((words for sign, words in BROWSERS if sign in agent), None)
    system = next((words for sign, words in SYSTEMS if sign in agent), None)
    if browser is None:
        return agent if len(agent) <= 40 else agent[:39] + "…"
    return f"{browser} on {system}" if system else browser
