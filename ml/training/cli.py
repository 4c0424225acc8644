"""`python -m ml train`."""

from __future__ import annotations

import argparse
import logging
import shlex
from pathlib import Path

from ml import data, networks
from ml.errors import DataError
from ml.training import run
from ml.training.augment import VIEWS
from ml.training.recipe import Recipe


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    default = Recipe()
    parser = subparsers.add_parser(
        "train", help="train a network, judge it on a split that can't leak, save it"
    )
    parser.add_argument("--network", choices=networks.names(), default=default.network)
    parser.add_argument("--data", action="append", required=True, metavar="NAME=DIR", help=data.HELP)
    parser.add_argument(
        "--init", default="imagenet", metavar="FILE", help="imagenet, random, or a safetensors file"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--cross-validate", type=int, metavar="K", help="K folds, then one network on all data"
    )
    parser.add_argument("--folds", default="", metavar="N,N", help="with --cross-validate: only these")
    parser.add_argument("--folds-only", action="store_true", help="with --cross-validate: no final network")
    parser.add_argument("--version", default="1", help="version written into the card")
    for name in ("size", "epochs", "batch-size", "seed", "patience"):
        parser.add_argument(f"--{name}", type=int, default=getattr(default, name.replace("-", "_")))
    parser.add_argument(
        "--growth", default="", metavar="SIDE:EPOCHS,...", help="smaller inputs first, e.g. 128:6,160:11"
    )
    for name in ("lr", "mask-weight", "grade-weight"):
        parser.add_argument(f"--{name}", type=float, default=getattr(default, name.replace("-", "_")))
    parser.add_argument(
        "--freeze", default="", metavar="STAGES", help="stages kept as given, e.g. conv1,bn1,layer1"
    )
    parser.add_argument(
        "--classes",
        default=",".join(default.classes),
        metavar="LABELS",
        help="classes to tell apart; images with other labels are left out (default: %(default)s)",
    )
    parser.add_argument(
        "--views",
        choices=VIEWS,
        default="usual",
        help="how far random views differ from the scans; wide: for scans from elsewhere than these",
    )
    parser.add_argument(
        "--keep-statistics", action="store_true", help="all normalisation keeps its statistics"
    )
    parser.set_defaults(run=train)


def train(arguments: argparse.Namespace) -> int:
    """Train as asked; prints the figures of the card. A run that was killed goes on when typed again."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    recipe = _recipe(arguments)
    samples = data.read_all(data.parse(arguments.data))
    job = run.Job(
        recipe=recipe,
        init=arguments.init,
        samples=tuple(sample for sample in samples if sample.label in recipe.classes),
        out=arguments.out,
        version=arguments.version,
        command=as_typed(arguments.typed),
    )
    if arguments.cross_validate is None:
        card = run.single(job)
    elif arguments.folds_only:
        for fold in _numbers(arguments.folds) or range(1, arguments.cross_validate + 1):
            run.train_fold(job, arguments.cross_validate, fold)
        return 0
    else:
        card = run.cross_validate(job, arguments.cross_validate, _numbers(arguments.folds))
    print(run.summary(card))
    return 0


def _recipe(arguments: argparse.Namespace) -> Recipe:
    given = {name: value for name, value in vars(arguments).items() if name in Recipe.model_fields}
    given["growth"] = _growth(arguments.growth)
    given["classes"] = _classes(arguments.classes)
    if "normal" not in given["classes"]:
        given["lesion_free_share"] = 0.0
    frozen = tuple(filter(None, arguments.freeze.split(",")))
    return Recipe(**given, frozen=frozen, augmentation=VIEWS[arguments.views])


def _classes(text: str) -> tuple[str, ...]:
    """`"benign,malignant"` -> ("benign", "malignant").

    Raises:
        DataError: not two or three of the labels there are, each once, malignant among them.
    """
    labels = tuple(part.strip() for part in text.split(","))
    known = Recipe().classes
    if len(set(labels)) == len(labels) and {"malignant"} < set(labels) <= set(known):
        return labels
    raise DataError(
        f"--classes {text!r} can't be told apart.", f"Name malignant and others of {', '.join(known)}."
    )


def _growth(text: str) -> tuple[tuple[int, int], ...]:
    """`"128:6,160:11"` -> ((128, 6), (160, 11)).

    Raises:
        DataError: something else than pairs of numbers.
    """
    pairs = [part.strip().partition(":") for part in text.split(",") if part]
    if not all(side.isdecimal() and epochs.isdecimal() for side, _, epochs in pairs):
        raise DataError(
            f"--growth {text!r} is no list of sizes.", "Write side:epochs with commas: --growth 128:6,160:11."
        )
    return tuple((int(side), int(epochs)) for side, _, epochs in pairs)


def _numbers(text: str) -> list[int]:
    """`"1,2"` -> [1, 2].

    Raises:
        DataError: something else than numbers with commas between.
    """
    parts = [part.strip() for part in text.split(",") if part]
    if not all(part.isdecimal() for part in parts):
        raise DataError(f"--folds {text!r} are no numbers.", "Write them with commas: --folds 1,2.")
    return [int(part) for part in parts]


def as_typed(words: list[str]) -> str:
    """The command with folders replaced by names: a card must not carry a path of the machine."""
    shown = []
    for word in words:
        name, equals, value = word.rpartition("=")
        bare = value if equals else word
        shown.append(f"{name}{equals}{'DIR' if equals else Path(bare).name}" if "/" in bare else word)
    return "python -m ml " + shlex.join(shown)
