"""What a reader looks for in the history, and the words under which such cases stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from webapp.services import words

Result = Literal["suspicious", "not_suspicious", "out_of_scope", "waiting", "failed"]
Reading = Literal["read", "unread", "unread_by_me"]


@dataclass(frozen=True, slots=True)
class Filters:
    """All None or empty: every case. Otherwise the cases that meet all that is set.

    Each word of `text` begins a word of the patient reference, the accession number or a file name,
    whatever the capitals (see `words.terms`). `label` and `result` are met by a case where any of its
    images meets them. `since` and `until` are instants, half open. `reader` is the id of a user who has
    read in the case. `network`: the checksum of weights that have analysed it, now or earlier.
    """

    text: str = ""
    label: str | None = None
    result: Result | None = None
    since: datetime | None = None
    until: datetime | None = None
    reader: int | None = None
    reading: Reading | None = None
    network: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """`Filters` in words: under all `marks`, not under `unless`, and under a word that begins with each of
    `terms`. The mark that the fewest cases have stands first, as does the longest term. `nothing`: a text
    was asked for that has no letter and no digit, so no case can meet it."""

    marks: tuple[str, ...]
    unless: str | None
    terms: tuple[str, ...]
    nothing: bool


def wanted(filters: Filters, me: int) -> Wanted:
    """What `filters` means for the user with id `me`."""
    marks = []
    if filters.result:
        marks.append(f"result:{filters.result}")
    if filters.reader:
        marks.append(words.reader(filters.reader))
    if filters.label:
        marks.append(f"label:{filters.label}")
    if filters.reading in {"read", "unread"}:
        marks.append(words.READ if filters.reading == "read" else words.NOT_READ)
    if filters.network:
        marks.append(words.network(filters.network))
    unless = words.reader(me) if filters.reading == "unread_by_me" else None
    terms = words.typed(filters.text)
    return Wanted(tuple(marks), unless, tuple(terms), nothing=bool(filters.text) and not terms)
