"""The network with its weights made random, stage by stage: a map that stays as it was doesn't explain it.

The cascading randomisation of Adebayo et al. 2018 (arXiv 1810.03292, section 4.1): the last stage first, then
also the one before it, until all are random. Every weight tensor's values change places among themselves. So
nothing of what was learned is left but how large weights are, and the layers' outputs stay in a usable range.
A fresh initialisation doesn't promise that: a Vision Transformer's classifier begins with zeros, and a map
of zeros would pass by saying nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import torch
from torch import Tensor, nn

from ml import networks

SURVIVES = 0.5
"""Mean likeness to the map of the trained network, above which a map of random weights has survived."""


def cascade(network: nn.Module, name: str, seed: int) -> Iterator[tuple[str, nn.Module]]:
    """Each stage or part that has weights, from the last to the first, with the network of which that one and
    all behind it are random. It is one copy, altered from step to step; `network` stays as it is."""
    copy = deepcopy(network)
    generator = torch.Generator().manual_seed(seed)
    for stage in steps(network, name):
        for tensor in _tensors(copy, stage):
            _shuffle(tensor, generator)
        yield stage, copy


def steps(network: nn.Module, name: str) -> list[str]:
    """The stages that have weights, or the parts of a network that names them, the last one first."""
    entry = networks.spec(name)
    return [stage for stage in reversed(entry.parts or entry.stages) if _tensors(network, stage)]


def _tensors(network: nn.Module, stage: str) -> list[Tensor]:
    """Weights and statistics of the modules of a stage, of more than one value."""
    modules = [network.get_submodule(part) for part in stage.split() if part != "flatten"]
    return [tensor for module in modules for tensor in module.state_dict().values() if tensor.numel() > 1]


@torch.no_grad()
def _shuffle(tensor: Tensor, generator: torch.Generator) -> None:
    order = torch.randperm(tensor.numel(), generator=generator)
    tensor.copy_(tensor.flatten()[order].view_as(tensor))
