"""A network of a few thousand weights with the parts of a big one, for tests that must be quick."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ml.networks.entry import NetworkSpec

STAGES = ("stem", "layer1", "layer2", "avgpool", "flatten", "fc")


def _stage(width_in: int, width_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width_out, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width_out),
        nn.ReLU(),
    )


class Tiny(nn.Module):
    """Three strided convolutions, average pooling, one linear layer: (N, 3, S, S) -> (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = _stage(3, 8)
        self.layer1 = _stage(8, 16)
        self.layer2 = _stage(16, 32)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(32, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)  # (N, 8, S/2, S/2)
        x = self.layer1(x)  # (N, 16, S/4, S/4)
        x = self.layer2(x)  # (N, 32, S/8, S/8)
        x = torch.flatten(self.avgpool(x), 1)  # (N, 32)
        logits: Tensor = self.fc(x)  # (N, classes)
        return logits


SPECS = (NetworkSpec("tiny", Tiny, STAGES, "layer2"),)
