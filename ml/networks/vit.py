"""Vision Transformer (Dosovitskiy et al. 2021, arXiv 2010.11929), torchvision's layers, for inputs of any
size; ViT-B/16 is one of the networks of Zohra et al. 2025, both stand beside that of Luong et al. 2024.

Between its stages the tokens travel as a map, (N, 2 K, h, w): K channels of the patches where they lie in
the image, and K more with the class token, the same at every position. So Grad-CAM reads a transformer like
any other network. It reads the patches that enter the last block: behind it, the class token alone is used,
and the patches have no slope at all.

`attention_rollout` is the other explanation: how much of each patch reaches the class token, whatever the
class.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision import models
from torchvision.models.vision_transformer import EncoderBlock, VisionTransformer

from ml.networks.entry import NetworkSpec, Pretrained

WIDTH = 768
"""K of ViT-B."""

STAGES = ("patches", "blocks", "last", "fc")

_BLOCKS = 12


def to_map(tokens: Tensor, height: int) -> Tensor:
    """Class token first, then the patches in rows, (N, 1 + h w, K) -> (N, 2 K, h, w)."""
    n, length, width = tokens.shape
    patches = tokens[:, 1:].transpose(1, 2).reshape(n, width, height, (length - 1) // height)
    return torch.cat([patches, tokens[:, 0, :, None, None].expand_as(patches)], dim=1)


def to_tokens(maps: Tensor) -> Tensor:
    """The way back: (N, 2 K, h, w) -> (N, 1 + h w, K)."""
    patches, token = maps.chunk(2, dim=1)
    return torch.cat([token[:, None, :, 0, 0], patches.flatten(2).transpose(1, 2)], dim=1)


class Patches(nn.Module):
    """Patches with their places, and the class token: float32 (N, 3, S, S) -> (N, 2 K, S/P, S/P).

    The places were learnt on 224 px; for other sizes they are interpolated, section 3.2 of the paper.
    """

    def __init__(self, whole: VisionTransformer) -> None:
        super().__init__()
        self.conv_proj = whole.conv_proj
        self.class_token: nn.Parameter = whole.class_token
        self.pos_embedding: nn.Parameter = whole.encoder.pos_embedding

    def forward(self, x: Tensor) -> Tensor:
        patches = self.conv_proj(x)  # (N, K, h, w)
        n, _, height, width = patches.shape
        tokens = torch.cat([self.class_token.expand(n, -1, -1), patches.flatten(2).transpose(1, 2)], dim=1)
        return to_map(tokens + self._places(height, width), height)

    def _places(self, height: int, width: int) -> Tensor:
        """(1, 1 + h w, K)"""
        token, places = self.pos_embedding[:, :1], self.pos_embedding[:, 1:]
        side = round(places.shape[1] ** 0.5)
        if (height, width) == (side, side):
            return self.pos_embedding
        grid = places.transpose(1, 2).reshape(1, -1, side, side)
        fitted = functional.interpolate(grid, (height, width), mode="bicubic", align_corners=False)
        return torch.cat([token, fitted.flatten(2).transpose(1, 2)], dim=1)


class Blocks(nn.Sequential):
    """Encoder blocks, one after the other: (N, 2 K, h, w) -> the same."""

    def forward(self, x: Tensor) -> Tensor:
        return to_map(super().forward(to_tokens(x)), x.shape[2])


class LastBlock(nn.Module):
    """The last block, and what the class token is then: (N, 2 K, h, w) -> (N, K)."""

    def __init__(self, whole: VisionTransformer) -> None:
        super().__init__()
        self.block = whole.encoder.layers[-1]
        self.ln = whole.encoder.ln

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.ln(self.block(to_tokens(x))[:, 0])
        return features


class Transformer(Protocol):
    """A network with a transformer in it: its parts in order."""

    def transformer(self) -> tuple[Patches, Blocks, LastBlock]: ...


class ViT(nn.Module):
    """float32 (N, 3, S, S), S a multiple of the patch's side -> logits (N, classes)."""

    def __init__(self, whole: VisionTransformer) -> None:
        super().__init__()
        self.patches, self.blocks, self.last = parts(whole)
        self.fc = whole.heads.head

    def transformer(self) -> tuple[Patches, Blocks, LastBlock]:
        return self.patches, self.blocks, self.last

    def forward(self, x: Tensor) -> Tensor:
        features = self.last(self.blocks(self.patches(x)))  # (N, K)
        logits: Tensor = self.fc(features)  # (N, classes)
        return logits


def parts(whole: VisionTransformer) -> tuple[Patches, Blocks, LastBlock]:
    """A transformer of torchvision in our stages; the weights are shared."""
    return Patches(whole), Blocks(*whole.encoder.layers[:-1]), LastBlock(whole)


def weight_names(patches: str = "", last: str = "") -> tuple[tuple[str, str], ...]:
    """For `Pretrained`: where torchvision's weights of an encoder go, whose first stages lie below `patches`
    and whose last block below `last`, each with its dot."""
    return (
        ("conv_proj", f"{patches}patches.conv_proj"),
        ("class_token", f"{patches}patches.class_token"),
        (r"encoder\.pos_embedding", f"{patches}patches.pos_embedding"),
        (rf"encoder\.layers\.encoder_layer_{_BLOCKS - 1}", f"{last}last.block"),
        (r"encoder\.layers\.encoder_layer_", f"{patches}blocks."),
        (r"encoder\.ln", f"{last}last.ln"),
    )


@torch.no_grad()
def attention_rollout(network: Transformer, images: Tensor) -> Tensor:
    """Attention rollout (Abnar and Zuidema 2020, arXiv 2005.00928, equation 1): float32 (N, 3, S, S) ->
    shares (N, h, w), each >= 0, together with the class token's own share 1.

    Block by block the tokens are mixed by (W + I) / 2, W the attention averaged over heads and I the path
    around it; their product's row of the class token says what each patch gave to it. Call it on a network in
    evaluation mode.
    """
    patches, blocks, last = network.transformer()
    maps = patches(images)
    tokens = to_tokens(maps)
    itself = torch.eye(tokens.shape[1], device=tokens.device)
    rolled = itself.expand(len(tokens), -1, -1)
    for block in (*blocks, last.block):
        rolled = (_attention(block, tokens) + itself) / 2 @ rolled
        tokens = block(tokens)
    return rolled[:, 0, 1:].reshape(len(images), *maps.shape[2:])


def _attention(block: EncoderBlock, tokens: Tensor) -> Tensor:
    """W (N, L, L), averaged over heads; rows sum to 1."""
    x = block.ln_1(tokens)
    weights: Tensor = block.self_attention(x, x, x, need_weights=True)[1]
    return weights


def vit_b_16(classes: int) -> nn.Module:
    """ViT-B/16, random weights: patches of 16 px."""
    return ViT(models.vit_b_16(weights=None, num_classes=classes))


def vit_b_32(classes: int) -> nn.Module:
    """ViT-B/32, random weights: patches of 32 px."""
    return ViT(models.vit_b_32(weights=None, num_classes=classes))


SPECS = (
    NetworkSpec(
        "vit_b_16",
        vit_b_16,
        STAGES,
        "blocks",
        86_567_656,
        (Pretrained("vit_b_16", weight_names()),),
        context=WIDTH,
        step=16,
    ),
    NetworkSpec(
        "vit_b_32",
        vit_b_32,
        STAGES,
        "blocks",
        88_224_232,
        (Pretrained("vit_b_32", weight_names()),),
        context=WIDTH,
        step=32,
    ),
)
