"""Does a heatmap point at the lesion? Hottest point and share of energy inside a drawn mask.

The first is the pointing game of Zhang et al. 2018 (IJCV 126:1084, section 4.1) without its margin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evidence import enlarge


@dataclass(frozen=True, slots=True)
class Pointing:
    """Of one map and one mask. `hit`: the hottest point lies inside the lesion. `inside`: share of the map's
    energy there, 0..1. `chance`: the lesion's share of the area, 0..1, which a map that knows nothing reaches
    in both on average."""

    hit: bool
    inside: float
    chance: float


def pointing(values: NDArray[np.float32], lesion: NDArray[np.bool_]) -> Pointing:
    """`values`: float32 (h, w), >= 0, on any grid over the whole image; `lesion`: bool (H, W), not empty.

    The map is enlarged to the mask as the overlay shows it. A map of no evidence points at nothing: no hit,
    nothing inside.

    Raises:
        ValueError: the mask marks nothing.
    """
    if not lesion.any():
        raise ValueError("the mask marks no lesion")
    chance = float(lesion.mean())
    fine = enlarge(np.asarray(values, dtype=np.float32), *lesion.shape).astype(np.float64)
    total = float(fine.sum())
    if total <= 0:
        return Pointing(False, 0.0, chance)
    return Pointing(bool(lesion.flat[int(fine.argmax())]), float(fine[lesion].sum() / total), chance)
