"""What was burned into a scan: writing and calipers. Both are thin, bright strokes that no tissue draws.

Writing: at least `LETTERS` strokes of one height, side by side on one line. Calipers: at least two crosses,
upright or lying, found by their shape (normalised cross-correlation; Lewis 1995, Fast template matching).
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import Gray

LETTERS = 4
CROSS = 0.76
"""Least correlation with the shape of a cross."""

_STROKE, _CONTRAST = 9, 80
"""Strokes are thinner than so many pixels, and stand out by so many grey levels."""
_HEIGHTS = (5, 40)
_SIDES = ((9, 1), (13, 2), (19, 3))
"""Of a cross and of its strokes, in pixels."""
_MOST = 1024
"""Pixels on the longer side; larger images are made smaller first."""

Strokes = NDArray[np.uint8]


def strokes(pixels: Gray) -> Strokes:
    """uint8 (H, W): how far thin structures stand out from what is around them (white top-hat)."""
    scale = min(1.0, _MOST / max(pixels.shape))
    if scale < 1:
        pixels = np.asarray(
            cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
    kernel = np.ones((_STROKE, _STROKE), dtype=np.uint8)
    return np.asarray(cv2.morphologyEx(pixels, cv2.MORPH_TOPHAT, kernel), dtype=np.uint8)


def has_writing(thin: Strokes) -> bool:
    """Whether there is a line of letters among the `strokes`."""
    bright = (thin >= _CONTRAST).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(bright, connectivity=8)
    low, high = _HEIGHTS
    letters = [
        (int(x), int(y), int(width), int(height))
        for x, y, width, height, area in boxes[1:]
        if low <= height <= high and width <= 1.6 * height and area >= 0.2 * width * height
    ]
    letters.sort(key=lambda box: (box[1] + box[3], box[0]))
    return any(_is_line(letters, first) for first in range(len(letters)))


def _is_line(letters: list[tuple[int, int, int, int]], first: int) -> bool:
    """Whether a line begins around the letter number `first`: feet and heights agree to a pixel."""
    _, y, _, height = letters[first]
    foot = y + height
    row = []
    for box in letters[first:]:
        if box[1] + box[3] > foot + 1:
            break
        if abs(box[3] - height) <= max(1, height // 8):
            row.append(box)
    row.sort()
    run = 1
    for left, right in pairwise(row):
        near = 0 <= right[0] - (left[0] + left[2]) <= height
        run = run + 1 if near else 1
        if run >= LETTERS:
            return True
    return False


def has_calipers(thin: Strokes) -> bool:
    """Whether there are two crosses among the `strokes`."""
    return any(_crosses(thin, shape) >= 2 for shape in _SHAPES)


def _crosses(thin: Strokes, shape: Strokes) -> int:
    if min(thin.shape) < len(shape):
        return 0
    like = cv2.matchTemplate(thin, shape, cv2.TM_CCOEFF_NORMED)
    half = len(shape) // 2
    centre = thin[half : half + like.shape[0], half : half + like.shape[1]]
    count, _ = cv2.connectedComponents(((like >= CROSS) & (centre >= _CONTRAST)).astype(np.uint8))
    return int(count) - 1


def _shapes() -> tuple[Strokes, ...]:
    shapes = []
    for side, thick in _SIDES:
        low, middle, high = 1, side // 2, side - 2
        upright = ((low, middle), (high, middle), (middle, low), (middle, high))
        lying = ((low, low), (high, high), (low, high), (high, low))
        for arms in (upright, lying):
            shape = np.zeros((side, side), dtype=np.uint8)
            cv2.line(shape, arms[0], arms[1], 255, thick)
            cv2.line(shape, arms[2], arms[3], 255, thick)
            shapes.append(np.asarray(cv2.GaussianBlur(shape, (0, 0), 0.6), dtype=np.uint8))
    return tuple(shapes)


_SHAPES = _shapes()
