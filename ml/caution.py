"""What a reader should keep in mind about one answer, a sentence each."""

from __future__ import annotations

from ml.card import ModelCard
from ml.types import Finding, Scan

SMALL_SIDE = 100
"""Pixels. Below this the network sees an enlarged image whose speckle is gone."""

NEAR = 1.5
"""Odds within this factor of the operating point's could fall on its other side in a like scan."""


def warnings_of(scan: Scan, chance: float, top: Finding, card: ModelCard) -> tuple[str, ...]:
    """`chance` is the calibrated probability of the operating point's class, `top` the most probable one's
    finding, whose heatmap is shown first."""
    height, width = scan.pixels.shape
    point, trust = card.operating_point, top.heatmap.reliability
    said = (
        (
            min(height, width) < SMALL_SIDE,
            f"Very small image ({width} x {height} pixels): fine detail is missing.",
        ),
        (scan.colour_share > 0, "Colour image: the network read it as grey."),
        (
            scan.info.frames > 1,
            f"One frame of a loop (frame {scan.frame + 1} of {scan.info.frames}) was read.",
        ),
        (
            _near(chance, point.threshold),
            f"Near the operating point: P({point.label}) {chance:.2f}, threshold {point.threshold:.2f}.",
        ),
        (
            trust is not None and trust.verdict == "unreliable",
            f"Heatmap unreliable ({top.label}). {trust.words if trust else ''}",
        ),
        (card.scope is None, "This network has no test for images out of its scope."),
    )
    return tuple(sentence for holds, sentence in said if holds)


def _near(chance: float, threshold: float) -> bool:
    odds = sorted((chance * (1 - threshold), threshold * (1 - chance)))
    return odds[1] < NEAR * odds[0]
