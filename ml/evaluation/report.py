"""What `python -m ml evaluate` says of a data set: figures, and what to know before believing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.card import ModelCard
from ml.data import Sample
from ml.errors import DataError
from ml.evaluation import metrics
from ml.evaluation.overlap import UNSEEN, Overlap
from ml.evaluation.reading import Answers
from ml.evaluation.table import Level, Table, rows, table

UNITS = {"busi": "group"}
"""What is resampled where a data set names no patients: groups of near copies."""


@dataclass(frozen=True, slots=True)
class Part:
    """The figures of one data set, or of those of its images that the network has not seen."""

    data: str
    part: str
    unit: str
    n_images: int
    n_groups: int
    n_seen: int
    n_flagged: int
    overlap: str
    classes: tuple[str, ...]
    by: dict[Level, Table]
    confusion: dict[Level, list[list[int]]]


def parts(card: ModelCard, samples: Sequence[Sample], answers: Answers, overlap: Overlap) -> list[Part]:
    """All images of one data set and, where only some were seen in training, the others by themselves.

    Raises:
        DataError: the data have a class that the network doesn't know.
    """
    unknown = sorted({sample.label for sample in samples} - set(card.classes))
    if unknown:
        raise DataError(
            f"The network has no class {', '.join(unknown)}: it knows {', '.join(card.classes)}.",
            "Evaluate a network that was trained for these classes.",
        )
    every = np.ones(len(samples), dtype=np.bool_)
    found = [_part(card, samples, answers, overlap, every)]
    if overlap.seen.any() and not overlap.seen.all():
        found.append(_part(card, samples, answers, overlap, ~overlap.seen))
    return found


def _part(
    card: ModelCard, samples: Sequence[Sample], answers: Answers, overlap: Overlap, chosen: metrics.Bools
) -> Part:
    labels = np.array([card.classes.index(sample.label) for sample in samples])[chosen]
    groups = np.array([sample.patient for sample in samples])[chosen]
    unit = UNITS.get(samples[0].dataset, "patient")
    by: dict[Level, Table] = {}
    confusion: dict[Level, list[list[int]]] = {}
    levels: tuple[Level, ...] = ("image", "patient")
    for level in levels:
        given = rows(labels, answers.probabilities[chosen], groups, card.classes, level)
        by[level] = table(given, card.classes, card.operating_point.threshold, unit)
        counts = metrics.confusion(given.labels, given.probabilities.argmax(axis=1), len(card.classes))
        confusion[level] = counts.tolist()
    return Part(
        data=samples[0].dataset,
        part="all images" if chosen.all() else "images not seen in training",
        unit=unit,
        n_images=int(chosen.sum()),
        n_groups=len(set(groups.tolist())),
        n_seen=int(overlap.seen[chosen].sum()),
        n_flagged=int(answers.flagged[chosen].sum()),
        overlap=overlap.said if chosen.all() else UNSEEN,
        classes=card.classes,
        by=by,
        confusion=confusion,
    )
