"""A raw Grad-CAM map -> Heatmap: absolute strength, where it peaks, how large it is, in words."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.card import CamScale, HeatmapTest
from ml.reliability import Strength, reliability
from ml.types import Heatmap

FINE = 80
"""A map has few cells (10 x 10, 20 x 20); peak and area are read from it enlarged, as the overlay shows it,
to at least so many a side."""

EMPTY = 0.05
"""Below this strength nothing can be seen in the overlay: the map counts as empty."""

_STRENGTHS: tuple[tuple[float, Strength], ...] = ((0.35, "weak"), (0.75, "moderate"), (np.inf, "strong"))
_ROWS = ("upper", "", "lower")
_COLUMNS = ("left", "", "right")


def heatmap(
    label: str, raw: NDArray[np.float32], scale: CamScale, test: HeatmapTest | None = None
) -> Heatmap:
    """`raw` is L^c of one image and class, float32 (h, w), >= 0; the heatmap's values are raw / strong.

    `test` is what the card keeps of such heatmaps' worth.
    """
    values = np.asarray(raw, dtype=np.float32) / np.float32(scale.strong)
    if values.max() < EMPTY:
        return Heatmap(label, values, None, 0.0, "no evidence")
    times = max(1, -(-FINE // min(values.shape)))
    fine = enlarge(values, values.shape[0] * times, values.shape[1] * times)
    row, column = divmod(int(fine.argmax()), fine.shape[1])
    peak = ((row + 0.5) / fine.shape[0], (column + 0.5) / fine.shape[1])
    area = float(np.mean(fine > fine.max() / 2))
    strength = grade(float(values.max()))
    return Heatmap(
        label, values, peak, area, _words(strength, peak, area), reliability(label, strength, test)
    )


def enlarge(values: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bicubic, cell centres on cell centres, within the range of the cells: float32 (height, width).

    Smooth where bilinear would draw diamonds, and never stronger than the network's own values.
    """
    fine = cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine.clip(values.min(), values.max()), dtype=np.float32)


def grade(peak: float) -> Strength:
    """The word for the strength of a map's peak, as a share of what counts as strong."""
    return next(word for limit, word in _STRENGTHS if peak < limit)


def _words(strength: Strength, peak: tuple[float, float], area: float) -> str:
    share = f"about {area:.0%}" if area >= 0.01 else "less than 1%"
    return f"{strength} evidence, {_place(peak)}, {share} of the image"


def _place(peak: tuple[float, float]) -> str:
    """Thirds of the image as displayed: "upper left", "centre", "right", ..."""
    row, column = (min(int(3 * share), 2) for share in peak)
    return " ".join(word for word in (_ROWS[row], _COLUMNS[column]) if word) or "centre"
