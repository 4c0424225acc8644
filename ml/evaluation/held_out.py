"""The curves of what a network said of images that it had not seen, left by training beside the weights."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.errors import EvaluationError
from ml.evaluation import agreement, metrics
from ml.evaluation.statistic import Array

FILE = "predictions.csv"
POSITIVE = "malignant"
BINS = 10
POINTS = 200
"""Of a ROC curve, at most."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Images whose P(malignant) lies in one tenth: the mean that was said, the share that was malignant with
    Wilson's 95% interval, and how many there are."""

    said: float
    share: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Curves:
    """Of one data set: the ROC curve of P(malignant), (1 - specificity, sensitivity), and its reliability."""

    data: str
    n: int
    malignant: int
    roc: tuple[tuple[float, float], ...]
    reliability: tuple[Bin, ...]


def curves(folder: Path) -> tuple[Curves, ...]:
    """The curves of each data set in `predictions.csv` of `folder`; none where there is no such file.

    Raises:
        EvaluationError: the file is not one that `python -m ml train` writes.
    """
    path = folder / FILE
    if not path.is_file():
        return ()
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [
                (row["key"].partition("/")[0], row["label"] == POSITIVE, float(row[f"p_{POSITIVE}"]))
                for row in csv.DictReader(stream)
            ]
    except (OSError, UnicodeError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise EvaluationError(
            f"{FILE} beside the weights can't be read.", "Copy it again from the folder of the training."
        ) from error
    if not all(0 <= said <= 1 for _, _, said in rows):
        raise EvaluationError(f"{FILE} beside the weights holds what is no probability.", "Train again.")
    names = sorted({data for data, _, _ in rows})
    return tuple(_curves(name, [row for row in rows if row[0] == name]) for name in names)


def _curves(name: str, rows: Sequence[tuple[str, bool, float]]) -> Curves:
    positive, said = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
    return Curves(name, len(rows), int(positive.sum()), _roc(positive, said), tuple(_bins(positive, said)))


def _roc(positive: NDArray[np.bool_], said: Array) -> tuple[tuple[float, float], ...]:
    if positive.all() or not positive.any():
        return ()
    alarms, hits, _ = metrics.roc(positive, said)
    kept = np.unique(np.linspace(0, len(alarms) - 1, min(POINTS, len(alarms))).round().astype(int))
    return tuple((float(x), float(y)) for x, y in zip(alarms[kept], hits[kept], strict=True))


def _bins(positive: NDArray[np.bool_], said: Array) -> list[Bin]:
    of_row = np.clip((said * BINS).astype(np.int64), 0, BINS - 1)
    return [_bin(positive[of_row == k], said[of_row == k]) for k in np.unique(of_row)]


def _bin(positive: NDArray[np.bool_], said: Array) -> Bin:
    low, high = agreement.wilson(int(positive.sum()), len(positive))
    return Bin(float(said.mean()), float(positive.mean()), low, high, len(positive))
