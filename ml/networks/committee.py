"""Networks that share their first stages and were trained apart from there: their mean, as one network.

The mean of several networks' logits errs less than each of them (Lakshminarayanan et al. 2017, arXiv
1612.01474). Where each ends in global average pooling and one linear layer, that mean is itself such a
network: the branches' features side by side, pooled, and one linear layer with the branches' weights side by
side, divided by their number. So it is explained, exported and saved like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ml.errors import NetworkError
from ml.networks.entry import NetworkSpec
from ml.networks.resnet import ResNet14

SHARED = ("conv1", "bn1", "relu", "maxpool", "layer1")
BRANCH = ("layer2", "layer3")
STAGES = (*SHARED, "branches", "avgpool", "flatten", "fc")


class Branches(nn.ModuleList):
    """Modules side by side: (N, K, h, w) -> (N, k K', h', w'), the first branch's channels first."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], dim=1)


class Committee(nn.Module):
    """`size` of `ResNet14` with one stem and `layer1`: (N, 3, S, S) -> logits (N, classes)."""

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        members = [ResNet14(classes) for _ in range(size)]
        for stage in SHARED:
            self.add_module(stage, members[0].get_submodule(stage))
        self.branches = Branches(
            nn.Sequential(*(member.get_submodule(stage) for stage in BRANCH)) for member in members
        )
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(sum(member.fc.in_features for member in members), classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in STAGES[: STAGES.index("flatten")]:
            x = self.get_submodule(stage)(x)  # ..., (N, 256 k, S/16, S/16), (N, 256 k, 1, 1)
        logits: Tensor = self.fc(torch.flatten(x, 1))  # (N, classes)
        return logits


def join(members: Sequence[nn.Module]) -> nn.Module:
    """The committee whose logits are the mean of those of `members`, each a `ResNet14`.

    Raises:
        NetworkError: the members' first stages differ, so that they can't be shared.
    """
    states = [member.state_dict() for member in members]
    joined = shared(states)
    for name in states[0].keys() - joined.keys():
        values = [state[name] for state in states]
        stage, _, rest = name.partition(".")
        if stage in BRANCH:
            joined |= {f"branches.{i}.{BRANCH.index(stage)}.{rest}": v for i, v in enumerate(values)}
        elif name == "fc.weight":
            joined[name] = torch.cat(values, dim=1) / len(values)
        else:
            joined[name] = torch.stack(values).mean(dim=0)
    committee = Committee(len(joined["fc.bias"]), len(states))
    committee.load_state_dict(joined)
    return committee


def shared(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The weights of the first stages, which have to be the same in all of `states`.

    Raises:
        NetworkError: they differ.
    """
    found = {name: value for name, value in states[0].items() if name.partition(".")[0] in SHARED}
    for name, value in found.items():
        if not all(torch.equal(value, state[name]) for state in states):
            raise NetworkError(
                f"The members differ in {name}, which they are to share.",
                "Train them from the same start with --freeze conv1,bn1,layer1.",
            )
    return found


SPECS = (
    NetworkSpec(
        "resnet14x2",
        partial(Committee, size=2),
        STAGES,
        "branches",
        members=("resnet14", "resnet14"),
        join=join,
    ),
)
