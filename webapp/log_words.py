"""How a page says an entry of the log: who, what was done, and what is known besides, in a few words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask

from webapp.models import ACTIONS
from webapp.services.log_search import Line

SHORT = 8
"""So much of an identifier or hash is shown in a line; the whole is in the tooltip and in the export."""
_ABOUT = {"audit_log": "audit log", "case_log": "case log", "teaching_case": "as classes see it"}
"""What an act on an object of this type was about, where its words leave it open."""
_OF_THE_LOG = ("log_verified", "log_reviewed")
"""Acts whose words name the log already."""
_SIDES = {"L": "left", "R": "right", "B": "both sides"}


def init_app(app: Flask) -> None:
    """Give the templates the filters."""
    for filter_ in (log_who, log_act, log_detail, short):
        app.add_template_filter(filter_)


def log_who(line: Line) -> str:
    """Who acted, as the subject of a sentence."""
    if line.who is not None:
        return line.who
    return "Somebody" if line.action == "sign_in_failed" else "The server"


def log_act(line: Line) -> str:
    """What was done, as the rest of the sentence; an act that this version does not know by its name."""
    words = ACTIONS.get(line.action, line.action.replace("_", " "))
    about = line.about or _ABOUT.get(line.object_type)
    return f"{words}: {about}" if about and line.action not in _OF_THE_LOG else words


def log_detail(line: Line, numbers: Mapping[str, int] | None = None) -> str:
    """What else the entry says. `numbers`: image uid -> its number on the page, where that is known."""
    number = (numbers or {}).get(line.object_uid or "") if line.object_type == "image" else None
    said = [f"image {number}"] if number else []
    said += [_said(name, value) for name, value in line.detail.items()]
    return ", ".join(words for words in said if words)


def short(identifier: str | None) -> str:
    """The beginning of an identifier or hash."""
    return (identifier or "")[:SHORT]


def _said(name: str, value: Any) -> str:
    known = _KNOWN.get(name)
    if known is not None:
        return known(value)
    plain = name.replace("_", " ")
    if value is True:
        return plain
    return "" if value is None or value is False else f"{plain} {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return " and ".join(str(one) for one in value) or "none"
    return str(value)


def _frame(frame: int) -> str:
    return f"frame {frame + 1}"


def _hash(digest: str) -> str:
    return f"SHA-256 {short(digest)}"


_KNOWN: dict[str, Callable[[Any], str]] = {
    "frame": _frame,
    "sha256": _hash,
    "checksum": lambda digest: f"weights {short(digest)}",
    "hash": lambda digest: f"hash {short(digest)}",
    "network": lambda network: f"network {short(network) if len(network) == 64 else network}",
    "size_bytes": lambda size: f"{size / 1000:.0f} kB",
    "format": lambda name: f"read as {str(name).upper()}",
    "width": lambda width: f"{width} px wide",
    "height": lambda height: f"{height} px high",
    "frames": lambda frames: f"{frames} frame{'' if frames == 1 else 's'}",
    "laterality": lambda side: _SIDES.get(side, str(side)),
    "code": lambda code: f"reason: {str(code).replace('_', ' ')}",
    "teaching_case": lambda uid: f"teaching case {short(uid)}",
    "pixels_alone": lambda _: "pixels, without the page",
    "whole": lambda whole: "whole" if whole else "not whole",
    "up_to": lambda number: f"up to entry {number}",
    "act": lambda action: f"act: {ACTIONS.get(action, action)}",
    "person": lambda number: f"person {number}" if number else "nobody signed in",
    "again": lambda again: "once more" if again else "",
    "text": lambda _: "with a search",
    "group": lambda _: "",
    "faults": lambda count: f"{count} faults" if count else "",
    "faulty": lambda numbers: f"at entries {_plain(numbers)}" if numbers else "",
}
