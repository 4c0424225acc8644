"""AEGANB3 of Luong et al. 2024: EfficientNet-B3, multi-head self-attention over the positions of its map,
batch normalisation, global average pooling, dense layers.

The paper gives no widths, but the number of its parameters, 36,763,954 (table I, counted as Keras does, with
statistics of normalisation). Eight heads of 512, a batch normalisation before and behind the attention and a
hidden layer of 512 give that number exactly, so those are taken. It calls one dense layer the last and says
nothing of a path around the attention: ReLU between the two, no such path.

It is explained where the paper does, at the last convolution: behind the attention every position has seen
all others, and a place in the map is no longer one in the image.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn import functional
from torchvision import models

from ml.networks.efficientnet import TRUNK
from ml.networks.entry import NetworkSpec, Pretrained

STAGES = (*TRUNK, "before", "attention", "behind", "avgpool", "flatten", "fc")
_CHANNELS = 1536
_HIDDEN = 512


class SelfAttention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017, arXiv 1706.03762) of each position of a map to all of them,
    as Keras' layer of that name: (N, K, h, w) -> the same. Heads may together be wider than K."""

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, heads * head_width)
        self.key = nn.Linear(width, heads * head_width)
        self.value = nn.Linear(width, heads * head_width)
        self.out = nn.Linear(heads * head_width, width)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)  # (N, h w, K)
        query, key, value = (part(tokens) for part in (self.query, self.key, self.value))
        seen = functional.scaled_dot_product_attention(
            self._apart(query), self._apart(key), self._apart(value)
        )  # (N, heads, h w, head width)
        mixed: Tensor = self.out(seen.transpose(1, 2).flatten(2))  # (N, h w, K)
        return mixed.transpose(1, 2).reshape(x.shape)

    def _apart(self, x: Tensor) -> Tensor:
        """(N, h w, heads * width) -> (N, heads, h w, width)"""
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


def efficientnet_b3_attention(classes: int) -> nn.Module:
    """Random weights: float32 (N, 3, S, S) -> logits (N, classes); explained at (N, 1536, S/32, S/32)."""
    modules = {
        "features": models.efficientnet_b3(weights=None, num_classes=1).features,
        "before": nn.BatchNorm2d(_CHANNELS),
        "attention": SelfAttention(_CHANNELS, heads=8, head_width=512),
        "behind": nn.BatchNorm2d(_CHANNELS),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(1),
        "fc": nn.Sequential(nn.Linear(_CHANNELS, _HIDDEN), nn.ReLU(), nn.Linear(_HIDDEN, classes)),
    }
    return nn.Sequential(OrderedDict(modules))


SPECS = (
    NetworkSpec(
        "efficientnet_b3_attention",
        efficientnet_b3_attention,
        STAGES,
        TRUNK[-1],
        imagenet=(Pretrained("efficientnet_b3", ((r"features\.", "features."),)),),
    ),
)
