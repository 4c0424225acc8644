"""What serving needs beyond weights: the scale of heatmaps and the out-of-scope test, measured on the
training images with the engine that serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ml import checkpoint, networks, preprocess
from ml.card import CamScale, ModelCard
from ml.data import Sample
from ml.engine import create
from ml.explain import grad_cam
from ml.training.dataset import read_pixels
from ml.training.scope_fit import fit_scope

STRONG = 95
"""Percentile of the peaks that counts as strength 1.0."""


def complete(directory: Path, samples: Sequence[Sample]) -> ModelCard:
    """Measure both, write them into the card in `directory`, and return it."""
    strong = measure_cam_scale(directory, samples)
    scope = fit_scope(directory, samples)
    card = ModelCard.load(directory)
    card = card.model_copy(update={"cam_scale": CamScale(strong=strong), "scope": scope})
    card.save(directory)
    return card


def measure_cam_scale(directory: Path, samples: Sequence[Sample]) -> float:
    """The raw Grad-CAM value of strong evidence: the 95th percentile, over the images, of the peak of the
    map of the class with the largest logit. In units of logit / (h w), > 0."""
    network, card = checkpoint.load(directory)
    engine = create(network, card.network, card.preprocessing.size)
    head = networks.split(network, card.network)[1]
    peaks = []
    for sample in samples:
        pixels = read_pixels(sample)
        outputs = engine.run(preprocess.to_input(pixels, card.preprocessing))
        top = int(outputs.logits[0].argmax())
        peaks.append(grad_cam(head, torch.from_numpy(outputs.activations), [top])[1].max().item())
    return max(float(np.percentile(peaks, STRONG)), float(np.finfo(np.float32).tiny))
