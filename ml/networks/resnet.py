"""Residual networks (He et al. 2016, arXiv 1512.03385), as torchvision builds them.

`resnet50` is the network of Babatunde et al. 2025, and stands beside those of Zohra et al. 2025 and Akhi et
al. 2024; `resnet14` is a ResNet-18 without its last stage, members of which the product ships.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained

STAGES = (
    "conv1",
    "bn1",
    "relu",
    "maxpool",
    "layer1",
    "layer2",
    "layer3",
    "layer4",
    "avgpool",
    "flatten",
    "fc",
)
STAGES_14 = tuple(stage for stage in STAGES if stage != "layer4")


class ResNet14(nn.Module):
    """The first three of ResNet-18's four stages, two blocks each, and its classifier: (N, 3, S, S) ->
    (N, classes).

    A quarter of the weights: on a few thousand scans the last stage learns the training set by heart. The
    features stay at a sixteenth of the input's side, so that heatmaps have four times the cells. The modules
    keep torchvision's names, and weights of a ResNet-18 fit.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        whole = models.resnet18(weights=None)
        for stage in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "avgpool"):
            self.add_module(stage, whole.get_submodule(stage))
        self.fc = nn.Linear(256, classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in STAGES_14[: STAGES_14.index("flatten")]:
            x = self.get_submodule(stage)(x)  # ..., (N, 256, S/16, S/16), (N, 256, 1, 1)
        logits: Tensor = self.fc(torch.flatten(x, 1))  # (N, classes)
        return logits


def resnet14(classes: int) -> nn.Module:
    """`ResNet14` with random weights."""
    return ResNet14(classes)


def resnet18(classes: int) -> nn.Module:
    """ResNet-18 with random weights: float32 (N, 3, S, S) -> logits (N, classes)."""
    network: nn.Module = models.resnet18(weights=None, num_classes=classes)
    return network


def resnet50(classes: int) -> nn.Module:
    """ResNet-50 with random weights: float32 (N, 3, S, S) -> logits (N, classes)."""
    network: nn.Module = models.resnet50(weights=None, num_classes=classes)
    return network


_RESNET18 = (Pretrained("resnet18"),)

SPECS = (
    NetworkSpec("resnet14", resnet14, STAGES_14, "layer3", imagenet=_RESNET18),
    NetworkSpec("resnet18", resnet18, STAGES, "layer4", 11_689_512, _RESNET18),
    NetworkSpec("resnet50", resnet50, STAGES, "layer4", 25_557_032, (Pretrained("resnet50"),)),
)
