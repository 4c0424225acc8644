"""Small scans with one fault each, for the tests of the dataset doctor."""

from __future__ import annotations

import cv2
import numpy as np

from tests.ml.data.published import scan

SHAPE = (240, 280)


def plain(seed: int) -> np.ndarray:
    """uint8 (240, 280): smooth tissue with speckle, as a scan without anything odd."""
    noise = np.random.default_rng(seed).normal(0, 9, SHAPE)
    return np.clip(20 + scan(seed, SHAPE) * 1.0 + noise, 0, 255).astype(np.uint8)


def written(seed: int) -> np.ndarray:
    return cv2.putText(plain(seed), "LT AXILLA", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)


def measured(seed: int) -> np.ndarray:
    pixels = plain(seed)
    for x, y in ((80, 100), (170, 130)):
        cv2.line(pixels, (x - 5, y), (x + 5, y), 255, 1)
        cv2.line(pixels, (x, y - 5), (x, y + 5), 255, 1)
    return pixels


def beside(first: int, second: int, gap: int) -> np.ndarray:
    """Two scans in one frame, `gap` black columns between."""
    half = SHAPE[1] // 2
    left, right = plain(first)[:, :half], 255 - plain(second)[:, half:]
    return np.hstack([left, np.zeros((SHAPE[0], gap), np.uint8), right])


def doppler(seed: int) -> np.ndarray:
    """uint8 (240, 280, 3) with a box of red and blue."""
    pixels = np.repeat(plain(seed)[..., None], 3, axis=2)
    pixels[60:120, 80:140] = (220, 30, 10)
    pixels[90:120, 80:140] = (20, 40, 230)
    return pixels
