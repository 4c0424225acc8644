"""Grey image -> network input, driven by the card alone; training and serving both use this code."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.card import Preprocessing
from ml.types import Gray


def resize(pixels: Gray, size: int) -> Gray:
    """Squash to a square: uint8 (H, W) -> uint8 (size, size).

    Area averaging when shrinking (no aliasing of speckle), bilinear when growing. The whole field of
    view is kept: cropping could cut a lesion at the edge.
    """
    height, width = pixels.shape
    shrinking = height * width > size * size
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, (size, size), interpolation=method), dtype=np.uint8)


def normalise(squares: NDArray[np.uint8], spec: Preprocessing) -> NDArray[np.float32]:
    """uint8 (N, size, size) -> float32 (N, 3, size, size): (x - mean) / std, x 0..1, on each channel."""
    scale = np.float32(1.0 / (255.0 * spec.std))
    shift = np.float32(-spec.mean / spec.std)
    grey = squares.astype(np.float32)  # a copy, so what follows may change it in its place
    if spec.scaling == "min-max":
        grey = _stretched(grey)
    grey *= scale
    grey += shift
    return np.ascontiguousarray(np.broadcast_to(grey[:, None], (len(squares), 3, spec.size, spec.size)))


def _stretched(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each image from its darkest to its brightest pixel, 0..255; a flat one becomes 0."""
    grey = grey - grey.min(axis=(1, 2), keepdims=True)
    reach = np.maximum(grey.max(axis=(1, 2), keepdims=True), 1)
    return np.asarray(grey * (255 / reach), dtype=np.float32)


def to_input(images: Sequence[Gray], spec: Preprocessing) -> NDArray[np.float32]:
    """N images, uint8 (H, W) of any sides -> float32 (N, 3, size, size), C-contiguous."""
    return normalise(np.stack([resize(pixels, spec.size) for pixels in images]), spec)
