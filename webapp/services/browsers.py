"""Which browser it was, in words: for a list of sessions, not for deciding anything."""

from __future__ import annotations

_BROWSERS = (
    # Each claims to be those below it too: the first that matches is meant.
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def in_words(user_agent: str) -> str:
    """A `User-Agent` header as a person would say it: "Chrome on Windows"; "an unknown program" at worst."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), None)
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    if browser is None and system is None:
        return "an unknown program"
    return f"{browser or 'an unknown browser'} on {system or 'an unknown system'}"
