"""`python -m ml evaluate`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ml import data
from ml.card import SHIPPED, ModelCard
from ml.errors import DataError
from ml.evaluation import overlap, reading, rendering, report
from ml.predictor import Predictor


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("evaluate", help="judge a network on labelled images, with 95%% intervals")
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR", help=data.HELP)
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="DIR",
        help="folder of weights and card (default: the shipped network)",
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object on standard output, nothing else"
    )
    parser.set_defaults(run=evaluate)


def evaluate(arguments: argparse.Namespace) -> int:
    """Predict every image as in the clinic, then print the figures by image and by patient."""
    directory = arguments.weights or SHIPPED
    sources = data.parse(arguments.data)
    predictor = Predictor(directory)
    parts = [part for name, folder in sources.items() for part in _judge(predictor, directory, name, folder)]
    left_out = {name: data.left_out(name, folder) for name, folder in sources.items()}
    if arguments.json:
        tables = [rendering.as_json(part) for part in parts]
        print(json.dumps(_head(predictor.card) | {"left_out": left_out, "tables": tables}, indent=2))
    else:
        print("\n\n".join([_title(predictor.card), *(rendering.as_text(part) for part in parts)]))
        for name, images in left_out.items():
            if images:
                print(f"\n{name}: {images} images left out, since near copies of them carry another label.")
    return 0


def _judge(predictor: Predictor, directory: Path, name: str, folder: Path) -> list[report.Part]:
    samples = data.read(name, folder)
    if not samples:
        raise DataError(f"--data {name}: no images in it.", "Name the folder of the published archive.")
    answers = reading.read(predictor, samples)
    return report.parts(predictor.card, samples, answers, overlap.find(samples, predictor.card, directory))


def _head(card: ModelCard) -> dict[str, object]:
    return {
        "network": {"name": card.name, "version": card.version, "checksum": card.checksum},
        "classes": card.classes,
        "threshold": card.operating_point.threshold,
        "threshold_chosen_for": card.operating_point.chosen_for,
    }


def _title(card: ModelCard) -> str:
    point = card.operating_point
    return (
        f"{card.name} {card.version} ({card.network}, {card.checksum[:12]}); "
        f"suspicious where P({point.label}) >= {point.threshold:.4f}, chosen for {point.chosen_for}"
    )
