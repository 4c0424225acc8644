"""Kernel distance of two sets of images in the features of a network: KID (Binkowski et al. 2018, arXiv
1801.01401, section 4), the unbiased squared maximum mean discrepancy under the kernel (x.y / F + 1)^3.

Unlike the Frechet distance it has no bias from small sets, and ours are small. Its unit is that of the
features: compare figures of one network only, and with what two halves of the real images give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.errors import EvaluationError

Features = NDArray[np.float64]

SUBSETS = 100
LARGEST = 1000
"""Rows of a subset at most, as in the paper; half of the smaller set where there are less."""


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """Mean and standard deviation over the subsets; about 0, and now and then below, where the sets agree."""

    mean: float
    deviation: float


def kernel_distance(first: Features, second: Features, seed: int = 0) -> KernelDistance:
    """Of features (N, F) and (M, F), over random subsets of equal size.

    Raises:
        EvaluationError: fewer than four rows on a side, or widths that differ.
    """
    if min(len(first), len(second)) < 4 or first.shape[1] != second.shape[1]:
        raise EvaluationError(
            f"There is no kernel distance of features {first.shape} and {second.shape}.",
            "Give four images or more on each side, through the same network.",
        )
    rng = np.random.default_rng(seed)
    rows = min(LARGEST, min(len(first), len(second)) // 2)
    values = [
        discrepancy(*(each[rng.choice(len(each), rows, replace=False)] for each in (first, second)))
        for _ in range(SUBSETS)
    ]
    return KernelDistance(float(np.mean(values)), float(np.std(values)))


def discrepancy(x: Features, y: Features) -> float:
    """Squared maximum mean discrepancy of (n, F) and (m, F), unbiased (Gretton et al. 2012, equation 3)."""
    within = sum(_apart(_kernel(each, each)) for each in (x, y))
    return float(within - 2 * _kernel(x, y).mean())


def _kernel(x: Features, y: Features) -> Features:
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


def _apart(kernel: Features) -> float:
    """Mean over pairs of different rows."""
    n = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (n * (n - 1)))
