"""Augmentation by a GAN: it learns the images that it is given and no others, and its pictures fill up the
classes. One GAN a split, which all systems of a study share.

No picture is kept that is a near copy of an image that the GAN learned from, by the rule of the dataset
doctor (`ml.data.likeness`).
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.card import SHIPPED
from ml.data import Sample, fingerprint, splits
from ml.errors import EvaluationError
from ml.networks.dcgan import Generator
from ml.study import protocols, units
from ml.training import gan, gan_check
from ml.training.gan import GanRecipe
from ml.training.recipes.paper import Drawn

FOLDER, SHEET, LEARNED = "drawn", "samples.png", "learned.csv"
_TOLD = "drawn.json"

_ROUNDS = 5
"""Times that pictures are drawn, the places of near copies anew; the report says what is missing then."""

_COMPARED, _SCANS = 64, 256
"""Pictures a class, and images, whose features are compared, at most."""

_SHOWN = 10
"""Pictures a class on the sheet, at most."""

_SECONDS = 0.5
"""Between two looks for what the first process draws."""

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is told of one GAN: images `learned` from, pictures `wanted` and `kept`, near copies of the former
    that were `dropped`; of the kept, `repeats` are near copies of an earlier one.

    `distance`, `of_halves`: kernel distance (mean, standard deviation over subsets) of pictures and images,
    and of two halves of the images, in the features of the network `features_of`; None: they are too few.
    """

    learned: int
    wanted: int
    kept: int
    dropped: int
    repeats: int
    distance: tuple[float, float] | None
    of_halves: tuple[float, float] | None
    features_of: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """`told`: the folder of what a study keeps. `work`: of pictures and GAN, which go when it ends. `judged`:
    the network is done that the pictures are for, so that their pixels are needed no more."""

    told: Path
    work: Path
    judged: bool


def extend(
    samples: Sequence[Sample], how: Drawn, classes: tuple[str, ...], place: Place
) -> tuple[tuple[Sample, ...], Drawing]:
    """The samples and the pictures of a GAN that learned from them alone; what is told of it.

    What is drawn already is read back; a training that was killed goes on from its last epoch. Of several
    processes the first one trains and draws, and the others wait for its files.

    Raises:
        CardError, WeightsUnavailableError, WeightsMismatchError: the shipped network can't be loaded.
    """
    asked = fingerprint(samples)
    if units.is_first() and not _is_done(place, asked):
        _draw(samples, how, how.gan.model_copy(update={"classes": classes}), place, asked)
    while not _is_done(place, asked):
        time.sleep(_SECONDS)
    kept = json.loads((place.told / _TOLD).read_text(encoding="utf-8"))
    pictures = [protocols.drawn(label, place.work / name) for name, label in kept["pictures"]]
    return (*samples, *pictures), Drawing(**kept["worth"])


def _is_done(place: Place, asked: str) -> bool:
    path = place.told / _TOLD
    if not path.exists():
        return False
    kept = json.loads(path.read_text(encoding="utf-8"))
    there = place.judged or all((place.work / name).exists() for name, _ in kept["pictures"])
    return kept["learned_from"] == asked and there


def _draw(samples: Sequence[Sample], how: Drawn, recipe: GanRecipe, place: Place, asked: str) -> None:
    """Train, draw, look, write; what is told comes last, and says that all the rest is there."""
    began = time.monotonic()
    for folder in (place.told, place.work):
        folder.mkdir(parents=True, exist_ok=True)
    splits.write_manifest({"learned": samples}, place.told / LEARNED)
    training = gan.squares(samples, recipe.side)
    generator, _ = gan.fit(recipe, training, [sample.label for sample in samples], place.work / "gan")
    gc.collect()  # a trainer and its module know each other
    wanted = missing(samples, how, recipe.classes)
    pictures, dropped, repeats = apart(generator, wanted, training, recipe)
    named = [
        (f"{label}-{number:05d}.png", label, picture)
        for label, each in pictures.items()
        for number, picture in enumerate(each)
    ]
    for name, _, picture in named:
        _write(place.work / name, bytes(cv2.imencode(".png", picture)[1]))
    worth = Drawing(
        len(samples),
        sum(wanted.values()),
        len(named),
        dropped,
        repeats,
        *_distances(pictures, training),
        seconds=round(time.monotonic() - began, 1),
    )
    shown = [each for each in pictures.values() if len(each)]
    if shown:
        columns = min(_SHOWN, *map(len, shown))
        _write(place.told / SHEET, gan_check.sheet([each[:columns] for each in shown]))
    told = {
        "learned_from": asked,
        "recipe": recipe.model_dump(mode="json"),
        "worth": asdict(worth),
        "pictures": [(name, label) for name, label, _ in named],
    }
    _write(place.told / _TOLD, (json.dumps(told, indent=1) + "\n").encode())


def missing(samples: Sequence[Sample], how: Drawn, classes: Sequence[str]) -> dict[str, int]:
    """Pictures that each class lacks."""
    there = Counter(sample.label for sample in samples)
    most = max(there.values())
    return {name: max(0, round(how.factors[name] * most) - there[name]) for name in classes}


def apart(
    generator: Generator, wanted: Mapping[str, int], training: Pictures, recipe: GanRecipe
) -> tuple[dict[str, Pictures], int, int]:
    """Of each class as many pictures as `wanted`, uint8 (n, side, side), or fewer where too many had to be
    dropped; how many were near copies of the training images; how many kept ones are of each other."""
    kept = {label: np.empty((0, recipe.side, recipe.side), np.uint8) for label in wanted}
    dropped = repeats = 0
    for turn in range(_ROUNDS):
        lacking = {label: count - len(kept[label]) for label, count in wanted.items()}
        if not any(lacking.values()):
            break
        seed = recipe.seed + turn * len(recipe.classes)
        numbers = {label: recipe.classes.index(label) for label, count in lacking.items() if count}
        drawn = [gan.draw(generator, k, lacking[label], seed + k) for label, k in numbers.items()]
        labels = np.repeat(list(numbers), [len(each) for each in drawn])
        pictures = np.concatenate(drawn)
        copied, repeated = gan_check.copies(pictures, training)
        dropped, repeats = dropped + int(copied.sum()), repeats + int(repeated.sum())
        for label in numbers:
            kept[label] = np.concatenate([kept[label], pictures[(labels == label) & ~copied]])
    return kept, dropped, repeats


def _distances(
    pictures: Mapping[str, Pictures], training: Pictures
) -> tuple[tuple[float, float] | None, tuple[float, float] | None, str]:
    some = np.concatenate([each[:_COMPARED] for each in pictures.values()])
    scans = training[np.random.default_rng(0).permutation(len(training))[:_SCANS]]
    try:
        distance, of_halves, name = gan_check.distances(some, scans, SHIPPED)
    except EvaluationError as error:
        return None, None, error.what
    return (distance.mean, distance.deviation), (of_halves.mean, of_halves.deviation), name


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{os.getpid()}.partial")
    beside.write_bytes(content)
    beside.replace(path)
