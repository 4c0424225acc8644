"""GoogLeNet (Szegedy et al. 2015, arXiv 1409.4842), as torchvision builds it, with batch normalisation and
without the two auxiliary classifiers; Zourhri et al. 2025 compare heatmaps with it.

torchvision rescales inputs for its ImageNet weights to -1..1; that is left to fine-tuning here, so that
every network reads what its card says.
"""

from __future__ import annotations

from torch import nn
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained

STAGES = (
    "conv1",
    "maxpool1 conv2 conv3",
    "maxpool2 inception3a inception3b",
    "maxpool3 inception4a inception4b inception4c inception4d inception4e",
    "maxpool4 inception5a",
    "inception5b",
    "avgpool",
    "flatten",
    "dropout",
    "fc",
)


def googlenet(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S) -> logits (N, classes); explained at (N, 1024, S/32, S/32)."""
    network: nn.Module = models.googlenet(
        weights=None, num_classes=classes, aux_logits=False, init_weights=True
    )
    return network


SPECS = (NetworkSpec("googlenet", googlenet, STAGES, "inception5b", 6_624_904, (Pretrained("googlenet"),)),)
