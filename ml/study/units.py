"""One unit of a study, a system on one split: done once, resumed after a kill, read back afterwards."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ml import checkpoint, networks
from ml.data import Sample, splits
from ml.errors import DataError
from ml.study.protocols import Parts
from ml.training.dataset import preprocessing
from ml.training.fit import fit, history, logits
from ml.training.recipe import Recipe

_DONE = "done.json"
_LOGITS = "logits.npy"
MANIFEST = "split.csv"


@dataclass(frozen=True, slots=True)
class Unit:
    """`logits`: float32 (N, C) of the held-out images, in the order of the split."""

    held: tuple[Sample, ...]
    logits: NDArray[np.float32]
    start: str
    seconds: float
    history: dict[str, list[float]]
    manifest: str
    counts: dict[str, int]


def run(recipe: Recipe, init: str, parts: Parts, directory: Path) -> tuple[Unit, nn.Module | None]:
    """Train and judge one unit; returns what it gave, and the network where it was trained just now.

    `directory` gets the split and its SHA-256, the logits and what is told of the training. Of several
    processes the first one writes.
    """
    if is_done(directory):
        return _read(parts, directory), None
    directory.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    manifest = _manifest(parts, directory)
    start = _usable(recipe, init)
    network, words = fit(recipe, start, parts.train, parts.validation, directory / "fit")
    if start != init:
        words = f"{words} ({Path(init).name} does not fit this network)"
    if is_first():
        _save_array(logits(network, parts.held, preprocessing(recipe)), directory / _LOGITS)
        told = {
            "start": words,
            "seconds": round(time.monotonic() - began, 1),
            "history": history(directory / "fit"),
            "manifest": manifest,
            "counts": {name: len(part) for name, part in parts.named().items()},
        }
        _save_json(told, directory / _DONE)
    wait()
    gc.collect()  # a trainer and its module know each other, and hold a gigabyte of optimiser's state
    return _read(parts, directory), network


def is_done(directory: Path) -> bool:
    """Whether the unit of that folder is trained and judged."""
    return (directory / _DONE).exists()


def is_first() -> bool:
    """Whether this process is the one that writes: as `torchrun` or Lightning numbers them, from the
    start."""
    return os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")) == "0"


def wait() -> None:
    """Until every process is here."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def _usable(recipe: Recipe, init: str) -> str:
    """`init`, or "random" where it is a file of which less than half fits the network, by name and shape."""
    if init in ("imagenet", "random"):
        return init
    tensors = checkpoint.read_tensors(Path(init))
    with torch.device("meta"):
        wanted = networks.build(recipe.network, len(recipe.classes)).state_dict()
    weights = {name: value.shape for name, value in wanted.items() if value.ndim > 1}
    fitting = [name for name, shape in weights.items() if name in tensors and tensors[name].shape == shape]
    return init if 2 * len(fitting) >= len(weights) else "random"


def _manifest(parts: Parts, directory: Path) -> str:
    """Write the split; returns its SHA-256. Before the first training processes can't wait for each other, so
    each writes its own."""
    path = directory / (MANIFEST if is_first() else f"split-{os.getpid()}.csv")
    splits.write_manifest(parts.named(), path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not is_first():
        path.unlink()
    return digest


def _read(parts: Parts, directory: Path) -> Unit:
    try:
        told: dict[str, Any] = json.loads((directory / _DONE).read_text(encoding="utf-8"))
        found = np.load(directory / _LOGITS, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(
            f"{directory.name} was done, but can't be read back: {type(error).__name__}.",
            "Delete that folder and type the command again.",
        ) from error
    if len(found) != len(parts.held):
        raise DataError(
            f"{directory.name} was done on another split.", "Choose another --out, or delete that folder."
        )
    return Unit(parts.held, found, **told)


def _save_array(values: NDArray[np.float32], path: Path) -> None:
    beside = path.with_suffix(".partial.npy")
    np.save(beside, values)
    beside.replace(path)


def _save_json(value: Any, path: Path) -> None:
    beside = path.with_suffix(".partial")
    beside.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
