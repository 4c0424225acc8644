"""What held-out images say of a recipe: figures for the card, a CSV of predictions, the plots."""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.card import Metrics
from ml.data import Sample
from ml.errors import EvaluationError
from ml.evaluation import metrics, plots, table
from ml.training.heatmap_test import Looked

log = logging.getLogger(__name__)

Probabilities = NDArray[np.float64]
"""float64 (N, C), rows sum to 1, columns in the order of the classes."""

COMPLETE = 4.0
"""Chosen among 1, 2, 4, 8 on folds 1 and 2 of BUS-BRA and BUSI: docs/network.md."""


@dataclass(frozen=True, slots=True)
class Held:
    """Logits, float32 (N, C), of images that the network which gave them had not seen, and where its heatmaps
    of those with a drawn lesion point; fold 0: no folds."""

    samples: tuple[Sample, ...]
    logits: NDArray[np.float32]
    folds: NDArray[np.int64]
    looked: tuple[Looked, ...] = ()

    def labels(self, classes: Sequence[str]) -> NDArray[np.int64]:
        """int64 (N,): class indices."""
        return np.array([classes.index(sample.label) for sample in self.samples], dtype=np.int64)

    def of(self, dataset: str) -> NDArray[np.bool_]:
        """bool (N,): the rows of one data set."""
        return np.array([sample.dataset == dataset for sample in self.samples], dtype=np.bool_)

    @property
    def datasets(self) -> list[str]:
        return sorted({sample.dataset for sample in self.samples})

    @property
    def weights(self) -> NDArray[np.float64]:
        """float64 (N,): how much each image counts in calibration.

        A data set counts the same however many images it has, but `COMPLETE` times as much where it has
        every class: on the others alone nothing would ever be normal.
        """
        found = {name: {s.label for s in self.samples if s.dataset == name} for name in self.datasets}
        most = max(map(len, found.values()))
        counts = {name: int(self.of(name).sum()) for name in self.datasets}
        each = {name: (COMPLETE if len(found[name]) == most else 1.0) / counts[name] for name in counts}
        return np.array([each[sample.dataset] for sample in self.samples])

    @property
    def patients(self) -> NDArray[np.str_]:
        return np.array([sample.patient for sample in self.samples])


def joined(parts: Sequence[Held]) -> Held:
    """The folds one after the other."""
    return Held(
        tuple(sample for part in parts for sample in part.samples),
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.folds for part in parts]),
        tuple(one for part in parts for one in part.looked),
    )


def tables(
    held: Held,
    probabilities: Probabilities,
    classes: Sequence[str],
    threshold: float,
    split: str,
    command: str,
) -> tuple[Metrics, ...]:
    """A table a data set, by image; where it names patients, by patient too."""
    found = []
    labels = held.labels(classes)
    for dataset in held.datasets:
        rows = held.of(dataset)
        patients = held.patients[rows]
        unit = _unit(dataset)
        for level in ("image", "patient") if unit == "patient" else ("image",):
            figures = table.figures(
                labels[rows], probabilities[rows], patients, classes, threshold, level, unit=unit
            )
            found.append(
                Metrics(
                    data=dataset,
                    split=split,
                    level=level,
                    command=command,
                    n_images=int(rows.sum()),
                    n_patients=len(set(patients)),
                    figures=figures,
                )
            )
    return tuple(found)


def threshold(held: Held, probabilities: Probabilities, classes: Sequence[str], sensitivity: float) -> float:
    """The largest threshold on P(malignant) that reaches `sensitivity` on the held-out images.

    Chosen on BUS-BRA where it is among them: its labels are proven by biopsy, and the human figure that
    the product is measured against was taken on it.
    """
    rows = held.of("bus-bra") if "bus-bra" in held.datasets else np.ones(len(held.samples), dtype=np.bool_)
    column = classes.index("malignant")
    return metrics.operating_point(
        held.labels(classes)[rows] == column, probabilities[rows, column], sensitivity
    )


def write_predictions(held: Held, probabilities: Probabilities, classes: Sequence[str], path: Path) -> None:
    """CSV, a row an image: key, label, patient, fold, a logit and a probability for each class."""
    beside = path.with_suffix(".partial")
    with beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        columns = [f"{kind}_{name}" for kind in ("logit", "p") for name in classes]
        writer.writerow(["key", "label", "patient", "fold", *columns])
        for sample, fold, logit, p in zip(held.samples, held.folds, held.logits, probabilities, strict=True):
            writer.writerow([sample.key, sample.label, sample.patient, fold, *np.round([*logit, *p], 6)])
    beside.replace(path)


def draw(
    held: Held,
    probabilities: Probabilities,
    classes: Sequence[str],
    threshold: float,
    followed: dict[str, list[float]],
    directory: Path,
) -> None:
    """ROC, reliability diagram and confusion matrix of each data set, and the learning curves, as PNG.

    A plot that the held-out images are too few for is left out, with a warning in the log that says why.
    """
    labels, column = held.labels(classes), classes.index("malignant")
    for dataset in held.datasets:
        rows, unit = held.of(dataset), _unit(dataset)
        said, groups, happened = probabilities[rows], held.patients[rows], labels[rows] == column
        score = said[:, column]
        title = f"{dataset}: malignant against the rest"
        wanted = {
            "roc": partial(plots.roc, happened, score, groups, threshold=threshold, title=title, unit=unit),
            "reliability": partial(plots.reliability, happened, score, groups, unit=unit),
            "confusion": partial(plots.confusion, labels[rows], said.argmax(axis=1), classes),
        }
        for name, plot in wanted.items():
            try:
                plot(path=directory / f"{name}-{dataset}.png")
            except EvaluationError as error:
                log.warning("no %s plot of %s: %s", name, dataset, error)
    plots.curves(followed, directory / "curves.png")


def _unit(dataset: str) -> str:
    """What is resampled: BUSI names no patients."""
    return "group" if dataset == "busi" else "patient"
