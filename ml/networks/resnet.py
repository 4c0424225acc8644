"""Residual networks (He et al. 2016, arXiv 1512.03385), as torchvision builds them.

`resnet50` is the network of Babatunde et al. 2025, `resnet18` the one that the product ships.
"""

from __future__ import annotations

from torch import nn
from torchvision import models

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


def resnet18(classes: int) -> nn.Module:
    """ResNet-18 with random weights: float32 (N, 3, S, S) -> logits (N, classes)."""
    network: nn.Module = models.resnet18(weights=None, num_classes=classes)
    return network


def resnet50(classes: int) -> nn.Module:
    """ResNet-50 with random weights: float32 (N, 3, S, S) -> logits (N, classes)."""
    network: nn.Module = models.resnet50(weights=None, num_classes=classes)
    return network
