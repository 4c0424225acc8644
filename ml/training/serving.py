"""What serving needs beyond weights: the scale of heatmaps and the out-of-scope test, measured on the
training images with the engine that serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from torch import nn

from ml import checkpoint
from ml.card import CamScale, ModelCard, Preprocessing
from ml.data import Sample
from ml.data.pixels import read_pixels
from ml.engine import create
from ml.preprocess import to_input
from ml.training.scope_fit import fit_scope

STRONG = 50
"""Percentile of the peaks that counts as strength 1.0: that of a typical map of the class that is answered. A
large lesion's evidence is spread over more cells than a small one's, and would look faint beside its peak."""


def complete(directory: Path, samples: Sequence[Sample]) -> ModelCard:
    """Measure both, write them into the card in `directory`, and return it."""
    network, card = checkpoint.load(directory)
    strong = measure_cam_scale(network, card.network, card.preprocessing, samples)
    scope = fit_scope(directory, samples)
    card = card.model_copy(update={"cam_scale": CamScale(strong=strong), "scope": scope})
    card.save(directory)
    return card


def measure_cam_scale(network: nn.Module, name: str, spec: Preprocessing, samples: Sequence[Sample]) -> float:
    """The raw Grad-CAM value of strong evidence: the median, over the images, of the peak of the
    map of the class with the largest logit. In units of logit / (h w), > 0."""
    engine = create(network, name, spec.size)
    peaks = []
    for sample in samples:
        outputs = engine.run(to_input([read_pixels(sample)], spec))
        peaks.append(float(outputs.maps[0, int(outputs.logits[0].argmax())].max()))
    return max(float(np.percentile(peaks, STRONG)), float(np.finfo(np.float32).tiny))
