"""What a trained generator is worth: copies of training images among its pictures, copies of each other, and
their kernel distance from the training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from ml import checkpoint, networks
from ml.data.likeness import descriptor, grouped
from ml.evaluation.kernel_distance import Features, KernelDistance, kernel_distance
from ml.preprocess import to_input

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Worth:
    """`near_copies`: indices of pictures that are near copies of a training image (`ml.data.likeness`), or of
    a picture that is one. `repeats`: how many others are near copies of an earlier picture: many where the
    generator knows but a few. `distance` of pictures and training images; `of_halves`, of two halves of the
    training images, says what is no distance at all."""

    near_copies: tuple[int, ...]
    repeats: int
    distance: KernelDistance
    of_halves: KernelDistance
    features_of: str


def judge(pictures: NDArray[np.uint8], training: NDArray[np.uint8], network: Path) -> Worth:
    """Of pictures uint8 (N, S, S) from a generator trained on images uint8 (M, S, S), in the features of the
    network in the folder `network`: the means over positions of its target layer.

    Raises:
        CardError, WeightsUnavailableError, WeightsMismatchError: see `ml.checkpoint.load`.
        EvaluationError: fewer than four pictures or eight training images.
    """
    copied, repeated = copies(pictures, training)
    distance, of_halves, name = distances(pictures, training, network)
    return Worth(
        near_copies=tuple(np.flatnonzero(copied).tolist()),
        repeats=int(repeated.sum()),
        distance=distance,
        of_halves=of_halves,
        features_of=name,
    )


def copies(
    pictures: NDArray[np.uint8], training: NDArray[np.uint8]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pictures are near copies of a training image, or of a picture that is one; which of the others
    are near copies of an earlier picture."""
    first_alike = np.array(grouped([descriptor(image) for image in (*training, *pictures)]))[len(training) :]
    copied = first_alike < len(training)
    return copied, (first_alike < len(training) + np.arange(len(pictures))) & ~copied


def distances(
    pictures: NDArray[np.uint8], training: NDArray[np.uint8], network: Path
) -> tuple[KernelDistance, KernelDistance, str]:
    """Of pictures and training images; of two halves of the training images; whose features these are.

    Raises:
        as `judge`.
    """
    name, (seen, known) = _features((pictures, training), network)
    halves = np.random.default_rng(0).permutation(len(known))
    return (
        kernel_distance(seen, known),
        kernel_distance(known[halves[::2]], known[halves[1::2]]),
        name,
    )


def _features(sets: Sequence[NDArray[np.uint8]], folder: Path) -> tuple[str, list[Features]]:
    network, card = checkpoint.load(folder)
    spec = card.preprocessing
    trunk, _ = networks.split(network, card.network)

    def of(images: NDArray[np.uint8]) -> Features:
        with torch.inference_mode():
            parts = [
                trunk(torch.from_numpy(to_input(list(images[start : start + _BATCH]), spec))).mean(dim=(2, 3))
                for start in range(0, len(images), _BATCH)
            ]
        return torch.cat(parts).numpy().astype(np.float64)

    return f"{card.name} {card.version}", [of(images) for images in sets]


def sheet(rows: Sequence[NDArray[np.uint8]]) -> bytes:
    """PNG of pictures uint8 (N, S, S) a row, a white line of two pixels between."""
    framed = [np.pad(row, ((0, 0), (0, 2), (0, 2)), constant_values=255) for row in rows]
    whole = np.concatenate([np.concatenate(list(row), axis=1) for row in framed])
    return bytes(cv2.imencode(".png", whole)[1])
