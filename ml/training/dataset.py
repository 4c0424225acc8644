"""Samples in memory, as torch data sets: decoded once, kept near the size that the network reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from ml import imaging
from ml.card import Preprocessing
from ml.data import Sample
from ml.data.pixels import lesion, read_pixels
from ml.preprocess import normalise, resize
from ml.training import augment
from ml.training.recipe import Recipe
from ml.types import Gray

Batch = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""images float32 (N, 3, S, S), labels int64 (N,), masks float32 (N, 1, S, S), mask known bool (N,),
BI-RADS grade int64 (N,): 0..3 for categories 2..5, `NO_GRADE` where there is none."""

NO_GRADE = -1
GRADES = 4

_Source = tuple[Gray, NDArray[np.float32] | None]
"""A scan and its lesion, in one size."""

_ROOM = 1.25
"""Pixels kept for training per input pixel and side, so that enlarging views lose no detail."""


def lesion_free_crops(samples: Sequence[Sample], share: float, seed: int) -> list[Sample]:
    """Parts of images beside the lesion, labelled normal: at most `share` of `len(samples)`.

    `normal` exists in BUSI only; without these a network could learn the scanner instead of the
    tissue. A part is taken left or right of the mask, over the whole depth, where it is at least 40%
    of the width.
    """
    crops = [
        crop for sample in samples if sample.dataset != "busi" and sample.masks for crop in _beside(sample)
    ]
    chosen = np.random.default_rng(seed).permutation(len(crops))[: int(share * len(samples))]
    return [crops[int(index)] for index in sorted(chosen)]


def _beside(sample: Sample) -> list[Sample]:
    columns = np.flatnonzero(lesion(sample).any(axis=0))
    height, width = imaging.decode(sample.path.read_bytes()).pixels.shape
    if not len(columns):
        return []
    spans = ((0, int(columns[0]) - 4), (int(columns[-1]) + 5, width))
    return [
        replace(sample, label="normal", masks=(), birads=None, crop=(x0, 0, x1, height))
        for x0, x1 in spans
        if x1 - x0 >= 0.4 * width
    ]


class Views(Dataset[Batch]):
    """Random views for training, without end: number i is view i // n of image i % n, n their number.

    The view depends on seed, member and i alone, so a resumed run and any number of loader processes see
    the same images as an uninterrupted one.
    """

    def __init__(self, samples: Sequence[Sample], recipe: Recipe) -> None:
        self.recipe = recipe
        self.labels = [recipe.classes.index(sample.label) for sample in samples]
        self.grades = [NO_GRADE if sample.birads is None else sample.birads - 2 for sample in samples]
        sizes = {recipe.side(epoch) for epoch in range(recipe.epochs)}
        self.sources: dict[int, list[_Source]] = {size: [] for size in sizes}
        for sample in samples:
            pixels, drawn = read_pixels(sample), _drawn(sample)
            for size, sources in self.sources.items():
                side = round(size * _ROOM)
                mask = None if drawn is None else _resized(drawn, side)
                sources.append((resize(pixels, side), mask))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, number: int) -> Batch:
        epoch, index = divmod(number, len(self))
        size = self.recipe.side(epoch)
        rng = np.random.default_rng((self.recipe.seed + self.recipe.member, epoch, index))
        pixels, mask = self.sources[size][index]
        blank = np.zeros(pixels.shape, dtype=np.float32)
        seen, lesion = augment.view(
            pixels, blank if mask is None else mask, size, rng, self.recipe.augmentation
        )
        return (
            torch.from_numpy(normalise(seen[None], preprocessing(self.recipe, size))[0]),
            torch.tensor(self.labels[index]),
            torch.from_numpy(lesion)[None],
            torch.tensor(mask is not None),
            torch.tensor(self.grades[index]),
        )


def preprocessing(recipe: Recipe, size: int | None = None) -> Preprocessing:
    """What the recipe says of images, for serving or for another size."""
    return Preprocessing(scaling=recipe.scaling, size=size or recipe.size, mean=recipe.mean, std=recipe.std)


def _drawn(sample: Sample) -> NDArray[np.float32] | None:
    """float32 (H, W) in 0..1; zeros of any size where there is certainly no lesion; None where nothing is
    known."""
    if sample.masks:
        return lesion(sample).astype(np.float32)
    return np.zeros((1, 1), dtype=np.float32) if sample.label == "normal" else None


def _resized(mask: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(mask, (side, side), interpolation=cv2.INTER_AREA), dtype=np.float32)


class Plain(Dataset[tuple[Tensor, Tensor]]):
    """Images as serving sees them: (float32 (3, S, S), label int64)."""

    def __init__(self, samples: Sequence[Sample], classes: Sequence[str], spec: Preprocessing) -> None:
        self.squares = np.stack([resize(read_pixels(sample), spec.size) for sample in samples])
        self.labels = [classes.index(sample.label) for sample in samples]
        self.spec = spec

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image = torch.from_numpy(normalise(self.squares[index][None], self.spec)[0])
        return image, torch.tensor(self.labels[index])
