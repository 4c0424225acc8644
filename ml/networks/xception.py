"""Xception (Chollet 2017, arXiv 1610.02357), as timm builds it: torchvision has none. Luong et al. 2024
compare theirs with it.

ImageNet weights: `model.safetensors` of timm's `legacy_xception.tf_in1k` fits by its names, `--init FILE`.
"""

from __future__ import annotations

from torch import nn

from ml.networks.entry import NetworkSpec

STAGES = (
    "conv1 bn1 act1 conv2 bn2 act2",
    "block1",
    "block2",
    "block3",
    " ".join(f"block{index}" for index in range(4, 12)),
    "block12 conv3 bn3 act3 conv4 bn4",
    "act4",
    "global_pool",
    "fc",
)


def xception(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S) -> logits (N, classes); explained at (N, 2048, S/32, S/32)."""
    from timm.models.xception import legacy_xception  # seconds, and no other network needs it

    network: nn.Module = legacy_xception(num_classes=classes)
    network.global_pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(1))  # timm's, in plain layers
    return network


SPECS = (NetworkSpec("xception", xception, STAGES, "act4", 22_855_952),)
