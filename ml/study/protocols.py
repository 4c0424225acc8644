"""How images are split: as the papers did, by image, or so that nothing leaks."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from sklearn.model_selection import train_test_split

from ml.data import Sample, splits
from ml.data.pixels import read_pixels
from ml.training import augment
from ml.training.recipe import Recipe
from ml.training.recipes.paper import Enlarged, Paper, System

Protocol = Literal["as-published", "leak-free"]
PROTOCOLS: tuple[Protocol, ...] = ("as-published", "leak-free")
TEST_SHARE = 0.2
"""Of the patients or groups, for the one test of the leak-free protocol."""
VALIDATION_SHARE = 0.1
"""Of those that a network trains on, where the paper has a validation set."""

_ROOM = 1.25
_DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Parts:
    """Who trains, who stops the training (perhaps nobody), and who is judged. `shown`: what a GAN learned
    from whose pictures are among them."""

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    held: tuple[Sample, ...]
    shown: tuple[Sample, ...] = ()

    def named(self) -> Mapping[str, Sequence[Sample]]:
        return {"train": self.train, "validation": self.validation, "held out": self.held}


def as_published(paper: Paper, samples: Sequence[Sample], seed: int) -> Parts:
    """Random by image, in the paper's fractions; `samples` are the altered copies too, where it made them
    first."""
    _, validation, test = paper.fractions
    rest, held = _by_image(samples, test, paper.stratified, seed)
    if not validation:
        return Parts(tuple(rest), (), tuple(held))
    train, stops = _by_image(rest, validation / (1 - test), paper.stratified, seed)
    return Parts(tuple(train), tuple(stops), tuple(held))


def _by_image(
    samples: Sequence[Sample], share: float, stratified: bool, seed: int
) -> tuple[list[Sample], list[Sample]]:
    labels = [sample.label for sample in samples] if stratified else None
    kept, held = train_test_split(list(samples), test_size=share, random_state=seed, stratify=labels)
    return kept, held


def leak_free(
    paper: Paper, samples: Sequence[Sample], folds: int, seed: int
) -> tuple[dict[str, Parts], Parts]:
    """By patient or group of near copies: a test part put aside first, the folds of the rest, and the rest
    as a whole with that test. Official folds are not used: a test part of their own they have none.

    Raises:
        LeakError: never, unless the splits are wrong; they are checked again after they are made.
    """
    free = [replace(sample, fold=None) for sample in samples]
    rest, test = splits.hold_out(free, TEST_SHARE, seed)
    assigned = splits.assign_folds(rest, folds, seed)
    found = {}
    for fold in range(1, folds + 1):
        inside = [s for s, its in zip(rest, assigned, strict=True) if its != fold]
        outside = [s for s, its in zip(rest, assigned, strict=True) if its == fold]
        found[f"fold-{fold}"] = _checked(paper, inside, outside, seed)
    return found, _checked(paper, rest, test, seed)


def _checked(paper: Paper, inside: list[Sample], outside: list[Sample], seed: int) -> Parts:
    train, validation = inside, list[Sample]()
    if paper.fractions[1]:
        fewest = min(Counter(sample.label for sample in inside).values())
        train, validation = splits.hold_out(inside, max(VALIDATION_SHARE, 1 / fewest), seed)
    parts = Parts(tuple(train), tuple(validation), tuple(outside))
    splits.assert_no_leak(parts.named())
    return parts


def enlarge(
    samples: Sequence[Sample], how: Enlarged, recipe: Recipe, folder: Path, seed: int
) -> list[Sample]:
    """The samples and altered copies of them, PNG files in `folder`. A copy keeps patient and group."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = sorted({sample.label for sample in samples})
    of_class = {label: [s for s in samples if s.label == label] for label in labels}
    most = max(map(len, of_class.values()))
    found = list(samples)
    for label in labels:
        given = of_class[label]
        wanted = round(how.factor * (most if how.balanced else len(given)))
        found += [
            _copy(given[number % len(given)], number // len(given), recipe, folder, seed)
            for number in range(wanted - len(given))
        ]
    return found


def _copy(sample: Sample, number: int, recipe: Recipe, folder: Path, seed: int) -> Sample:
    name = hashlib.sha256(f"{sample.key} {number} {seed}".encode()).hexdigest()[:20]
    path = folder / f"{sample.path.stem}~{name}.png"
    if not path.exists():
        rng = np.random.default_rng(int(name[:12], 16))
        pixels = read_pixels(sample)
        blank = np.zeros(pixels.shape, np.float32)
        seen, _ = augment.view(pixels, blank, round(recipe.size * _ROOM), rng, recipe.augmentation)
        beside = path.with_name(f"{path.stem}.{os.getpid()}.png")
        cv2.imwrite(str(beside), seen)
        beside.replace(path)
    return replace(sample, path=path, masks=(), crop=None, name=path.name)


def still(system: System, recipe: Recipe) -> Recipe:
    """The recipe that trains: without random views where a system has none, or had its copies made before."""
    if system.augmented and system.enlarged is None:
        return recipe
    return recipe.model_copy(update={"augmentation": augment.STILL})


@dataclass(frozen=True, slots=True)
class Leaks:
    """Of the judged images: `by_copy` have their patient, a near copy or an altered copy of themselves among
    those that the network learned from; `by_gan` others such a one among what a GAN was shown whose pictures
    the network learned from; `drawn` are pictures of a GAN that was shown what the network learned from."""

    by_copy: int
    by_gan: int = 0
    drawn: int = 0

    @property
    def total(self) -> int:
        return self.by_copy + self.by_gan + self.drawn


def leaks(parts: Parts) -> Leaks:
    """What the split let through."""
    seen = (*parts.train, *parts.validation)
    learned, shown = _identities(seen), _identities(parts.shown)
    indirectly = learned | shown if any(map(is_drawn, seen)) else learned
    real = [{s.patient, s.group} for s in parts.held if not is_drawn(s)]
    by_copy = sum(bool(each & learned) for each in real)
    return Leaks(
        by_copy=by_copy,
        by_gan=sum(bool(each & indirectly) for each in real) - by_copy,
        drawn=(len(parts.held) - len(real)) * bool(learned & shown),
    )


def drawn(label: str, path: Path) -> Sample:
    """A picture of a GAN: it has no patient, and is a data set of its own."""
    name = f"{_DRAWN}/{path.name}"
    return Sample(path, label, name, name, _DRAWN, name=path.name)


def is_drawn(sample: Sample) -> bool:
    return sample.dataset == _DRAWN


def _identities(samples: Sequence[Sample]) -> set[str]:
    return {identity for sample in samples for identity in (sample.patient, sample.group)}
