"""Random views of a training scan. No vertical flip: skin is above, shadows fall downwards."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.types import Gray

Mask = NDArray[np.float32]


def view(pixels: Gray, mask: Mask, size: int, rng: np.random.Generator) -> tuple[Gray, Mask]:
    """A random view: uint8 (H, W) and float32 (H, W) in 0..1 -> the same, (size, size).

    Geometry: mirrored left to right (1/2), turned by up to 12 degrees, scaled by 0.85..1.25 in each
    direction, shifted by up to 8%. Grey levels: gamma 0.7..1.4, contrast 0.75..1.25, brightness +-25,
    blurred (1/5), noise (1/5): what differs between scanners and gain settings.
    """
    matrix = _geometry(pixels.shape, size, rng)
    seen = cv2.warpAffine(
        pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    lesion = cv2.warpAffine(
        mask, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return _grey_levels(np.asarray(seen, np.float32), rng), np.asarray(lesion, np.float32)


def _geometry(shape: tuple[int, ...], size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """2 x 3 matrix from source pixels to view pixels, about the centres."""
    height, width = shape
    angle = np.deg2rad(rng.uniform(-12, 12))
    scale_x, scale_y = rng.uniform(0.85, 1.25, size=2)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    fit = np.diag([mirror * scale_x * size / width, scale_y * size / height])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ fit
    centre = np.array([width / 2, height / 2])
    target = size / 2 + rng.uniform(-0.08, 0.08, size=2) * size
    return np.hstack([linear, (target - linear @ centre)[:, None]])


def _grey_levels(pixels: NDArray[np.float32], rng: np.random.Generator) -> Gray:
    grey: NDArray[np.floating] = 255.0 * (pixels / 255.0) ** rng.uniform(0.7, 1.4)
    grey = (grey - 128.0) * rng.uniform(0.75, 1.25) + 128.0 + rng.uniform(-25, 25)
    if rng.random() < 0.2:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.5, 1.2)), dtype=np.float64)
    if rng.random() < 0.2:
        grey = grey + rng.normal(0, rng.uniform(2, 10), grey.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)
