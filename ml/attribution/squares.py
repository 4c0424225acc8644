"""Superpixels: equal squares. Speckle has no edges for a segmentation to follow, and squares are the same in
every image."""

from __future__ import annotations

import torch
from torch import Tensor

GRID = 7
"""Squares a side: 49 of 23 px at 160 px. Twice as many would take four times the samples."""


def numbered(side: int) -> Tensor:
    """int64 (1, 1, S, S): the number 0..48 of the square that a pixel lies in, by rows."""
    row = torch.arange(side) * GRID // side
    return (row[:, None] * GRID + row)[None, None]


def grey(image: Tensor) -> float:
    """What stands where evidence is taken away: the mean of the image.

    Black would be an object: cysts are black, and a black pixel could never be evidence.
    """
    return float(image.mean())
