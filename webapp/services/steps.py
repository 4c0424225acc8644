"""Where a presentation stands: which sheet, and which step of it. The same in an address and in a browser.

Sheet 0 is the start, then comes one a case, then the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.services.slides import Slide


@dataclass(frozen=True, slots=True)
class Place:
    """`step` of the sheet number `sheet`."""

    sheet: int
    step: str


@dataclass(frozen=True, slots=True)
class Around:
    """A place, and what is before and after it; None at the start and at the end."""

    here: Place
    before: Place | None
    after: Place | None


def around(slides: Sequence[Slide], sheet: int, step: str) -> Around:
    """The place that an address names. A sheet that is not there counts as the nearest one, a step that its
    case does not have as its first one."""
    places = _all(slides)
    sheet = min(max(sheet, 0), len(slides) + 1)
    of_sheet = [place for place in places if place.sheet == sheet]
    here = Place(sheet, step) if Place(sheet, step) in of_sheet else of_sheet[0]
    at = places.index(here)
    return Around(here, places[at - 1] if at else None, places[at + 1] if at + 1 < len(places) else None)


def _all(slides: Sequence[Slide]) -> list[Place]:
    steps = [("start",), *(slide.steps for slide in slides), ("end",)]
    return [Place(sheet, step) for sheet, of_sheet in enumerate(steps) for step in of_sheet]
