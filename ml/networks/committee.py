"""Networks that share their first stages and were trained apart from there: their mean, as one network.

The mean of several networks' logits errs less than each of them (Lakshminarayanan et al. 2017, arXiv
1612.01474). Where each ends in global average pooling and one linear layer, that mean is itself such a
network: the branches' features side by side, pooled, and one linear layer with the branches' weights side by
side, divided by their number. So it is explained, exported and saved like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from ml.errors import NetworkError
from ml.networks.efficientnet_lite import BLOCKS, EfficientNetLite0
from ml.networks.entry import NetworkSpec
from ml.networks.resnet import ResNet14

SHARED = ("conv1", "bn1", "relu", "maxpool", "layer1")
BRANCH = ("layer2", "layer3")
BEHIND = ("avgpool", "flatten", "fc")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a committee's members are: `build(classes)` gives one, the stages `shared` are one for all, those
    of `branch` each has its own. Behind them come a mean and one linear layer, `fc`."""

    name: str
    build: Callable[[int], nn.Module]
    shared: tuple[str, ...]
    branch: tuple[str, ...]

    @property
    def stages(self) -> tuple[str, ...]:
        return (*self.shared, "branches", *BEHIND)


RESNET14 = Kind("resnet14", ResNet14, SHARED, BRANCH)
LITE0 = Kind("efficientnet_lite0", EfficientNetLite0, ("stem", *BLOCKS[:2]), (*BLOCKS[2:], "head"))


class Branches(nn.ModuleList):
    """Modules side by side: (N, K, h, w) -> (N, k K', h', w'), the first branch's channels first."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self], dim=1)


class Committee(nn.Module):
    """`size` members of one kind with one set of first stages: (N, 3, S, S) -> logits (N, classes)."""

    def __init__(self, classes: int, kind: Kind, size: int) -> None:
        super().__init__()
        self.kind = kind
        members = [kind.build(classes) for _ in range(size)]
        for stage in kind.shared:
            self.add_module(stage, members[0].get_submodule(stage))
        self.branches = Branches(
            nn.Sequential(*(member.get_submodule(stage) for stage in kind.branch)) for member in members
        )
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        width = members[0].get_parameter("fc.weight").shape[1]
        self.fc = nn.Linear(width * size, classes)

    def forward(self, x: Tensor) -> Tensor:
        for stage in (*self.kind.shared, "branches", "avgpool"):
            x = self.get_submodule(stage)(x)
        logits: Tensor = self.fc(torch.flatten(x, 1))  # (N, classes)
        return logits


def join(members: Sequence[nn.Module], kind: Kind) -> nn.Module:
    """The committee whose logits are the mean of those of `members`, each of that kind.

    Raises:
        NetworkError: the members' first stages differ, so that they can't be shared.
    """
    states = [member.state_dict() for member in members]
    joined = shared(states, kind.shared)
    for name in states[0].keys() - joined.keys():
        values = [state[name] for state in states]
        stage, _, rest = name.partition(".")
        if stage in kind.branch:
            joined |= {f"branches.{i}.{kind.branch.index(stage)}.{rest}": v for i, v in enumerate(values)}
        elif name == "fc.weight":
            joined[name] = torch.cat(values, dim=1) / len(values)
        else:
            joined[name] = torch.stack(values).mean(dim=0)
    committee = Committee(len(joined["fc.bias"]), kind, len(states))
    committee.load_state_dict(joined)
    return committee


def shared(states: Sequence[Mapping[str, Tensor]], stages: Sequence[str] = SHARED) -> dict[str, Tensor]:
    """The weights of the first stages, which have to be the same in all of `states`.

    Raises:
        NetworkError: they differ.
    """
    found = {name: value for name, value in states[0].items() if name.partition(".")[0] in stages}
    for name, value in found.items():
        if not all(torch.equal(value, state[name]) for state in states):
            raise NetworkError(
                f"The members differ in {name}, which they are to share.",
                f"Train them from the same start with --freeze {_with_weights(stages)}.",
            )
    return found


def _with_weights(stages: Sequence[str]) -> str:
    return ",".join(stage for stage in stages if stage not in ("relu", "maxpool"))


def _spec(kind: Kind, size: int) -> NetworkSpec:
    return NetworkSpec(
        f"{kind.name}x{size}",
        partial(Committee, kind=kind, size=size),
        kind.stages,
        "branches",
        members=(kind.name,) * size,
        join=partial(join, kind=kind),
    )


SPECS = (_spec(RESNET14, 2), _spec(LITE0, 3))
