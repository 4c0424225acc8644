"""Attention rollout, for networks with a transformer in them."""

from __future__ import annotations

from typing import cast

import numpy as np
from torch import Tensor, nn

from ml.attribution.method import Map
from ml.networks import vit


def attention_rollout(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """What each patch gave to the class token (Abnar and Zuidema 2020, arXiv 2005.00928, equation 1): float32
    (h, w), a cell a patch. It doesn't ask for a class: the map is the same for each."""
    shares = vit.attention_rollout(cast(vit.Transformer, network), image)[0]
    return np.asarray(shares.float().cpu().numpy())


def has_attention(network: nn.Module) -> bool:
    """Whether there is a transformer to roll out."""
    return hasattr(network, "transformer")
