"""Which networks a test can build and run in a moment, and which it can't."""

from __future__ import annotations

import torch
from torch import nn

from ml import networks

SYSTEMS = (
    "alexnet",
    "densenet169",
    "efficientnet_b0",
    "efficientnet_b3",
    "efficientnet_b3_attention",
    "googlenet",
    "resnet50_alexnet",
    "resnet50_vit_b_16",
    "vgg16",
    "vgg19",
    "vgg19_efficientnet_b0",
    "vit_b_16",
    "vit_b_32",
    "xception",
)
"""Those of the papers beside the ResNets: up to 140 million weights, and layers without an ONNX form."""

QUICK = tuple(name for name in networks.names() if name not in (*SYSTEMS, "efficientnet_lite0x3"))
"""Of committees one kind is enough."""


def filled(name: str, size: int = 64) -> nn.Module:
    """A network in evaluation mode: its weights always the same, BatchNorm's statistics those of some
    data, and a classifier that isn't zero (as ViT's is before training)."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = networks.build(name, 3)
        *_, classifier = (module for module in network.modules() if isinstance(module, nn.Linear))
        nn.init.normal_(classifier.weight, std=0.1)
        if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
            with torch.no_grad():
                network.train()(torch.randn(4, 3, size, size))
    return network.eval()
