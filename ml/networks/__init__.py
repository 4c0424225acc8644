"""Networks by name. A file a system; this registry is the only list of them."""

from __future__ import annotations

from torch import nn

from ml.errors import InputSizeError, UnknownNetworkError
from ml.networks import (
    alexnet,
    committee,
    densenet,
    efficientnet,
    efficientnet_attention,
    efficientnet_lite,
    googlenet,
    resnet,
    resnet_alexnet,
    resnet_vit,
    second_look,
    tiny,
    vgg,
    vgg_efficientnet,
    vit,
    xception,
)
from ml.networks.entry import NetworkSpec

_FILES = (
    alexnet,
    committee,
    densenet,
    efficientnet,
    efficientnet_attention,
    efficientnet_lite,
    googlenet,
    resnet,
    resnet_alexnet,
    resnet_vit,
    second_look,
    tiny,
    vgg,
    vgg_efficientnet,
    vit,
    xception,
)
_SPECS: dict[str, NetworkSpec] = {spec.name: spec for file in _FILES for spec in file.SPECS}


class Head(nn.Sequential):
    """The part of a network behind its target layer: A (N, K, h, w) -> logits (N, classes).

    The last `context` channels of A are no map, see `NetworkSpec`.
    """

    context: int = 0


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


def check_size(name: str, size: int) -> None:
    """Raise InputSizeError where a network doesn't take inputs of `size` x `size` pixels."""
    entry = spec(name)
    if size >= entry.least_size and size % entry.step == 0:
        return
    multiples = f", in multiples of {entry.step}" if entry.step > 1 else ""
    raise InputSizeError(
        f"{name} doesn't take inputs of {size} x {size} pixels.",
        f"Choose a side of at least {entry.least_size} pixels{multiples}.",
    )


def cut(network: nn.Module, name: str, index: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a network before stage number `index`: `after(before(x)) == network(x)`.

    The parts share the network's modules and weights; nothing is copied.
    """
    modules = _stages(network, name)
    return nn.Sequential(*modules[:index]), nn.Sequential(*modules[index:])


def split(network: nn.Module, name: str) -> tuple[nn.Sequential, Head]:
    """Cut a network behind its target layer: trunk (x -> A (N, K, h, w)) and head (A -> logits)."""
    entry = spec(name)
    modules = _stages(network, name)
    behind = entry.stages.index(entry.target_layer) + 1
    head = Head(*modules[behind:])
    head.context = entry.context
    return nn.Sequential(*modules[:behind]), head


def _stages(network: nn.Module, name: str) -> list[nn.Module]:
    return [_stage(network, stage) for stage in spec(name).stages]


def _stage(network: nn.Module, names: str) -> nn.Module:
    parts = [nn.Flatten(1) if name == "flatten" else network.get_submodule(name) for name in names.split()]
    return parts[0] if len(parts) == 1 else nn.Sequential(*parts)
