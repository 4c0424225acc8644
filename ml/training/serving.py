"""What serving needs beyond weights: the scale of heatmaps and the out-of-scope test, measured on the
training images with the engine that serves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml.card import ModelCard
from ml.data import Sample


def complete(directory: Path, samples: Sequence[Sample]) -> ModelCard:
    """Measure both, write them into the card in `directory`, and return it."""
    raise NotImplementedError
