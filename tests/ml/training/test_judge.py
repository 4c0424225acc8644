"""How much each held-out image counts in calibration."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.data import Sample
from ml.training.judge import COMPLETE, Held


def held(**labels: list[str]) -> Held:
    """Images by data set and label; logits of zero."""
    samples = [
        Sample(Path(f"{name}-{i}.png"), label, f"{name}:{i}", f"{name}:{i}", name, ())
        for name, given in labels.items()
        for i, label in enumerate(given)
    ]
    return Held(tuple(samples), np.zeros((len(samples), 3), np.float32), np.zeros(len(samples), np.int64))


def shares(found: Held) -> dict[str, float]:
    total = found.weights.sum()
    return {name: float(found.weights[found.of(name)].sum() / total) for name in found.datasets}


def test_a_data_set_counts_the_same_however_many_images_it_has():
    found = held(a=["benign", "malignant"] * 5, b=["benign", "malignant"])
    assert shares(found) == pytest.approx({"a": 0.5, "b": 0.5})


def test_a_data_set_that_lacks_a_class_counts_less():
    found = held(a=["benign", "malignant"] * 5, b=["benign", "malignant", "normal"])
    assert shares(found) == pytest.approx({"a": 1 / (1 + COMPLETE), "b": COMPLETE / (1 + COMPLETE)})
