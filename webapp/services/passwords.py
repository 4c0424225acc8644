"""Which passwords are taken: long enough, and not among the first that somebody would try.

How many guesses a password takes is estimated with zxcvbn (Wheeler, "zxcvbn: Low-Budget Password Strength
Estimation", USENIX Security 2016), from lists of common passwords, words and names that come with it: no
password leaves this process. No rule asks for kinds of characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from zxcvbn import zxcvbn

SHORTEST = 12
LONGEST = 1024
"""Longer ones are no stronger, but each costs the server a hash."""
ENOUGH_GUESSES = 1e9
"""Between the paper's scores 3 and 4: any three known words in a row already count 1e8."""
OF_THE_HOUSE = (
    "secondread",
    "second read",
    "breast",
    "ultrasound",
    "mammography",
    "radiology",
    "radiologist",
)
"""Words that somebody who attacks this application tries first."""
_LOOKED_AT = 72
"""Characters that are judged: the estimate takes time with the square of the length."""


def problem(password: str, about: Iterable[str] = ()) -> str:
    """What is wrong with a new password, in words, or "".

    `about`: what is known of the person (name, address, group), which others know or guess as well.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        return f"The password needs {SHORTEST} to {LONGEST} characters."
    known = [*OF_THE_HOUSE, *(word for text in about for word in _words(text))]
    if float(zxcvbn(password[:_LOOKED_AT], user_inputs=known)["guesses"]) < ENOUGH_GUESSES:
        return (
            "This password is easy to guess. Four or more words that do not belong together make a good one."
        )
    return ""


def _words(text: str) -> list[str]:
    """The text and its parts: "ada.lovelace@north.example" is also "ada" and "lovelace"."""
    return [text, *(part for part in re.split(r"[\W_]+", text) if len(part) > 2)]
