"""A paper as data: its systems, its setting, what it claims, and where its own numbers disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ml.training.gan import GanRecipe
from ml.training.recipe import Recipe

Metric = Literal["accuracy", "precision", "recall", "f1", "auc"]
Average = Literal["malignant", "macro", "weighted"]
"""What precision, recall and F1 are of: the malignant class, the mean of the classes, or their mean weighted
by their number of images (so that recall equals accuracy)."""


@dataclass(frozen=True, slots=True)
class Enlarged:
    """Augmentation before splitting: altered copies are added until each class has `factor` times its images,
    or, `balanced`, `factor` times those of the largest class."""

    factor: float
    balanced: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """Augmentation by pictures of a GAN: drawn ones are added until each class has `factors[class]` times the
    images of the largest class. `gan`: how it is trained; the classes are those of the data."""

    factors: Mapping[str, float]
    gan: GanRecipe


@dataclass(frozen=True, slots=True)
class System:
    """One row of a paper's table: a network of the registry, and augmentation where it is not the
    recipe's: none, altered copies (`enlarged`) or drawn pictures (`drawn`)."""

    name: str
    network: str
    augmented: bool = True
    enlarged: Enlarged | None = None
    drawn: Drawn | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """`value` 0..1 as the paper prints it, and where."""

    system: str
    metric: Metric
    value: float
    where: str


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What the paper says, what follows from its own numbers, and where both stand."""

    said: str
    follows: str
    where: str


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything that a study needs to know of a paper.

    `labels`: label of the data -> class of the paper, others are left out; the order gives the classes.
    `recipe`: its setting; the network is each system's. `fractions`: training, validation (0: none) and test,
    of all images. `chosen`: what the paper leaves open and what was taken. `small`: the systems that the
    small preset runs, where all would not fit; a smoke study runs the first of them.
    """

    name: str
    citation: str
    systems: tuple[System, ...]
    labels: Mapping[str, str]
    recipe: Recipe
    fractions: tuple[float, float, float]
    stratified: bool
    average: Average
    claims: tuple[Claim, ...]
    contradictions: tuple[Contradiction, ...]
    chosen: tuple[str, ...]
    small: tuple[str, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.labels.values()))

    def system(self, name: str) -> System:
        return next(system for system in self.systems if system.name == name)


THREE = {label: label for label in ("benign", "malignant", "normal")}

PLAIN = Recipe(
    weight_decay=0,
    label_smoothing=0,
    mask_weight=0,
    grade_weight=0,
    balance=0,
    lesion_free_share=0,
    average_decay=0,
    optimiser="adam",
    schedule="constant",
    mean=0,
    std=1,
)
"""Classification and nothing else, as the papers train; pixels / 255."""


def claims(where: str, rows: Mapping[str, Mapping[Metric, float]]) -> tuple[Claim, ...]:
    """A table of a paper, in percent -> its claims."""
    return tuple(
        Claim(system, metric, round(percent / 100, 6), where)
        for system, row in rows.items()
        for metric, percent in row.items()
    )
