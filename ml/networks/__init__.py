"""Networks by name. A file a system; this registry is the only list of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from torch import nn

from ml.errors import UnknownNetworkError
from ml.networks import committee, resnet, tiny


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """How to build a network and where Grad-CAM reads it.

    `build(classes)` gives random weights. `stages` are its modules in the order in which they are
    applied, input first; "flatten" stands for `torch.flatten(x, 1)`. `target_layer` is the stage whose
    output A (N, K, h, w) is explained. `published_parameters` is the parameter count for 1,000 classes
    in the original publication or in torchvision's table, None for our own. `imagenet` is the network
    of torchvision whose ImageNet weights fit, by name and shape; None where there is none. A committee is
    not trained as a whole: `members` names the network that its members are and their number, and `join`
    makes one of them.
    """

    name: str
    build: Callable[[int], nn.Module]
    stages: tuple[str, ...]
    target_layer: str
    published_parameters: int | None
    imagenet: str | None
    members: tuple[str, int] | None = None
    join: Callable[[Sequence[nn.Module]], nn.Module] | None = None


def _committee(size: int) -> NetworkSpec:
    build = partial(committee.Committee, size=size)
    members = ("resnet14", size)
    name = f"resnet14x{size}"
    return NetworkSpec(name, build, committee.STAGES, "branches", None, None, members, committee.join)


_SPECS = {
    spec.name: spec
    for spec in (
        NetworkSpec("resnet14", resnet.resnet14, resnet.STAGES_14, "layer3", None, "resnet18"),
        _committee(2),
        NetworkSpec("resnet18", resnet.resnet18, resnet.STAGES, "layer4", 11_689_512, "resnet18"),
        NetworkSpec("resnet50", resnet.resnet50, resnet.STAGES, "layer4", 25_557_032, "resnet50"),
        NetworkSpec("tiny", tiny.Tiny, tiny.STAGES, "layer2", None, None),
    )
}


def names() -> tuple[str, ...]:
    """Every registered name, sorted."""
    return tuple(sorted(_SPECS))


def spec(name: str) -> NetworkSpec:
    """The entry of one network.

    Raises:
        UnknownNetworkError: no such name; the message lists those there are.
    """
    try:
        return _SPECS[name]
    except KeyError:
        raise UnknownNetworkError(
            f"No network is called {name!r}.", f"Choose one of: {', '.join(names())}."
        ) from None


def build(name: str, classes: int) -> nn.Module:
    """A network with random weights: float32 (N, 3, S, S) -> logits (N, classes)."""
    return spec(name).build(classes)


def cut(network: nn.Module, name: str, index: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a network before stage number `index`: `after(before(x)) == network(x)`.

    The parts share the network's modules and weights; nothing is copied.
    """
    stages = spec(name).stages
    modules = [nn.Flatten(1) if stage == "flatten" else network.get_submodule(stage) for stage in stages]
    return nn.Sequential(*modules[:index]), nn.Sequential(*modules[index:])


def split(network: nn.Module, name: str) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a network behind its target layer: trunk (x -> A (N, K, h, w)) and head (A -> logits)."""
    entry = spec(name)
    return cut(network, name, entry.stages.index(entry.target_layer) + 1)
