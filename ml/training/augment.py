"""Random views of a training scan. Of ours none is upside down: skin is above, shadows fall downwards."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ml.preprocess import resize
from ml.types import Gray

Mask = NDArray[np.float32]


class Augmentation(BaseModel):
    """How far views may differ from the scan; by default what differs between scanners and gain settings.

    Angles in degrees, shift as a share of the side, grey levels of 0..255; each drawn evenly from its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mirror: bool = Field(default=True, description="left to right, one view in two")
    upside_down: bool = Field(default=False, description="one view in two")
    turn: float = Field(default=12, ge=0, description="degrees, either way")
    scale: tuple[float, float] = Field(default=(0.85, 1.25), description="in each direction by itself")
    shift: float = Field(default=0.08, ge=0, description="share of the side, either way, in each direction")
    shear: float = Field(default=0, ge=0, description="degrees, either way")
    gamma: tuple[float, float] = (0.7, 1.4)
    contrast: tuple[float, float] = (0.75, 1.25)
    brightness: float = Field(default=25, ge=0, description="grey levels, either way")
    blur: float = Field(default=0.2, ge=0, le=1, description="share of the views")
    noise: float = Field(default=0.2, ge=0, le=1, description="share of the views")


WIDE = Augmentation(
    scale=(0.5, 2.0),
    shift=0.15,
    gamma=(0.5, 2.0),
    contrast=(0.5, 1.5),
    brightness=40,
    blur=0.5,
    noise=0.5,
)
"""For scans from elsewhere than those trained on: other proportions, gain and sharpness than these have."""

STILL = Augmentation(
    mirror=False,
    turn=0,
    scale=(1, 1),
    shift=0,
    gamma=(1, 1),
    contrast=(1, 1),
    brightness=0,
    blur=0,
    noise=0,
)
"""No augmentation: the scan itself, resized as in serving."""


VIEWS = {"usual": Augmentation(), "wide": WIDE}
"""By the name that `python -m ml train --views` takes."""


def view(
    pixels: Gray, mask: Mask, size: int, rng: np.random.Generator, given: Augmentation
) -> tuple[Gray, Mask]:
    """A random view: uint8 (H, W) and float32 (H, W) in 0..1 -> the same, (size, size)."""
    if given == STILL:
        return resize(pixels, size), _small(mask, size)
    matrix = _geometry(pixels.shape, size, rng, given)
    seen = cv2.warpAffine(
        pixels, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    lesion = cv2.warpAffine(
        mask, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    return _grey_levels(np.asarray(seen, np.float32), rng, given), np.asarray(lesion, np.float32)


def _small(mask: Mask, size: int) -> Mask:
    return np.asarray(cv2.resize(mask, (size, size), interpolation=cv2.INTER_AREA), np.float32)


def _geometry(
    shape: tuple[int, ...], size: int, rng: np.random.Generator, given: Augmentation
) -> NDArray[np.float64]:
    """2 x 3 matrix from source pixels to view pixels, about the centres."""
    height, width = shape
    angle = np.deg2rad(rng.uniform(-given.turn, given.turn))
    scale_x, scale_y = rng.uniform(*given.scale, size=2)
    mirror = -1.0 if given.mirror and rng.random() < 0.5 else 1.0
    target = size / 2 + rng.uniform(-given.shift, given.shift, size=2) * size
    over = -1.0 if given.upside_down and rng.random() < 0.5 else 1.0
    lean = np.tan(np.deg2rad(rng.uniform(-given.shear, given.shear))) if given.shear else 0.0
    fit = np.diag([mirror * scale_x * size / width, over * scale_y * size / height])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1.0, lean], [0.0, 1.0]]) @ fit
    centre = np.array([width / 2, height / 2])
    return np.hstack([linear, (target - linear @ centre)[:, None]])


def _grey_levels(pixels: NDArray[np.float32], rng: np.random.Generator, given: Augmentation) -> Gray:
    grey: NDArray[np.floating] = 255.0 * (pixels / 255.0) ** rng.uniform(*given.gamma)
    brighter = rng.uniform(*given.contrast), rng.uniform(-given.brightness, given.brightness)
    grey = (grey - 128.0) * brighter[0] + 128.0 + brighter[1]
    if rng.random() < given.blur:
        grey = np.asarray(cv2.GaussianBlur(grey, (0, 0), rng.uniform(0.5, 1.2)), dtype=np.float64)
    if rng.random() < given.noise:
        grey = grey + rng.normal(0, rng.uniform(2, 10), grey.shape)
    return np.clip(grey, 0, 255).astype(np.uint8)
