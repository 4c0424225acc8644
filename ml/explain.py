"""Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391): where in the image the evidence for a class is.

    alpha_k^c = mean over positions of dy^c / dA^k        (equation 1)
    L^c       = ReLU(sum over k of alpha_k^c A^k)         (equation 2)

Only the head, the part of the network behind the target layer, is differentiated: its input A is the
leaf of a graph of its own. No hook is set, no parameter collects a gradient and no mode changes, so
one network may be explained from many threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn


def grad_cam(
    head: nn.Module, activations: Tensor, classes: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Logits and the raw Grad-CAM maps of some or all classes.

    `head` maps activations to logits, each row by itself (evaluation mode: batch statistics would mix
    the rows). `activations` is A, float32 (N, K, h, w). `classes` are the class indices wanted, all
    classes where None. Works the same inside `torch.no_grad` and `torch.inference_mode`.

    Returns logits float32 (N, C) and maps float32 (N, len(classes), h, w), >= 0, in units of logit
    times 1 / (h w): not scaled to their own maximum, so that no evidence stays zero.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = activations.detach().clone().requires_grad_()  # a tensor of inference mode can't be a leaf
        logits: Tensor = head(leaf)
        wanted = range(logits.shape[1]) if classes is None else classes
        weights = _weights(logits, leaf, wanted)
    return logits.detach(), _combine(weights, leaf.detach())


def _weights(logits: Tensor, leaf: Tensor, classes: Sequence[int]) -> Tensor:
    """Equation 1: alpha (N, C, K). `torch.autograd.grad` hands the gradients back and stores none."""
    rows = logits.sum(dim=0)  # a row's logit depends on that row alone, so one backward pass serves all rows
    slopes = [torch.autograd.grad(rows[c], leaf, retain_graph=True)[0].mean(dim=(2, 3)) for c in classes]
    return torch.stack(slopes, dim=1)


def _combine(weights: Tensor, activations: Tensor) -> Tensor:
    """Equation 2: maps (N, C, h, w). Summed by numpy in float64, on one thread: so small a product only
    waits for other threads, and the order of summation would depend on their number."""
    alpha, maps = (tensor.cpu().numpy().astype(np.float64) for tensor in (weights, activations))
    sums = np.einsum("nck,nkij->ncij", alpha, maps)
    return torch.from_numpy(sums.clip(min=0).astype(np.float32)).to(activations.device)
