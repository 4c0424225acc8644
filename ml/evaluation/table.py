"""All figures of one data set, by image and by patient, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.card import Interval
from ml.errors import EvaluationError
from ml.evaluation import metrics
from ml.evaluation.intervals import RESAMPLES, draw, summary
from ml.evaluation.statistic import Array, Statistic

POSITIVE = "malignant"

Level = Literal["image", "patient"]
Counted = dict[str, tuple[Statistic, tuple[NDArray[Any], ...]]]


@dataclass(frozen=True, slots=True)
class Rows:
    """What was true and what was said, a row an image or a patient.

    `labels` int64 (N,), class index; `probabilities` float64 (N, C); `groups` ids (N,).
    """

    labels: NDArray[np.int64]
    probabilities: Array
    groups: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Figures by name, and for those that the data can't give, the reason in a sentence."""

    figures: dict[str, Interval]
    undefined: dict[str, str]


def figures(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    threshold: float,
    level: Level = "image",
    *,
    unit: str = "patient",
    n_boot: int = RESAMPLES,
) -> dict[str, Interval]:
    """Every figure with its 95% interval, those left out that the data can't give (`table` says why).

    `labels` int (N,), class index; `probabilities` float (N, C), columns in the order of `classes`;
    `groups` (N,), what is resampled; suspicious where P(malignant) >= `threshold`.

    Raises:
        EvaluationError: no rows, shapes differ, a label is no class, or no class is called malignant.
    """
    given = rows(labels, probabilities, groups, classes, level)
    return table(given, classes, threshold, unit, n_boot).figures


def table(
    given: Rows, classes: Sequence[str], threshold: float, unit: str = "patient", n_boot: int = RESAMPLES
) -> Table:
    """Every figure that the rows can give, and why they can't give the others."""
    counted = _counted(given, classes, threshold)
    drawn = draw(counted, given.groups, n_boot)
    n = len(np.unique(given.groups))
    found: dict[str, Interval] = {}
    undefined: dict[str, str] = {}
    for name, (statistic, columns) in counted.items():
        try:
            found[name] = summary(statistic, columns, drawn[name], n, unit)
        except EvaluationError as error:
            undefined[name] = error.what
    return Table(found, undefined)


def rows(
    labels: ArrayLike,
    probabilities: ArrayLike,
    groups: ArrayLike,
    classes: Sequence[str],
    level: Level = "image",
) -> Rows:
    """The rows of one level, checked. A patient's row is the mean of the probabilities of the images, and
    the gravest of their labels: malignant, then the other classes in their order.

    Raises:
        EvaluationError: no rows, shapes differ, a label is no class, or no class is called malignant.
    """
    truth, said, ids = np.asarray(labels), np.asarray(probabilities, dtype=np.float64), np.asarray(groups)
    if said.shape != (len(truth), len(classes)) or ids.shape != truth.shape or not len(truth):
        raise EvaluationError(
            f"Labels {truth.shape}, probabilities {said.shape} and groups {ids.shape} don't belong together.",
            f"Give (N,), (N, {len(classes)}) and (N,) of the same images, at least one.",
        )
    in_range = truth.dtype.kind in "iu" and truth.min() >= 0 and truth.max() < len(classes)
    if not in_range or POSITIVE not in classes:
        raise EvaluationError(
            f"The labels don't fit the classes {', '.join(classes)}.",
            f"Give class indices in that order; one class must be {POSITIVE}.",
        )
    truth = truth.astype(np.int64)
    return Rows(truth, said, ids) if level == "image" else _by_patient(truth, said, ids, classes)


def _by_patient(labels: NDArray[np.int64], said: Array, groups: NDArray[Any], classes: Sequence[str]) -> Rows:
    patients, of_row = np.unique(groups, return_inverse=True)
    images = np.bincount(of_row)[:, None]
    mean = np.stack([np.bincount(of_row, column) for column in said.T], axis=1) / images
    gravest_first = np.argsort([name != POSITIVE for name in classes], kind="stable")
    rank = np.full(len(patients), len(classes))
    np.minimum.at(rank, of_row, np.argsort(gravest_first)[labels])
    return Rows(gravest_first[rank], mean, patients)


def _counted(given: Rows, classes: Sequence[str], threshold: float) -> Counted:
    """Each figure's statistic and columns.

    Without a prefix: malignant against the rest, calls at the threshold. `class_`: all classes, the most
    probable is the answer. `confusion.A.B`: the share of A that was answered B.
    """
    positive = given.labels == list(classes).index(POSITIVE)
    score = np.clip(given.probabilities[:, list(classes).index(POSITIVE)], 0.0, 1.0)
    called = score >= threshold
    answers = given.probabilities.argmax(axis=1)
    counted: Counted = {"auc": (metrics.auc, (positive, score))}
    for statistic in ("sensitivity", "specificity", "ppv", "npv", "accuracy", "f1"):
        counted[statistic] = (getattr(metrics, statistic), (positive, called))
    counted["ece"] = (metrics.ece, (positive, score))
    counted["brier"] = (metrics.brier, (positive, score))
    counted["class_accuracy"] = (metrics.accuracy, (given.labels, answers))
    counted["class_f1"] = (metrics.macro_f1, (given.labels, answers))
    counted["class_ece"] = (metrics.top_label_ece, (given.labels, given.probabilities))
    counted["class_brier"] = (metrics.class_brier, (given.labels, given.probabilities))
    for i, j in np.ndindex(len(classes), len(classes)):
        if (given.labels == i).any():
            cell = metrics.confusion_share(i, j)
            counted[f"confusion.{classes[i]}.{classes[j]}"] = (cell, (given.labels, answers))
    return counted
