"""The DCGAN of Luong et al. 2024 (after Radford et al. 2016, arXiv 1511.06434): it draws scans to train on.

As in the paper's figures 4 and 5: the generator is a dense layer, then upsampling and convolution with batch
normalisation and ReLU, pixels in 0..1 by a sigmoid; the discriminator strided convolutions with batch
normalisation, leaky ReLU and dropout. The paper gives no width, latent size or kernel, and doesn't say how an
image gets its class: Radford's 100 latent values, 64 channels next to the pixels and twice as many at each
half of the side, up to 512; one network for all classes that is told which (Mirza and Osindero 2014, arXiv
1411.1784), since BUSI's 133 normal scans alone are few. After Radford neither the first convolution of the
discriminator nor the last of the generator is normalised.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SIDES = (64, 128)
"""Sides of the pictures, pixels: paper and Radford's network stay below what a classifier reads."""

LATENT = 100
_START = 4  # cells a side behind the dense layer, and before the last one of the discriminator
_DROPOUT = 0.25


def _widths(side: int, narrowest: int) -> list[int]:
    """Channels at each doubling of the side, coarsest first: 4, 8, ... side / 2."""
    steps = (side // _START).bit_length() - 1
    return [narrowest * 2 ** min(step, 3) for step in reversed(range(steps))]


class Generator(nn.Module):
    """Latent values and a class -> a picture."""

    def __init__(self, classes: int, side: int = 64, narrowest: int = 64) -> None:
        super().__init__()
        widths = _widths(side, narrowest)
        self.classes = classes
        self.dense = nn.Linear(LATENT + classes, widths[0] * _START**2)
        self.blocks = nn.Sequential(nn.BatchNorm2d(widths[0]), nn.ReLU())
        for width_in, width_out in pairwise(widths):
            self.blocks.extend(
                [
                    nn.Upsample(scale_factor=2),
                    nn.Conv2d(width_in, width_out, 3, padding=1, bias=False),
                    nn.BatchNorm2d(width_out),
                    nn.ReLU(),
                ]
            )
        self.blocks.extend([nn.Upsample(scale_factor=2), nn.Conv2d(widths[-1], 1, 3, padding=1)])

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        """float32 (N, 100) of a normal distribution, int64 (N,) -> float32 (N, 1, side, side) in 0..1."""
        told = torch.cat([noise, functional.one_hot(labels, self.classes).to(noise.dtype)], dim=1)
        x = self.dense(told)
        pictures: Tensor = self.blocks(x.reshape(len(x), -1, _START, _START)).sigmoid()
        return pictures


class Discriminator(nn.Module):
    """A picture and a class -> how real it looks."""

    def __init__(self, classes: int, side: int = 64, narrowest: int = 64) -> None:
        super().__init__()
        widths = _widths(side, narrowest)[::-1]
        self.classes = classes
        self.blocks = nn.Sequential(
            nn.Conv2d(1 + classes, widths[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Dropout(_DROPOUT)
        )
        for width_in, width_out in pairwise(widths):
            self.blocks.extend(
                [
                    nn.Conv2d(width_in, width_out, 4, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(width_out),
                    nn.LeakyReLU(0.2),
                    nn.Dropout(_DROPOUT),
                ]
            )
        self.dense = nn.Linear(widths[-1] * _START**2, 1)

    def forward(self, pictures: Tensor, labels: Tensor) -> Tensor:
        """float32 (N, 1, side, side) in 0..1, int64 (N,) -> logits of being real, (N,)."""
        told = functional.one_hot(labels, self.classes).to(pictures.dtype)[:, :, None, None]
        x = torch.cat([pictures, told.expand(-1, -1, *pictures.shape[2:])], dim=1)
        logits: Tensor = self.dense(self.blocks(x).flatten(1))[:, 0]
        return logits
