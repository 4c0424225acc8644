"""The figures of one system under one protocol, with intervals, and how far two protocols lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.card import Calibration, Interval
from ml.errors import EvaluationError
from ml.evaluation import intervals, metrics
from ml.evaluation.intervals import Counted
from ml.evaluation.statistic import Array, Statistic, statistic
from ml.training.recipes.paper import Average

POSITIVE = "malignant"
CLAIMED = ("accuracy", "precision", "recall", "f1", "auc")
FURTHER = ("sensitivity", "specificity", "ece", "brier")

_BY_CLASS = {"precision": metrics.ppv, "recall": metrics.sensitivity, "f1": metrics.f1}


@dataclass(frozen=True, slots=True)
class Answers:
    """What was said of images that the network had not been trained on, as far as the protocol keeps them
    apart: labels int (N,), probabilities float64 (N, C), `units` (N,), what is resampled, and its word."""

    keys: tuple[str, ...]
    patients: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: Array
    units: NDArray[Any]
    unit: str
    threshold: float
    calibration: Calibration

    def only(self, rows: NDArray[np.bool_]) -> Answers:
        """Those of some rows, bool (N,)."""
        chosen = np.flatnonzero(rows)
        return replace(
            self,
            keys=tuple(self.keys[k] for k in chosen),
            patients=tuple(self.patients[k] for k in chosen),
            labels=self.labels[chosen],
            probabilities=self.probabilities[chosen],
            units=self.units[chosen],
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """`values` with intervals; `drawn`: of each the resamples, float64 (B,); `undefined`: why one is
    missing."""

    values: dict[str, Interval]
    drawn: dict[str, Array]
    undefined: dict[str, str]


def figures(answers: Answers, classes: Sequence[str], average: Average, resamples: int, seed: int) -> Figures:
    """Everything that can be counted of the answers, 95% intervals by resampling `units`.

    Accuracy, precision, recall and F1 are of the most probable class, averaged as the paper averages; AUC,
    calibration error and Brier score of P(malignant); sensitivity and specificity at the threshold.
    """
    counted = _counted(answers, classes, average)
    drawn = intervals.draw(counted, answers.units, resamples, seed)
    n = len(np.unique(answers.units))
    values: dict[str, Interval] = {}
    undefined: dict[str, str] = {}
    for name, (figure, columns) in counted.items():
        try:
            values[name] = intervals.summary(figure, columns, drawn[name], n, answers.unit)
        except EvaluationError as error:
            undefined[name] = error.what
    return Figures(values, drawn, undefined)


def difference(one: Figures, other: Figures, name: str) -> Interval | None:
    """one - other with the interval of two tests resampled apart from each other; None where one is
    missing."""
    if name not in one.values or name not in other.values:
        return None
    apart = one.drawn[name] - other.drawn[name]
    low, high = np.nanpercentile(apart, (2.5, 97.5))
    value = one.values[name].value - other.values[name].value
    count = min(one.values[name].n, other.values[name].n)
    return Interval(value=value, low=min(low, value), high=max(high, value), n=count, unit="resample")


def averaged(each: Statistic, weighted: bool) -> Statistic:
    """A figure of each class against the rest, averaged over the classes of the labels; a class that was
    never answered counts 0. `weighted`: by the number of its rows."""

    @statistic(f"Mean {each.name}", "a row")
    def formula(weights: Array, labels: NDArray[np.int64], answers: NDArray[np.int64]) -> Array:
        found = np.unique(labels)
        values = np.stack([each.resampled(weights, labels == k, answers == k) for k in found], axis=1)
        rows = np.stack([weights @ (labels == k) for k in found], axis=1)  # (B, K)
        share = rows if weighted else (rows > 0).astype(np.float64)
        total: Array = (np.nan_to_num(values) * share).sum(axis=1) / share.sum(axis=1)
        return total

    return formula


def _counted(answers: Answers, classes: Sequence[str], average: Average) -> Counted:
    column = list(classes).index(POSITIVE)
    positive = answers.labels == column
    score = np.clip(answers.probabilities[:, column], 0.0, 1.0)
    said = answers.probabilities.argmax(axis=1)
    called = score >= answers.threshold
    counted: dict[str, tuple[Statistic, tuple[NDArray[Any], ...]]] = {
        "accuracy": (metrics.accuracy, (answers.labels, said))
    }
    for name, each in _BY_CLASS.items():
        if average == "malignant":
            counted[name] = (each, (positive, said == column))
        else:
            counted[name] = (averaged(each, average == "weighted"), (answers.labels, said))
    counted["auc"] = (metrics.auc, (positive, score))
    counted["sensitivity"] = (metrics.sensitivity, (positive, called))
    counted["specificity"] = (metrics.specificity, (positive, called))
    counted["ece"] = (metrics.ece, (positive, score))
    counted["brier"] = (metrics.brier, (positive, score))
    return counted
