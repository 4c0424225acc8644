"""How far a heatmap can be trusted, from how heatmaps like it fared on scans whose lesion is drawn.

A heatmap has no mask to be held against when it is shown. What is known is how often heatmaps of its class
and strength, over scans that their network had not seen, had their hottest point in the lesion.
"""

from __future__ import annotations

from typing import Literal

from ml.card import HeatmapTest, Pointed
from ml.types import Reliability

Strength = Literal["weak", "moderate", "strong"]

BAR = 0.5
"""A heatmap that misses more often than it hits leads a reader astray."""

FEWEST = 30
"""Heatmaps of a kind below which a share of hits says nothing: its 95% interval is wider than 0.35."""

_UNTESTED = Reliability("untested", "This network's heatmaps were not tested on scans with drawn lesions.")


def reliability(label: str, strength: Strength, test: HeatmapTest | None) -> Reliability:
    """What the test says of heatmaps of this class and strength."""
    if test is None:
        return _UNTESTED
    found = next((one for one in test.pointed if (one.label, one.strength) == (label, strength)), None)
    if found is None or found.maps < test.fewest:
        count = 0 if found is None else found.maps
        return Reliability(
            "untested",
            f"Too few {strength} heatmaps for {label} were tested on scans with a drawn lesion ({count}).",
        )
    return Reliability("reliable" if found.hits.value >= test.bar else "unreliable", _words(found))


def _words(found: Pointed) -> str:
    hits = found.hits
    return (
        f"Of {found.maps} {found.strength} heatmaps for {found.label} over scans not seen in training, "
        f"{hits.value:.0%} had their hottest point in the lesion "
        f"(95% interval {hits.low:.0%} to {hits.high:.0%}; by chance {found.chance:.0%})."
    )
