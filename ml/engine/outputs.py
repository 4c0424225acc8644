"""What every engine gives, and the stages whose statistics it taps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ml.networks.second_look import Looks


@dataclass(frozen=True, slots=True)
class Outputs:
    """Of a batch of N, all float32.

    `maps` (N, C, h, w): raw Grad-CAM of every class, as `ml.explain.grad_cam` gives them. `logits` (N, C).
    `features` (N, F): mean and standard deviation over positions of every channel that enters a
    convolutional stage of the trunk, the first stage (the image itself) apart; of a stage of several looks
    those of what it has within (`Looks.walk`); where there is neither, those of what leaves it. They tell a
    scan from anything else (`ml/scope.py`) and are computed inside the graph, where they cost next to
    nothing.
    """

    maps: NDArray[np.float32]
    logits: NDArray[np.float32]
    features: NDArray[np.float32]


class Engine(Protocol):
    """Safe to call from many threads; the same batch gives the same bits every time."""

    @property
    def name(self) -> str:
        """For logs: "onnx", "torch-cpu" or "torch-cuda"."""

    def run(self, batch: NDArray[np.float32]) -> Outputs:
        """`batch` is float32 (N, 3, S, S), C-contiguous."""


def tapped(trunk: nn.Sequential) -> list[bool]:
    """For each stage of the trunk, and then for its output: whether the statistics of what is there are
    wanted."""
    entering = [position > 0 and _convolves(stage) for position, stage in enumerate(trunk)]
    return [*entering, not any(entering) and not any(isinstance(stage, Looks) for stage in trunk)]


def _convolves(stage: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) for module in stage.modules())
