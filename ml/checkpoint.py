"""Weights on disk: safetensors beside their card, the checksum checked, keys strict, no pickles."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor, nn

from ml import networks
from ml.card import WEIGHTS_NAME, ModelCard
from ml.errors import WeightsMismatchError, WeightsUnavailableError

_PICKLES = {".pt", ".pth", ".ckpt", ".pkl", ".bin"}


def checksum(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, on the CPU.

    Raises:
        WeightsUnavailableError: no such file.
        WeightsMismatchError: a pickle (refused: loading one can run code), or not safetensors.
    """
    if path.suffix in _PICKLES:
        raise WeightsMismatchError(
            f"{path.name} is a pickle, which can run code when it is loaded, and is refused.",
            "Convert it: safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT).",
        )
    return _parse(_read(path), path.name)


def save(network: nn.Module, card: ModelCard, directory: Path) -> ModelCard:
    """Write weights and card into `directory`; returns the card with the checksum filled in.

    Each file is written beside and then renamed; the card last, so that weights never stand under
    another network's card unnoticed (the checksum would differ).
    """
    directory.mkdir(parents=True, exist_ok=True)
    data = write_tensors(network, directory / WEIGHTS_NAME)
    written = card.model_copy(update={"checksum": checksum(data)})
    written.save(directory)
    return written


def write_tensors(network: nn.Module, path: Path) -> bytes:
    """Write all weights as safetensors, beside then renamed; returns the bytes written."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    data = tensors_to_bytes(state)
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(path)
    return data


def load(directory: Path) -> tuple[nn.Module, ModelCard]:
    """The network in evaluation mode, without gradients, and its card.

    Raises:
        CardError: see `ModelCard.load`.
        WeightsUnavailableError: no weights beside the card.
        WeightsMismatchError: checksum, names or shapes differ from the card's.
    """
    card = ModelCard.load(directory)
    data = _read(directory / WEIGHTS_NAME)
    if checksum(data) != card.checksum:
        raise WeightsMismatchError(
            "The weights are not those of the card: their SHA-256 differs.",
            "Copy weights.safetensors and card.json again, together.",
        )
    network = networks.build(card.network, len(card.classes))
    load_strictly(network, _parse(data, WEIGHTS_NAME))
    return network.eval().requires_grad_(False), card


def load_strictly(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Fill every weight of `network` from `tensors`: the same names and shapes, or WeightsMismatchError."""
    expected = network.state_dict()
    missing = sorted(expected.keys() - tensors.keys())
    unknown = sorted(tensors.keys() - expected.keys())
    reshaped = sorted(k for k in expected.keys() & tensors.keys() if expected[k].shape != tensors[k].shape)
    if missing or unknown or reshaped:
        faults = [f"{len(missing)} missing", f"{len(unknown)} unknown", f"{len(reshaped)} of another shape"]
        first = (missing + unknown + reshaped)[0]
        raise WeightsMismatchError(
            f"The weights don't fit the network: {', '.join(faults)}; first: {first}.",
            "Use the weights that were saved with this card.",
        )
    with torch.no_grad():
        network.load_state_dict(tensors)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsUnavailableError(
            f"No weights at {path.name}.", "Train a network with `python -m ml train`, or name its folder."
        ) from error


def _parse(data: bytes, name: str) -> dict[str, Tensor]:
    try:
        return tensors_from_bytes(data)
    except SafetensorError as error:
        raise WeightsMismatchError(
            f"{name} is not a whole safetensors file.", "Copy the file again, or train the network again."
        ) from error
