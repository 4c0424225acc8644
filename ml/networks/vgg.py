"""VGG (Simonyan and Zisserman 2015, arXiv 1409.1556, columns D and E), as torchvision builds it.

VGG16 stands alone beside the systems of Zourhri et al. 2025 and Akhi et al. 2024; VGG19 is half of the first.
Both are explained, as Grad-CAM's authors do, at the last convolution before it is pooled: (N, 512, 14, 14) of
224 px, twice the cells a side that the pooled map has.
"""

from __future__ import annotations

from torch import nn
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained, run


def vgg16(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S), S >= 32 -> logits (N, classes)."""
    network: nn.Module = models.vgg16(weights=None, num_classes=classes)
    return network


def vgg19(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S), S >= 32 -> logits (N, classes)."""
    network: nn.Module = models.vgg19(weights=None, num_classes=classes)
    return network


def _stages(*pools: int) -> tuple[str, ...]:
    """A stage begins with each pooling; the last ReLU is a stage of its own."""
    last = pools[-1]
    ends = (*pools[:-1], last - 1)
    blocks = tuple(run("features", start, end) for start, end in zip((0, *pools[:-1]), ends, strict=True))
    return (*blocks, f"features.{last - 1}", f"features.{last}", "avgpool", "flatten", "classifier")


SPECS = (
    NetworkSpec(
        "vgg16", vgg16, _stages(4, 9, 16, 23, 30), "features.29", 138_357_544, (Pretrained("vgg16"),)
    ),
    NetworkSpec(
        "vgg19", vgg19, _stages(4, 9, 18, 27, 36), "features.35", 143_667_240, (Pretrained("vgg19"),)
    ),
)
