"""Whole runs: one split, or cross-validation and the network that ships; cards, figures and manifests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ml import checkpoint, networks
from ml.card import Calibration, CamScale, Metrics, ModelCard, OperatingPoint
from ml.data import Sample, fingerprint, splits
from ml.evaluation import calibration, metrics, plots, table
from ml.training.fit import fit, history, logits, preprocessing
from ml.training.recipe import Recipe

SENSITIVITY = 0.93
"""Where the operating point is put: what the sonographers of BUS-BRA reach with BI-RADS 4 and 5."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one `python -m ml train` was asked for. `command` is written into the card as typed."""

    recipe: Recipe
    init: str
    samples: tuple[Sample, ...]
    out: Path
    command: str
    folds: int = 4


@dataclass(frozen=True, slots=True)
class Held:
    """Logits of images that the network which gave them had not seen: float32 (N, C)."""

    samples: tuple[Sample, ...]
    logits: NDArray[np.float32]
    folds: NDArray[np.int64]
