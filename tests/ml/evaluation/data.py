"""Labels and scores to count on: random, with ties, reproducible."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

CLASSES = ("benign", "malignant", "normal")


def answers(seed: int = 0, n: int = 300, patients: int = 120, sharp: float = 1.0):
    """(labels (N,), logits (N, 3), patients (N,)): logits that know something of the labels."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, patients, n)
    labels = rng.integers(0, 3, patients)[owner]
    logits = rng.normal(size=(n, 3))
    logits[np.arange(n), labels] += 1.3
    return labels, sharp * logits, np.array([f"patient-{number:03d}" for number in owner])


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


@st.composite
def both_classes(draw):
    """(positive bool (N,), scores (N,) in 0..1 of few values, so that many tie); both classes are there."""
    rows = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=2, max_size=60))
    positive = np.array([row[0] for row in rows])
    positive[:2] = (True, False)
    return positive, np.array([row[1] / 12 for row in rows])


@st.composite
def logits_and_labels(draw):
    """(logits (N, C), labels (N,)): every class occurs."""
    classes, n = draw(st.integers(2, 4)), draw(st.integers(8, 50))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, n - classes)])
    logits = rng.normal(scale=draw(st.floats(0.01, 20)), size=(n, classes))
    return logits, labels
