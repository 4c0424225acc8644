"""DenseNet (Huang et al. 2017, arXiv 1608.06993), as torchvision builds it; Luong et al. 2024 compare theirs
with DenseNet169."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained

STAGES = (
    "features.conv0 features.norm0 features.relu0",
    "features.pool0 features.denseblock1",
    "features.transition1 features.denseblock2",
    "features.transition2 features.denseblock3",
    "features.transition3 features.denseblock4 features.norm5",
    "relu",
    "avgpool",
    "flatten",
    "classifier",
)

# torchvision's file is older than its module: "denselayer1.norm.1.weight" is now "denselayer1.norm1.weight".
_RENAMED = (r"(.*denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2")


def densenet169(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S) -> logits (N, classes); explained at (N, 1664, S/32, S/32).

    torchvision's modules and names; its last ReLU, a function there, is a module here and can be a stage.
    """
    whole = models.densenet169(weights=None, num_classes=classes)
    modules = {
        "features": whole.features,
        "relu": nn.ReLU(),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(1),
        "classifier": whole.classifier,
    }
    return nn.Sequential(OrderedDict(modules))


SPECS = (
    NetworkSpec(
        "densenet169",
        densenet169,
        STAGES,
        "relu",
        14_149_480,
        (Pretrained("densenet169", (_RENAMED, ("", ""))),),
    ),
)
