"""torch, eager: on a GPU, and as the reference that the ONNX engine is proved against."""

from __future__ import annotations

from copy import deepcopy
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml import networks
from ml.engine.outputs import Outputs, tapped
from ml.explain import GradCam
from ml.networks.second_look import Looks


class Tapped(nn.Module):
    """A registered network that returns (activations, logits, features), see `Outputs`."""

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.trunk, self.head = networks.split(network, name)
        self._taps = tapped(self.trunk)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        statistics: list[Tensor] = []
        for stage, wanted in zip(self.trunk, self._taps[:-1], strict=True):
            if wanted:
                statistics += _statistics(x)
            if isinstance(stage, Looks):
                x, within = stage.walk(x)
                statistics += [each for one in within for each in _statistics(one)]
            else:
                x = stage(x)
        if self._taps[-1]:
            statistics += _statistics(x)
        return x, self.head(x), torch.cat(statistics, dim=1)


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation over positions: (N, K, h, w) -> two of (N, K)."""
    mean = x.mean(dim=(2, 3))
    variance = (x * x).mean(dim=(2, 3)) - mean * mean
    return mean, variance.clamp_min(0).sqrt()


class TorchEngine:
    """A network in evaluation mode; float32 throughout (no TF32), so that a GPU answers like a CPU.

    The caller's network stays where it is: another device gets a copy.
    """

    def __init__(self, network: nn.Module, name: str, device: str = "cpu") -> None:
        self.name = f"torch-{device}"
        self._device = torch.device(device)
        moved = network if device == "cpu" else deepcopy(network).to(self._device)
        self._network = Tapped(moved, name)
        self._explain = GradCam(self._network.head)
        self._lock = Lock()  # cuDNN's switches are the process's, not the thread's

    def run(self, batch: NDArray[np.float32]) -> Outputs:
        exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
        with self._lock, exact, torch.inference_mode():
            answers = self._network(torch.from_numpy(batch).to(self._device))
            activations, logits, features = (answer.cpu().numpy() for answer in answers)
            return Outputs(self._explain(activations), logits, features)
