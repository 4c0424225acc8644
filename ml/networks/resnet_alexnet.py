"""The hybrid of Akhi et al. 2024: the maps of a ResNet-50 and of AlexNet's early convolutions, concatenated,
refined by convolutions, flattened, dense layers with dropout and batch normalisation.

The paper gives no number of layers and no width. "The first few" convolutions of AlexNet are its first three
here, averaged onto ResNet-50's coarser grid. Two 3 x 3 convolutions of 512 and 256 channels refine, each with
batch normalisation and ReLU. One hidden dense layer is 512 wide, with dropout of one half. Before flattening
the maps are pooled to 7 x 7 cells, which is what they have of 224 px, so that other sizes fit. The softmax is
that of the card. It is explained at the last convolution.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained

STAGES = ("branches", "refine", "avgpool", "flatten", "fc")
_RESNET = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_EARLY = 8  # of AlexNet's features: three convolutions with their ReLUs, two poolings
_CHANNELS = 2048 + 384
_CELLS = 7


class ResNetAlexNetBranches(nn.Module):
    """float32 (N, 3, S, S) -> maps (N, 2048 + 384, S/32, S/32), ResNet-50's channels first."""

    def __init__(self) -> None:
        super().__init__()
        resnet = models.resnet50(weights=None, num_classes=1)
        self.resnet = nn.Sequential()
        for name in _RESNET:
            self.resnet.add_module(name, resnet.get_submodule(name))
        self.alexnet = models.alexnet(weights=None, num_classes=1).features[:_EARLY]

    def forward(self, x: Tensor) -> Tensor:
        maps = self.resnet(x)
        early = functional.adaptive_avg_pool2d(self.alexnet(x), maps.shape[2:])
        return torch.cat([maps, early], dim=1)


def _refining(width_in: int, width_out: int) -> list[nn.Module]:
    convolution = nn.Conv2d(width_in, width_out, 3, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(width_out), nn.ReLU()]


def resnet50_alexnet(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S), S >= 63 -> logits (N, classes); explained at
    (N, 256, S/32, S/32)."""
    modules = {
        "branches": ResNetAlexNetBranches(),
        "refine": nn.Sequential(*_refining(_CHANNELS, 512), *_refining(512, 256)),
        "avgpool": nn.AdaptiveAvgPool2d(_CELLS),
        "flatten": nn.Flatten(1),
        "fc": nn.Sequential(
            nn.Linear(256 * _CELLS**2, 512, bias=False),
            nn.BatchNorm1d(512),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(512, classes),
        ),
    }
    return nn.Sequential(OrderedDict(modules))


SPECS = (
    NetworkSpec(
        "resnet50_alexnet",
        resnet50_alexnet,
        STAGES,
        "refine",
        imagenet=(
            Pretrained("resnet50", ((r"(?=conv|bn|layer)", "branches.resnet."),)),
            Pretrained("alexnet", ((r"features\.(?=[0-7]\.)", "branches.alexnet."),)),
        ),
        least_size=63,
    ),
)
