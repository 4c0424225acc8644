"""AlexNet in its second form (Krizhevsky 2014, arXiv 1404.5997), as torchvision builds it; one of the
networks that Akhi et al. 2024 compare theirs with."""

from __future__ import annotations

from torch import nn
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained, run

STAGES = (
    run("features", 0, 3),
    run("features", 3, 6),
    run("features", 6, 11),
    "features.11",
    "features.12",
    "avgpool",
    "flatten",
    "classifier",
)


def alexnet(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S), S >= 63 -> logits (N, classes). Explained at the last
    convolution, (N, 256, 13, 13) of 224 px, before it is pooled."""
    network: nn.Module = models.alexnet(weights=None, num_classes=classes)
    return network


SPECS = (
    NetworkSpec(
        "alexnet", alexnet, STAGES, "features.11", 61_100_840, (Pretrained("alexnet"),), least_size=63
    ),
)
