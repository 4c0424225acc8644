"""How far two answers to the same scans agree: Cohen's kappa, and shares with intervals that suit few rows.

Intervals are from resampling whole patients, as everywhere in this package. Where there are too few for that,
or every resample would say the same, a share gets Wilson's interval and kappa none; `method` says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.errors import EvaluationError
from ml.evaluation import metrics
from ml.evaluation.intervals import summary
from ml.evaluation.statistic import Array, Statistic, ratio, statistic

Weighting = Literal["none", "linear", "quadratic"]
Method = Literal["bootstrap", "wilson", "none"]

FEWEST = 10
"""Patients below which their resamples are too alike to give an interval."""
Z = 1.959964
"""97.5th percentile of the normal distribution."""
POINTS = 200
"""Of a curve, at most."""
_RESAMPLES, _FEWEST_RESAMPLES = 1000, 200
_DRAWS = 5_000_000
"""Rows times resamples at most: beyond 5,000 rows fewer resamples are drawn, a page can wait for no more."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95% interval (None where `method` is "none"), and what it was counted on."""

    value: float
    low: float | None
    high: float | None
    n: int
    patients: int
    method: Method


def kappa(categories: int, weighting: Weighting = "none") -> Statistic:
    """Cohen's kappa of two columns of category numbers 0..categories-1: 1 full agreement, 0 that of chance.

    Cohen 1960, "A coefficient of agreement for nominal scales"; weighted by the distance of the categories,
    or its square, Cohen 1968, "Weighted kappa". Undefined where both answer one same category throughout.
    """
    distance = _distance(categories, weighting)

    @statistic("Kappa", "two answers that are not one and the same throughout")
    def formula(weights: Array, first: NDArray[np.int64], second: NDArray[np.int64]) -> Array:
        pairs = np.zeros((len(first), categories * categories))
        pairs[np.arange(len(first)), first * categories + second] = 1
        counts = (weights @ pairs).reshape(-1, categories, categories)
        by_chance = counts.sum(axis=2)[:, :, None] * counts.sum(axis=1)[:, None, :]
        expected = (by_chance * distance).sum(axis=(1, 2))
        apart = (counts * distance).sum(axis=(1, 2)) * counts.sum(axis=(1, 2))
        return 1 - ratio(apart, expected)

    return formula


def share(hits: ArrayLike, groups: ArrayLike) -> Estimate | None:
    """How many of the rows are hits, bool (N,); None where there are no rows. `groups`: patient ids (N,)."""
    found = np.asarray(hits, dtype=np.bool_)
    if not len(found):
        return None
    patients, value = len(np.unique(np.asarray(groups))), float(found.mean())
    if patients >= FEWEST:
        drawn = _drawn(metrics.accuracy, groups, found, np.ones_like(found))
        if drawn is not None:
            return Estimate(value, *drawn, len(found), patients, "bootstrap")
    return Estimate(value, *wilson(int(found.sum()), len(found)), len(found), patients, "wilson")


def agreement(
    first: ArrayLike,
    second: ArrayLike,
    groups: ArrayLike,
    categories: int,
    weighting: Weighting = "none",
) -> Estimate | None:
    """Kappa of two columns of category numbers, int (N,); None without rows or where it is undefined.

    Raises:
        EvaluationError: columns of unequal length, or a number that is no category.
    """
    one, other = np.asarray(first, dtype=np.int64), np.asarray(second, dtype=np.int64)
    if not len(one):
        return None
    metrics.confusion(one, other, categories)  # raises where a number is no category
    figure = kappa(categories, weighting)
    try:
        value = figure(one, other)
    except EvaluationError:
        return None
    patients = len(np.unique(np.asarray(groups)))
    drawn = _drawn(figure, groups, one, other) if patients >= FEWEST else None
    if drawn is None:
        return Estimate(value, None, None, len(one), patients, "none")
    return Estimate(value, *drawn, len(one), patients, "bootstrap")


def counts(first: ArrayLike, second: ArrayLike, categories: int) -> tuple[tuple[int, ...], ...]:
    """How many rows of category i in the first column (row) have category j in the second (column)."""
    return tuple(tuple(row) for row in metrics.confusion(first, second, categories).tolist())


def roc(
    positive: ArrayLike, scores: ArrayLike, groups: ArrayLike
) -> tuple[tuple[tuple[float, float], ...], Estimate | None]:
    """(1 - specificity, sensitivity) at each score that occurs, thinned to `POINTS`, and the AUC.

    Nothing where there is no positive or no negative. `positive` bool (N,), `scores` float (N,).
    """
    truth, values = np.asarray(positive, dtype=np.bool_), np.asarray(scores, dtype=np.float64)
    if not len(truth) or truth.all() or not truth.any():
        return (), None
    alarms, hits, _ = metrics.roc(truth, values)
    kept = np.unique(np.linspace(0, len(alarms) - 1, min(POINTS, len(alarms))).round().astype(int))
    points = tuple((float(x), float(y)) for x, y in zip(alarms[kept], hits[kept], strict=True))
    value, patients = metrics.auc(truth, values), len(np.unique(np.asarray(groups)))
    drawn = _drawn(metrics.auc, groups, truth, values) if patients >= FEWEST else None
    if drawn is None:
        return points, Estimate(value, None, None, len(truth), patients, "none")
    return points, Estimate(value, *drawn, len(truth), patients, "bootstrap")


def wilson(hits: int, rows: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share, 0..1 (Wilson 1927, JASA 22), which takes rows for independent."""
    if not 0 <= hits <= rows or rows <= 0:
        raise EvaluationError(f"{hits} of {rows} is no share.", "Give 0 <= hits <= rows, rows above 0.")
    middle = (hits + Z * Z / 2) / (rows + Z * Z)
    reach = Z / (rows + Z * Z) * sqrt(hits * (rows - hits) / rows + Z * Z / 4)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _drawn(figure: Statistic, groups: ArrayLike, *columns: ArrayLike) -> tuple[float, float] | None:
    """Both ends from resampled patients; None where many resamples lack the figure, or all say the same."""
    try:
        values = figure.resampled(_weights(np.asarray(groups)), *columns)
        found = summary(figure, columns, values, 0, "patient")
    except EvaluationError:
        return None
    return None if found.low == found.high else (found.low, found.high)


def _weights(groups: NDArray[np.generic]) -> Array:
    """float64 (B, N): how often each row's patient was drawn in each of B resamples, the same at every call.

    By counting drawn indices, some ten times as fast as the multinomial of `intervals.resamples`.
    """
    _, of_row = np.unique(groups, return_inverse=True)
    patients = int(of_row.max()) + 1
    times = max(_FEWEST_RESAMPLES, min(_RESAMPLES, _DRAWS // len(of_row)))
    drawn = np.random.default_rng(0).integers(0, patients, size=(times, patients))
    places = drawn + patients * np.arange(times)[:, None]
    counts = np.bincount(places.ravel(), minlength=times * patients).reshape(times, patients)
    return counts.astype(np.float64)[:, of_row]


def _distance(categories: int, weighting: Weighting) -> Array:
    """float64 (C, C): how far apart two categories are."""
    steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))).astype(np.float64)
    if weighting == "none":
        return np.minimum(steps, 1)
    return steps if weighting == "linear" else steps**2
