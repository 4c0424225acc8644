"""What every method of explanation looks like from outside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Map = NDArray[np.float32]
"""Evidence, float32 (h, w), >= 0, on a grid of the method's own over the whole image. Comparable within a
method; between methods only its places are."""


class Explain(Protocol):
    """The evidence for one class in one image."""

    def __call__(self, network: nn.Module, name: str, image: Tensor, label: int, seed: int = 0) -> Map:
        """`network` in evaluation mode, registered as `name`; `image` float32 (1, 3, S, S) as the card
        prepares it; `label` the index of the class, whose logit is explained. `seed` is that of what the
        method draws: the same gives the same map. The network is left as it was.
        """
        ...


def _any(_: nn.Module) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Method:
    """A method by its `name` on the command line. `share`: of the images of a test that it explains, 0..1,
    less where one map takes hundreds of passes through the network. `source`: where it is published. `fits`:
    whether it can explain a network."""

    name: str
    source: str
    explain: Explain
    share: float = 1.0
    fits: Callable[[nn.Module], bool] = _any
