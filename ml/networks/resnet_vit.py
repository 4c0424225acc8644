"""The hybrid of Zohra et al. 2025: the feature vectors of a ResNet-50 and a ViT-B/16, concatenated, and fully
connected layers.

The paper gives no width of those layers: one hidden layer of 512 with ReLU and dropout of one half. Its
table 4 contradicts itself: the hybrid has 85.40 MB, less than each of its halves (ResNet-50 327.36, ViT
90.00, which look swapped). Both encoders in float32 take 417 of the same megabytes.

It is explained at both branches' maps, side by side on the transformer's finer grid: a map of one branch
would hide the other's evidence. Both are in the same unit there, so the heatmap adds them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from ml.networks.entry import NetworkSpec, Pretrained
from ml.networks.vit import WIDTH, Blocks, LastBlock, Patches, parts, weight_names

STAGES = ("branches", "features", "fc")
_RESNET = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_CHANNELS = 2048
_HIDDEN = 512


class ResNetViTBranches(nn.Module):
    """float32 (N, 3, S, S) -> maps (N, 2048 + 2 * 768, S/16, S/16): ResNet-50's, each of its cells as four;
    the transformer's, see `ml.networks.vit`."""

    def __init__(self, patches: Patches, blocks: Blocks) -> None:
        super().__init__()
        resnet = models.resnet50(weights=None, num_classes=1)
        self.resnet = nn.Sequential()
        for name in _RESNET:
            self.resnet.add_module(name, resnet.get_submodule(name))
        self.patches, self.blocks = patches, blocks

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.blocks(self.patches(x))  # (N, 1536, S/16, S/16)
        maps = functional.interpolate(self.resnet(x), tokens.shape[2:], mode="nearest")  # (N, 2048, ...)
        return torch.cat([maps, tokens], dim=1)


class ResNetViTFeatures(nn.Module):
    """Both feature vectors, one behind the other: maps (N, 3584, h, w) -> (N, 2048 + 768)."""

    def __init__(self, last: LastBlock) -> None:
        super().__init__()
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        maps, tokens = x.split([_CHANNELS, 2 * WIDTH], dim=1)
        return torch.cat([maps.mean(dim=(2, 3)), self.last(tokens)], dim=1)


class ResNetViT(nn.Module):
    """float32 (N, 3, S, S), S a multiple of 32 -> logits (N, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        patches, blocks, last = parts(models.vit_b_16(weights=None, num_classes=1))
        self.branches = ResNetViTBranches(patches, blocks)
        self.features = ResNetViTFeatures(last)
        self.fc = nn.Sequential(
            nn.Linear(_CHANNELS + WIDTH, _HIDDEN), nn.ReLU(), nn.Dropout(), nn.Linear(_HIDDEN, classes)
        )

    def transformer(self) -> tuple[Patches, Blocks, LastBlock]:
        return self.branches.patches, self.branches.blocks, self.features.last

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.features(self.branches(x)))
        return logits


SPECS = (
    NetworkSpec(
        "resnet50_vit_b_16",
        ResNetViT,
        STAGES,
        "branches",
        imagenet=(
            Pretrained("resnet50", ((r"(?=conv|bn|layer)", "branches.resnet."),)),
            Pretrained("vit_b_16", weight_names("branches.", "features.")),
        ),
        context=WIDTH,
        step=32,
    ),
)
