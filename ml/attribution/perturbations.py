"""Methods that take parts of the image away and look at the logit, by Captum. What is taken away is grey.

Captum is imported when it is asked for: it takes a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ml.attribution.method import Map
from ml.attribution.squares import GRID, grey, numbered

SAMPLES = 4 * GRID**2
"""Passes through the network for one map: four for each weight that is estimated."""

_BATCH = 32
_OCCLUDED = 5
_WIDTH = 0.25
_RIDGE = 1.0


def occlusion(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """Occlusion (Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2) by a square of a fifth of the side,
    slid by half of it: float32 (S, S), the fall of the logit, averaged over the squares on a pixel."""
    from captum.attr import Occlusion

    side = max(1, image.shape[-1] // _OCCLUDED)
    given = Occlusion(network).attribute(
        image,
        sliding_window_shapes=(image.shape[1], side, side),
        strides=(image.shape[1], max(1, side // 2), max(1, side // 2)),
        baselines=grey(image),
        target=label,
        perturbations_per_eval=_BATCH,
    )
    return np.asarray(given[0, 0].detach().clamp_min(0).float().numpy())


def lime(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """LIME (Ribeiro et al. 2016, arXiv 1602.04938) with squares for superpixels: float32 (7, 7), the weights
    of a ridge regression (1) over 196 samples.

    As in the authors' code for images, each square is kept with probability one half, and a sample counts by
    exp(-d^2 / 0.25^2), d its cosine distance to the whole image, the root of it.
    """
    from captum._utils.models.linear_model import SkLearnRidge
    from captum.attr import Lime

    method = Lime(network, interpretable_model=SkLearnRidge(alpha=_RIDGE), similarity_func=_nearness)
    return _regressed(method, image, label, seed)


def kernel_shap(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """KernelSHAP (Lundberg and Lee 2017, arXiv 1705.07874, theorem 2) with squares for superpixels: float32
    (7, 7), Shapley values estimated from 196 samples."""
    from captum.attr import KernelShap

    return _regressed(KernelShap(network), image, label, seed)


def _regressed(method: Any, image: Tensor, label: int, seed: int) -> Map:
    with _seeded(seed):
        weights = method.attribute(
            image,
            baselines=grey(image),
            target=label,
            feature_mask=numbered(image.shape[-1]),
            n_samples=SAMPLES,
            perturbations_per_eval=_BATCH,
            return_input_shape=False,
        )
    return np.asarray(weights.reshape(GRID, GRID).clamp_min(0).float().numpy())


def _nearness(original: Tensor, changed: Tensor, kept: Tensor, **_: object) -> Tensor:
    """`kept`: 0 or 1, (1, squares). Its cosine with all kept is the root of the share that is kept."""
    distance = 1 - kept.float().mean().sqrt()
    return torch.exp(-(distance**2) / _WIDTH**2).sqrt()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Captum draws from torch's global generator, which is afterwards as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
