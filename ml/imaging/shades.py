"""Sample values -> what a reader sees: uint8, grey or colour."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import Gray, Scan, ScanInfo

Picture = NDArray[np.uint8]
"""uint8 (H, W) or (H, W, 3), C-contiguous, 0..255."""

COLOUR_STEP = 40
"""Channel difference above which a pixel counts as coloured (`Scan.colour_share`)."""
TINT_STEP = 8
"""Largest channel difference that JPEG leaves in a grey image saved in colour."""


def stretch(values: NDArray[Any], low: float | None = None, high: float | None = None) -> Picture:
    """Real numbers of any dtype and shape -> uint8 of the same shape, `low` -> 0, `high` -> 255.

    `low` and `high` default to the smallest and largest finite value. Not-a-number reads as black.
    A constant array becomes black, unless it is the largest value of its integer type: white.
    """
    if low is None or high is None:
        low, high = finite_range(values)
    if high <= low:
        white = values.dtype.kind in "iu" and low == np.iinfo(values.dtype.str).max
        return np.full(values.shape, 255 if white else 0, np.uint8)
    scaled: NDArray[Any] = values.astype(np.float32 if values.dtype.itemsize <= 2 else np.float64)
    scaled -= low
    scaled *= 255.0 / (high - low)
    np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    np.clip(scaled, 0.0, 255.0, out=scaled)
    np.rint(scaled, out=scaled)
    return scaled.astype(np.uint8)


def finite_range(values: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest finite value; (0, 0) where there is none."""
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def to_scan(info: ScanInfo, frame: int, picture: Picture) -> Scan:
    """Wrap a decoded picture; a colour file whose channels all agree counts as grey."""
    if picture.ndim == 2:
        return Scan(info, frame, picture)
    spread = picture.max(axis=2) - picture.min(axis=2)
    grey: Gray = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    if int(spread.max()) <= TINT_STEP:
        return Scan(info, frame, grey)
    share = float(np.count_nonzero(spread > COLOUR_STEP)) / spread.size
    return Scan(info, frame, grey, picture, share)
