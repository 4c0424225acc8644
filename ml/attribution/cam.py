"""The class activation maps: sums of the target layer's channels A^k, weighted by the slopes dS^c / dA^k.

Each differs in one step, how slopes become weights. Only the head behind the target layer is differentiated
(`ml.explain`): no hook is set. A committee's branches lie side by side in A and need nothing of their own;
channels that are no map take no part.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ml import explain, networks
from ml.attribution.method import Map


def grad_cam(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """Grad-CAM (Selvaraju et al. 2017), see `ml.explain`: a channel's weight is its mean slope."""
    body, head = networks.split(network, name)
    with torch.no_grad():
        maps = explain.grad_cam(head, body(image), [label])[1]
    return np.asarray(maps[0, 0].numpy())


def grad_cam_plus_plus(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """Grad-CAM++ (Chattopadhay et al. 2018, arXiv 1710.11063, equation 19), for Y^c = exp(S^c):

        alpha_ij^kc = g^2 / (2 g^2 + g^3 sum_ab A_ab^k),  g = dS^c / dA_ij^k
        w_k^c       = sum_ij alpha_ij^kc ReLU(g)
        L^c         = ReLU(sum_k w_k^c A^k)

    Equation 19 takes S^c for piecewise linear in A. Left out is the factor exp(S^c) of dY^c / dA, one number
    for the whole map. The formula wants A >= 0, as behind a ReLU; where a channel sums to less than nothing,
    its sum counts as 0, or alpha could be infinite.
    """
    activations, slope = _parts(network, name, image, label)
    total = activations.sum(dim=(1, 2), keepdim=True).clamp_min(0)  # (K, 1, 1)
    rising = slope.clamp_min(0)
    alpha = 1 / (2 + rising * total)  # equation 19 divided by g^2, which counts where g > 0 alone
    weights = (alpha * rising).sum(dim=(1, 2), keepdim=True)
    return _positive(weights * activations)


def layer_cam(network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
    """LayerCAM (Jiang et al. 2021, IEEE TIP 30:5875): each position has a weight of its own, ReLU(g).

    L^c = ReLU(sum_k ReLU(dS^c / dA_ij^k) A_ij^k)
    """
    activations, slope = _parts(network, name, image, label)
    return _positive(slope.clamp_min(0) * activations)


def _parts(network: nn.Module, name: str, image: Tensor, label: int) -> tuple[Tensor, Tensor]:
    """A and dS^c / dA of one image, float64 (K, h, w) each, without the channels that are no map."""
    body, head = networks.split(network, name)
    with torch.no_grad():
        activations = body(image)
        slope = explain.slopes(head, activations, [label])[1]
    k = explain.map_channels(head, activations.shape[1])
    return activations[0, :k].double(), slope[0, 0, :k].double()


def _positive(weighted: Tensor) -> Map:
    return np.asarray(weighted.sum(dim=0).clamp_min(0).float().numpy())
