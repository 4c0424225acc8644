"""Logits -> probabilities that mean what they say, by the calibration on the card."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.card import Calibration


def probabilities(logits: NDArray[np.floating], calibration: Calibration) -> NDArray[np.float64]:
    """softmax(logits / temperature + bias), Guo et al. 2017 (arXiv 1706.04599) section 4.2 with a bias.

    `logits` is (N, C) in the card's class order; the answer is float64 (N, C), rows summing to 1.
    """
    scores = np.asarray(logits, dtype=np.float64) / calibration.temperature + np.asarray(calibration.bias)
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))  # no overflow for any finite logit
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))
