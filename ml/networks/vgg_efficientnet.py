"""The system of Zourhri et al. 2025: the feature maps of VGG19 and EfficientNet-B0, both frozen,
concatenated, dense layers with dropout, and one sigmoid for malignant.

The paper names no widths: the maps are pooled to one vector (it speaks of a fused feature vector), then come
a hidden layer of 256 with ReLU and dropout of one half. To freeze the halves is for the recipe (`branches`),
not the network. "The last convolutional layer" at which the paper explains it is not one, but two: here it is
their concatenated maps, the evidence of both halves.

One sigmoid is written as two logits, -z/2 and z/2: their softmax is the sigmoid of z, their cross-entropy is
the binary one, and each class has a Grad-CAM of its own. For more classes than two the last layer is an
ordinary one.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torchvision import models

from ml.networks.committee import Branches
from ml.networks.entry import NetworkSpec, Pretrained

STAGES = ("branches", "avgpool", "flatten", "fc")
_CHANNELS = 512 + 1280
_HIDDEN = 256


class Sigmoid(nn.Linear):
    """One neuron z for two classes: (N, K) -> logits (N, 2), their softmax (1 - sigmoid(z), sigmoid(z))."""

    def __init__(self, width: int) -> None:
        super().__init__(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        half = super().forward(x) / 2
        return torch.cat([-half, half], dim=1)


def vgg19_efficientnet_b0(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S), S a multiple of 32 -> logits (N, classes); explained at
    (N, 1792, S/32, S/32), VGG19's channels first."""
    answer = Sigmoid(_HIDDEN) if classes == 2 else nn.Linear(_HIDDEN, classes)
    modules = {
        "branches": Branches(
            [
                models.vgg19(weights=None, num_classes=1).features,
                models.efficientnet_b0(weights=None, num_classes=1).features,
            ]
        ),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(1),
        "fc": nn.Sequential(nn.Linear(_CHANNELS, _HIDDEN), nn.ReLU(), nn.Dropout(), answer),
    }
    return nn.Sequential(OrderedDict(modules))


SPECS = (
    NetworkSpec(
        "vgg19_efficientnet_b0",
        vgg19_efficientnet_b0,
        STAGES,
        "branches",
        imagenet=(
            Pretrained("vgg19", ((r"features\.", "branches.0."),)),
            Pretrained("efficientnet_b0", ((r"features\.", "branches.1."),)),
        ),
        step=32,
    ),
)
