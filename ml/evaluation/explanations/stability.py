"""Does the map move along when the image is shifted a little?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ml.evaluation.explanations.likeness import likeness
from ml.evidence import enlarge

SHIFT = 0.05
"""Share of the side: 8 px of 160, half a cell of the shipped network's map."""

Draw = Callable[[Tensor], NDArray[np.float32]]
"""Image float32 (1, 3, S, S) -> its map (h, w)."""


def stability(draw: Draw, image: Tensor, unshifted: NDArray[np.float32]) -> float:
    """Mean likeness, -1..1, of a map and those of the image shifted up, down, left and right, shifted back.

    `unshifted` is the map of `image` itself. Maps are compared as shown, enlarged to the input's size, where
    both have seen the same pixels. What a shift brings in at the edge repeats the edge.
    """
    side = image.shape[-1]
    by = max(1, round(SHIFT * side))
    still = enlarge(unshifted, side, side)
    found = []
    for down, right in ((-by, 0), (by, 0), (0, -by), (0, by)):
        moved = enlarge(draw(shifted(image, down, right)), side, side)
        found.append(likeness(_inner(still, -down, -right), _inner(moved, down, right)))
    return float(np.mean(found))


def shifted(image: Tensor, down: int, right: int) -> Tensor:
    """float32 (1, 3, S, S), every pixel `down` rows lower and `right` columns further right."""
    side = image.shape[-1]
    rows = (torch.arange(side) - down).clamp(0, side - 1)
    columns = (torch.arange(side) - right).clamp(0, side - 1)
    return image[:, :, rows][:, :, :, columns].contiguous()


def _inner(values: NDArray[np.float32], down: int, right: int) -> NDArray[np.float32]:
    """Without the first `down` rows and `right` columns, or, below 0, without the last ones."""
    rows = slice(down, None) if down >= 0 else slice(None, down)
    columns = slice(right, None) if right >= 0 else slice(None, right)
    return values[rows, columns]
