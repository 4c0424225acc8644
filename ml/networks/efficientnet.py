"""EfficientNet (Tan and Le 2019, arXiv 1905.11946), as torchvision builds it.

B0 is half of the system of Zourhri et al. 2025 and stands beside it alone; B3 is that of Luong et al. 2024
without its attention: torchvision's own pooling, dropout and one linear layer, since the paper doesn't say
what its variant without attention keeps of the layers behind.
"""

from __future__ import annotations

from torch import nn
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained

TRUNK = tuple(f"features.{index}" for index in range(9))
STAGES = (*TRUNK, "avgpool", "flatten", "classifier")


def efficientnet_b0(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S) -> logits (N, classes); explained at (N, 1280, S/32, S/32)."""
    network: nn.Module = models.efficientnet_b0(weights=None, num_classes=classes)
    return network


def efficientnet_b3(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S) -> logits (N, classes); explained at (N, 1536, S/32, S/32)."""
    network: nn.Module = models.efficientnet_b3(weights=None, num_classes=classes)
    return network


SPECS = (
    NetworkSpec(
        "efficientnet_b0",
        efficientnet_b0,
        STAGES,
        TRUNK[-1],
        5_288_548,
        (Pretrained("efficientnet_b0"),),
    ),
    NetworkSpec(
        "efficientnet_b3",
        efficientnet_b3,
        STAGES,
        TRUNK[-1],
        12_233_232,
        (Pretrained("efficientnet_b3"),),
    ),
)
