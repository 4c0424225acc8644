"""`python -m ml gan`."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path

import numpy as np

from ml import data
from ml.card import SHIPPED
from ml.checkpoint import checksum
from ml.data import fingerprint
from ml.networks.dcgan import SIDES
from ml.training.cli import as_typed
from ml.training.gan import GENERATOR, GanRecipe, draw, fit, squares
from ml.training.gan_check import Worth, judge, sheet

_JUDGED = 128
"""Pictures a class that are looked at."""

_SHOWN = 10
"""Of them, on the sheet."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = GanRecipe()
    parser = subparsers.add_parser(
        "gan", help="train a DCGAN that draws scans, and look for copies among them"
    )
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR", help=data.HELP)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--side", type=int, choices=SIDES, default=default.side, help="of the pictures, pixels"
    )
    for name in ("epochs", "batch-size", "narrowest", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name.replace("-", "_")))
    parser.add_argument(
        "--network", type=Path, default=SHIPPED, metavar="DIR", help="whose features tell pictures from scans"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, draw, judge; `--out` gets the weights, `samples.png`, `gan.json` and `log/`. A run that was
    killed goes on when typed again."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    given = {name: value for name, value in vars(arguments).items() if name in GanRecipe.model_fields}
    samples = data.read_all(data.parse(arguments.data))
    labels = [sample.label for sample in samples]
    recipe = GanRecipe(**given, classes=tuple(sorted(set(labels))))
    training = squares(samples, recipe.side)
    generator, _ = fit(recipe, training, labels, arguments.out)
    drawn = [draw(generator, label, _JUDGED, recipe.seed + label) for label in range(len(recipe.classes))]
    worth = judge(np.concatenate(drawn), training, arguments.network)
    _write(arguments.out / "samples.png", sheet([pictures[:_SHOWN] for pictures in drawn]))
    kept = {
        "command": as_typed(arguments.typed),
        "recipe": recipe.model_dump(mode="json"),
        "data": {"images": len(samples), "fingerprint": fingerprint(samples)},
        "checksum": checksum((arguments.out / GENERATOR).read_bytes()),
        "pictures": _JUDGED * len(drawn),
        "worth": asdict(worth),
    }
    _write(arguments.out / "gan.json", (json.dumps(kept, indent=2) + "\n").encode())
    print(_summary(worth, _JUDGED * len(drawn)))
    return 0


def _summary(worth: Worth, pictures: int) -> str:
    return (
        f"{pictures} pictures: {len(worth.near_copies)} near copies of training images, "
        f"{worth.repeats} of each other.\n"
        f"Kernel distance in the features of {worth.features_of}: {worth.distance.mean:.4f} "
        f"(+- {worth.distance.deviation:.4f}); two halves of the training images: {worth.of_halves.mean:.4f}."
    )


def _write(path: Path, content: bytes) -> None:
    partial = path.with_suffix(".partial")
    partial.write_bytes(content)
    partial.replace(path)
