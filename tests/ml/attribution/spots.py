"""A network whose evidence is at known places: bright cells speak for class 1, dark ones for class 0."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

from ml import networks
from ml.networks.entry import NetworkSpec

SIDE, CELL = 56, 8
BRIGHT, DARK = (slice(8, 16), slice(40, 48)), (slice(32, 40), slice(16, 24))
"""Rows and columns of the two spots of `image`."""

STAGES = ("signs", "cells", "avgpool", "flatten", "fc")


def network() -> nn.Module:
    """float32 (N, 3, 56, 56) -> logits (N, 2); its map has 7 x 7 cells."""
    signs = nn.Conv2d(3, 2, 1, bias=False)
    fc = nn.Linear(2, 2, bias=False)
    with torch.no_grad():
        signs.weight[:, :, 0, 0] = torch.tensor([[1.0, 1, 1], [-1, -1, -1]]) / 3
        fc.weight.copy_(torch.tensor([[0.0, 60], [60, 0]]))
    modules = {
        "signs": signs,
        "cells": nn.Sequential(nn.AvgPool2d(CELL), nn.ReLU()),
        "avgpool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(1),
        "fc": fc,
    }
    return nn.Sequential(OrderedDict(modules)).eval().requires_grad_(False)


def image() -> Tensor:
    """Grey 0 with a bright square and a dark one, both one cell."""
    given = torch.zeros(1, 3, SIDE, SIDE)
    given[:, :, BRIGHT[0], BRIGHT[1]] = 2
    given[:, :, DARK[0], DARK[1]] = -2
    return given


@contextmanager
def registered(name: str, stages: tuple[str, ...], target: str, context: int = 0) -> Iterator[None]:
    """The registry knows one network more for a while."""
    spec = NetworkSpec(name, lambda classes: network(), stages, target, context=context, least_size=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks._SPECS, name, spec)
        yield
