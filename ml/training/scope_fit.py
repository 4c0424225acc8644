"""Fits the out-of-scope test of `ml/scope.py` on the training scans.

Only scans are used, no counterexamples: what is out of scope can't be listed beforehand. Beside each scan
stands a view of it as another machine or export might have shown it (gain, crop, mirror, compression), and
synthetic scans, so that a new scanner or the demo isn't taken for a foreign image.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml import checkpoint
from ml.card import Preprocessing, Scope
from ml.data import Sample, phantom
from ml.data.pixels import read_pixels
from ml.engine import Engine, create
from ml.errors import DataError
from ml.preprocess import to_input
from ml.scope import COLOUR_SHARE, Statistics
from ml.types import Gray

DIRECTIONS = 64
"""Principal directions kept, where there are that many."""

FLAGGED = 0.005
"""Share of the scans, each judged by statistics fitted without its patient, that lie above the threshold
before the margin."""

MARGIN = 1.25
"""The threshold is this many times that quantile: scans of other machines vary more than these. Photographs,
documents and other modalities lie at two to a hundred times the threshold."""

_FOLDS = 5
_BATCH = 32
PHANTOM_SEEDS = range(1000, 1010)
"""Apart from the seeds of the demo and the tests."""


def fit_scope(directory: Path, samples: Sequence[Sample]) -> Scope:
    """Write `scope.safetensors` beside the weights in `directory`; returns what the card keeps of it.

    Raises:
        DataError: fewer than five groups of samples.
        ImageError, CardError, WeightsMismatchError: as the reading of images and weights.
    """
    fold = _folds(samples)
    network, card = checkpoint.load(directory)
    engine = create(network, card.network, card.preprocessing.size)
    scans = _features(engine, (read_pixels(sample) for sample in samples), card.preprocessing)
    views = _features(engine, (_view(read_pixels(s), i) for i, s in enumerate(samples)), card.preprocessing)
    drawn = _features(engine, _phantoms(), card.preprocessing)
    held_out = _held_out_distances(scans, views, drawn, fold)
    threshold = MARGIN * float(np.quantile(held_out, 1 - FLAGGED))
    checksum = statistics(np.concatenate([scans, views, drawn])).save(directory)
    return Scope(threshold=threshold, colour_share=COLOUR_SHARE, checksum=checksum)


def statistics(features: NDArray[np.float32]) -> Statistics:
    """Probabilistic principal components (Tipping and Bishop 1999) of standardised features (N, F)."""
    values = features.astype(np.float64)
    centre, spread = values.mean(axis=0), values.std(axis=0)
    spread = np.maximum(spread, 0.01 * np.median(spread))  # a channel that is silent on scans, not endless
    standard = (values - centre) / spread
    ascending, vectors = np.linalg.eigh(standard.T @ standard / len(values))
    power, directions = ascending[::-1], vectors.T[::-1]
    kept = min(DIRECTIONS, min(standard.shape) // 2)
    rest = power[kept:].mean()
    parts = (centre, spread, directions[:kept], power[:kept], rest)
    # In rows, as they come back from the disk: the order of a sum, and so its last bit, follows the layout.
    return Statistics(*(np.array(part, dtype=np.float32, order="C") for part in parts))


def _folds(samples: Sequence[Sample]) -> NDArray[np.int64]:
    """Fold of each sample, (N,): a group lies in one fold."""
    names, index = np.unique([sample.group for sample in samples], return_inverse=True)
    if len(names) < _FOLDS:
        raise DataError(f"{len(names)} groups are too few to fit the scope test.", "Give more samples.")
    return np.asarray(np.random.default_rng(0).permutation(len(names))[index] % _FOLDS)


def _held_out_distances(
    scans: NDArray[np.float32],
    views: NDArray[np.float32],
    drawn: NDArray[np.float32],
    fold: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Distance of every scan from the others, its own fold left out of the fit: (N,)."""
    distances = np.empty(len(scans), np.float32)
    for number in range(_FOLDS):
        out = fold == number
        fitted = statistics(np.concatenate([scans[~out], views[~out], drawn]))
        distances[out] = fitted.distance(scans[out])
    return distances


def _features(engine: Engine, images: Iterable[Gray], spec: Preprocessing) -> NDArray[np.float32]:
    parts = [engine.run(to_input(some, spec)).features for some in _batches(images)]
    return np.concatenate(parts)


def _batches(images: Iterable[Gray]) -> Iterator[list[Gray]]:
    waiting = iter(images)
    while some := list(islice(waiting, _BATCH)):
        yield some


def _view(pixels: Gray, seed: int) -> Gray:
    """The scan with another gain, dynamic range and crop, perhaps mirrored, saved as JPEG."""
    rng = np.random.default_rng(seed)
    height, width = pixels.shape
    top, left = (int(rng.uniform(0, 0.1) * side) for side in (height, width))
    part = pixels[top : height - top, left : width - left]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    curve = 255 * (np.arange(256) / 255) ** rng.uniform(0.7, 1.4) * rng.uniform(0.8, 1.1)
    shown = cv2.LUT(np.ascontiguousarray(part), curve.clip(0, 255).astype(np.uint8))
    _, jpeg = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 96))])
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


@cache
def _phantoms() -> tuple[Gray, ...]:
    """Drawn once a process, a third of a second each: a study fits one test after the other."""
    return tuple(phantom.draw(kind, seed).pixels for seed in PHANTOM_SEEDS for kind in phantom.KINDS)
