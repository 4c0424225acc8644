"""What each of several processes runs: `fit` on the CPU in float32, without normalisation by batch."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from ml import data
from ml.training import fit
from ml.training.recipe import Recipe

RECIPE = Recipe(
    network="tiny",
    size=32,
    epochs=3,
    batch_size=8,
    mask_weight=0,
    grade_weight=0,
    lesion_free_share=0,
    keep_statistics=True,
    seed=3,
)


def run(source: Path, out: Path) -> None:
    fit.precision = lambda: "32-true"
    samples = data.read_all({"bus-bra": source})
    fit.fit(RECIPE, "random", samples[:24], samples[24:], out)
    if torch.distributed.is_initialized():
        sys.stdout.write(f"one of {torch.distributed.get_world_size()}\n")


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
