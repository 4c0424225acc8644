"""Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391): where in the image the evidence for a class is.

    alpha_k^c = mean over positions of dy^c / dA^k        (equation 1)
    L^c       = ReLU(sum over k of alpha_k^c A^k)         (equation 2)

Only the head, the part of the network behind the target layer, is differentiated: its input A is the
leaf of a graph of its own. No hook is set, no parameter collects a gradient and no mode is left changed,
so one network may be explained from many threads at once. Channels of A that are no map (`Head.context` of
`ml.networks`) take no part in equation 2. `grad_cam` differentiates for each image;
`GradCam`, for serving, takes a slope that is the same for every image once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController
from torch import Tensor, nn

from ml.networks import Head

_AFFINE = (nn.AdaptiveAvgPool2d, nn.Flatten, nn.Linear, nn.Identity, nn.Dropout)
"""Layers that, in evaluation mode, compute a sum of their inputs with fixed weights."""


class GradCam:
    """The maps of all classes of one network, for serving. Safe to call from many threads.

    Behind the target layer of a ResNet come a mean and one linear layer: the slope of such a head, and
    with it alpha, doesn't depend on the image. It is taken by differentiating once; any other head is
    differentiated for each image.
    """

    def __init__(self, head: nn.Module) -> None:
        """`head` as in `grad_cam`, its weights as they stay."""
        self._head = head
        self._device = next(head.parameters()).device
        layers = [layer for layer in head.modules() if not isinstance(layer, nn.Sequential)]
        self._affine = all(isinstance(layer, _AFFINE) for layer in layers)  # so no context either
        self._alpha: dict[tuple[int, ...], NDArray[np.float64]] = {}

    def __call__(self, activations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Raw maps float32 (N, C, h, w) as `grad_cam` gives them, of A, float32 (N, K, h, w)."""
        _, *shape = activations.shape
        alpha = self.weights(tuple(shape))
        if alpha is None:
            leaf = torch.from_numpy(activations).to(self._device)
            return np.asarray(grad_cam(self._head, leaf)[1].cpu().numpy())
        return _combine(np.repeat(alpha[None], len(activations), axis=0), activations)

    def weights(self, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
        """alpha, float64 (C, K), of any A of `shape` (K, h, w); None where each image has its own."""
        if not self._affine:
            return None
        if shape not in self._alpha:
            with torch.inference_mode(False), _one_thread():
                zeros = torch.zeros(1, *shape, device=self._device)
                self._alpha[shape] = _differentiate(self._head, zeros)[1][0]
        return self._alpha[shape]


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
    with torch.inference_mode(False), torch.no_grad(), _one_thread():
        logits, alpha = _differentiate(head, activations, classes)
    k = map_channels(head, activations.shape[1])
    maps = torch.from_numpy(_combine(alpha[:, :, :k], activations[:, :k].detach().cpu().numpy()))
    return logits, maps.to(activations.device)


def _differentiate(
    head: nn.Module, activations: Tensor, classes: Sequence[int] | None = None
) -> tuple[Tensor, NDArray[np.float64]]:
    """Logits and equation 1: alpha (N, C, K)."""
    logits, slope = slopes(head, activations, classes)
    return logits, slope.mean(dim=(3, 4)).cpu().numpy().astype(np.float64)


def slopes(
    head: nn.Module, activations: Tensor, classes: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Logits (N, all classes) and dy^c / dA, float32 (N, C, K, h, w), from one backward pass over a copy of A
    for each class. Arguments as in `grad_cam`.

    `torch.autograd.grad` hands the gradient back and stores none.
    """
    if classes is None:
        with torch.no_grad():
            classes = range(head(activations[:1]).shape[1])
    n = len(activations)
    with torch.enable_grad():
        leaf = activations.detach().repeat_interleave(len(classes), dim=0).requires_grad_()
        scores = head(leaf)  # (N C, all classes): row i depends on copy i alone
    chosen = torch.eye(scores.shape[1], dtype=scores.dtype, device=scores.device)[list(classes)].repeat(n, 1)
    slope = torch.autograd.grad(scores, leaf, chosen)[0]
    return scores.detach()[:: len(classes)], slope.reshape(n, len(classes), *activations.shape[1:])


@contextmanager
def _one_thread() -> Iterator[None]:
    """torch works on the calling thread alone, and as before afterwards; other threads notice nothing.

    The head is a few thousand products: handing halves of them to another core takes longer than they do,
    fifty times as long where that core is busy. `torch.set_num_threads` would not do: it also sets the number
    for threads yet to come.
    """
    torch.get_num_threads()  # a thread's first question sets its number; it must not come later
    with _openmp().limit(limits=1):
        yield


@cache
def _openmp() -> ThreadpoolController:
    """The OpenMP runtime that torch has loaded."""
    return ThreadpoolController().select(user_api="openmp")


def map_channels(head: nn.Module, channels: int) -> int:
    """How many of A's channels are a map: the first ones."""
    return channels - (head.context if isinstance(head, Head) else 0)


def _combine(alpha: NDArray[np.float64], activations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Equation 2: maps (N, C, h, w). Summed by numpy in float64, always in the same order."""
    sums = np.einsum("nck,nkij->ncij", alpha, activations.astype(np.float64))
    return np.asarray(sums.clip(min=0), dtype=np.float32)
