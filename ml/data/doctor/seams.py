"""Two pictures in one frame: a black gap between them, or one column where everything changes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.types import Gray

_MIDDLE = (0.3, 0.7)
_BLACK = 12
_GAP = 0.008
"""Width of a gap, as a share of the frame."""

_EMPTY = 0.4
"""A side with more black columns than this share of it shows no picture."""

_STEP, _RATIO, _ROWS = 12, 4.0, 0.6
"""A seam changes by so many grey levels on average, so many times the usual, in so large a share of rows."""


def are_two(pixels: Gray) -> bool:
    """Whether uint8 (H, W) shows two pictures side by side, or (by a gap only) one above the other."""
    return _has_gap(pixels) or _has_gap(pixels.T) or _has_seam(pixels)


def _has_gap(pixels: Gray) -> bool:
    dark = _dark(pixels)
    width = len(dark)
    low, high = (round(share * width) for share in _MIDDLE)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], dark.astype(np.int8), [0]))))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        inside = low <= start and end <= high and end - start >= max(2, _GAP * width)
        if inside and _both_show(dark, start, end):
            return True
    return False


def _has_seam(pixels: Gray) -> bool:
    if pixels.shape[1] < 32:
        return False
    steps = np.abs(np.diff(pixels.astype(np.int16), axis=1))
    low, high = (round(share * pixels.shape[1]) for share in _MIDDLE)
    mean = steps.mean(axis=0)
    at = low + int(np.argmax(mean[low:high]))
    strong = mean[at] > max(_STEP, _RATIO * float(np.median(mean)))
    wide = (steps[:, at] > _STEP).mean() > _ROWS
    return bool(strong and wide and _both_show(_dark(pixels), at, at + 1))


def _dark(pixels: Gray) -> NDArray[np.bool_]:
    """bool (W,): columns without a picture."""
    return np.asarray(np.percentile(pixels, 98, axis=0) < _BLACK, dtype=np.bool_)


def _both_show(dark: NDArray[np.bool_], start: int, end: int) -> bool:
    """Whether something is to be seen before column `start` and from column `end` on."""
    return bool(dark[:start].mean() <= _EMPTY and dark[end:].mean() <= _EMPTY)
