"""Integrated gradients, by Captum, which is imported when it is asked for: it takes a second."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from ml.attribution.method import Map
from ml.attribution.squares import GRID, grey

_STEPS = 32
_BATCH = 16


def integrated_gradients(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365, equation 1) from the image's mean
    grey, 32 steps of a Gauss-Legendre sum: float32 (14, 14).

    The attributions of pixels sum to the change of the logit (their proposition 1), so those of an area are
    its attribution. Single pixels are mostly noise: they are averaged over squares before what speaks against
    the class is cut off.
    """
    from captum.attr import IntegratedGradients

    given = IntegratedGradients(network).attribute(
        image, baselines=grey(image), target=label, n_steps=_STEPS, internal_batch_size=_BATCH
    )
    squares = functional.adaptive_avg_pool2d(given.detach().sum(dim=1), 2 * GRID)[0]
    return np.asarray(squares.clamp_min(0).float().numpy())
