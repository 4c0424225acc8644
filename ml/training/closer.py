"""What a second look learns from: squares about the lesions that the first look has drawn.

The first look has learned from the same scans, and draws a little better here than on others. So the square
is taken as it draws it, never from a mask, and the views differ more in place and scale (`recipes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ml import networks
from ml.data import Sample
from ml.data.pixels import lesion, read_pixels
from ml.networks.second_look import FIRST, drawing, lesion_square, patch_side
from ml.preprocess import to_input
from ml.training.dataset import preprocessing
from ml.training.recipe import Recipe

_SQUARES = (0.3, 0.64)
"""Sides of lesion-free squares, as shares of the image's: about those of lesions."""

_TRIES = 20


def recipes(recipe: Recipe) -> list[Recipe]:
    """Those of the members, in their order, of what is said for all of them."""
    named = enumerate(networks.spec(recipe.network).members)
    return [(_whole if name == FIRST else _near)(recipe, name, member) for member, name in named]


def _whole(recipe: Recipe, name: str, member: int) -> Recipe:
    growth = tuple((side // 2, epochs) for side, epochs in recipe.growth)
    changed = {"network": name, "member": member, "size": recipe.size // 2, "growth": growth}
    return recipe.model_copy(update=changed)


def _near(recipe: Recipe, name: str, member: int) -> Recipe:
    return recipe.model_copy(
        update={
            "network": name,
            "member": member,
            "size": patch_side(recipe.size),
            "growth": tuple((patch_side(side), epochs) for side, epochs in recipe.growth),
            "augmentation": recipe.augmentation.model_copy(update={"scale": (0.75, 1.3), "shift": 0.12}),
            "lesion_free_share": 0.0,  # `lesion_free` takes the place of crops of whole scans
            "mask_weight": recipe.mask_weight / 2,  # it is told where to look, and need not find it
        }
    )


def squares(network: nn.Module, recipe: Recipe, samples: Sequence[Sample]) -> list[Sample]:
    """The part of each scan that a first look, trained by `recipe`, would have enlarged."""
    spec = preprocessing(recipe)
    trunk, _ = networks.split(network.eval(), recipe.network)
    found = []
    for start in range(0, len(samples), 64):
        part = samples[start : start + 64]
        images = [read_pixels(sample) for sample in part]
        batch = to_input(images, spec)
        with torch.inference_mode():
            at = lesion_square(drawing(trunk(torch.from_numpy(batch)))).numpy()
        found += [_cut(s, i.shape, square) for s, i, square in zip(part, images, at, strict=True)]
    return found


def lesion_free(samples: Sequence[Sample], share: float, seed: int) -> list[Sample]:
    """Squares beside the lesion, labelled normal: at most `share` of `len(samples)`, one a scan. Why:
    `ml.training.dataset.lesion_free_crops`."""
    rng = np.random.default_rng(seed)
    drawn = [sample for sample in samples if sample.dataset != "busi" and sample.masks]
    found: list[Sample] = []
    for index in rng.permutation(len(drawn)):
        if len(found) >= int(share * len(samples)):
            break
        inside = lesion(drawn[int(index)])
        square = _beside(inside, rng)
        if square is not None:
            normal = replace(drawn[int(index)], label="normal", masks=(), birads=None)
            found.append(_cut(normal, inside.shape, square))
    return found


def _beside(inside: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64] | None:
    """Left, top, right and bottom, as shares; None where every try meets the lesion."""
    for _ in range(_TRIES):
        half = rng.uniform(*_SQUARES) / 2
        centre = rng.uniform(0.8 * half, 1 - 0.8 * half, size=2)
        square = np.concatenate([centre - half, centre + half]).clip(0, 1)
        x0, y0, x1, y1 = _pixels(square, inside.shape)
        if not inside[y0:y1, x0:x1].any():
            return square
    return None


def _cut(sample: Sample, shape: tuple[int, ...], square: NDArray[np.floating]) -> Sample:
    x0, y0, x1, y1 = _pixels(square, shape)
    left, top = sample.crop[:2] if sample.crop else (0, 0)
    return replace(sample, crop=(left + x0, top + y0, left + x1, top + y1))


def _pixels(square: NDArray[np.floating], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Shares of the sides -> pixels, at least one each way."""
    height, width = shape[:2]
    x0, y0 = min(int(square[0] * width), width - 1), min(int(square[1] * height), height - 1)
    return x0, y0, max(x0 + 1, round(square[2] * width)), max(y0 + 1, round(square[3] * height))
