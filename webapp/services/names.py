"""Words from outside, made fit to be kept and shown."""

from __future__ import annotations

import unicodedata

LONGEST_NAME = 255


def clean_text(raw: str | None, longest: int) -> str | None:
    """`raw` without control, bidi-override and other invisible characters, spaces joined; None where
    nothing is left or more than `longest` characters are: a cut reference could be another patient's."""
    if raw is None:
        return None
    text = " ".join(_visible(raw).split())
    return text if 0 < len(text) <= longest else None


def clean_filename(raw: str | None) -> str:
    """The last part of a name as a browser or an archive gave it: no path, nothing invisible, at most
    255 characters with the ending kept. It is shown to people and never opened."""
    name = " ".join(_visible((raw or "").replace("\\", "/").rsplit("/", 1)[-1]).split())
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        tail = dot + ending if stem and len(ending) <= 10 else ""
        name = name[: LONGEST_NAME - len(tail)] + tail
    return name or "unnamed"


def _visible(raw: str) -> str:
    """NFC, with every character of Unicode's category C (control, format, surrogate, unassigned) gone
    and line breaks and tabs as spaces."""
    spaced = "".join(" " if character in "\t\r\n" else character for character in raw)
    kept = "".join(character for character in spaced if unicodedata.category(character)[0] != "C")
    return unicodedata.normalize("NFC", kept)
