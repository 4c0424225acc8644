"""How alike two maps are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


def likeness(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Spearman's rank correlation, -1..1, of two maps (h, w) of one shape, ties ranked by their mean.

    Ranks, as Adebayo et al. 2018 (arXiv 1810.03292) compare maps: which place is hotter than which is what a
    reader sees, a common scale is not, and a single hot cell doesn't decide. A map without any difference
    has no ranks: two of them say the same, 1; one of them says nothing of the other, 0.

    Raises:
        ValueError: the shapes differ.
    """
    if first.shape != second.shape:
        raise ValueError(f"maps of {first.shape} and {second.shape} can't be compared")
    flat = [bool(np.ptp(each) == 0) for each in (first, second)]
    if any(flat):
        return float(all(flat))
    ranks = [rankdata(each, axis=None) for each in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
