"""How far two answers to the same scans agree, from tables of counts: shares, Cohen's kappa, ROC curve.

Scans of one patient are alike, so rows can't be taken for independent. The counts come in blocks, float64
(G, ...): every patient lies wholly in one block, and blocks are drawn without regard to what was answered.
The standard error of any figure is then that of the delete-a-group jackknife (Wolter 2007, "Introduction to
Variance Estimation", 4.2; Kott 2001, Journal of Official Statistics 17): leave out one block at a time, with
the t distribution of G - 1 degrees. With one row a block it is the large-sample error of the textbooks (for
kappa that of Fleiss, Cohen and Everitt 1969; for the AUC that of DeLong 1988). The cost is that of the table,
however many rows were counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ml.errors import EvaluationError
from ml.evaluation.statistic import Array, ratio

Weighting = Literal["none", "linear", "quadratic"]
Method = Literal["wilson", "jackknife", "none"]

FEWEST = 10
"""Blocks with rows below which they say too little of how much patients differ."""
Z = 1.959964
"""97.5th percentile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, its 95% interval (None where `method` is "none"), and what it was counted on."""

    value: float
    low: float | None
    high: float | None
    n: int
    patients: int
    method: Method


def share(hits: ArrayLike, rows: ArrayLike, patients: int) -> Estimate | None:
    """How many rows are hits; both counts a block, (G,). None where there are no rows.

    Wilson's interval at the effective number of rows: that of independent ones with the same standard error
    (Korn and Graubard 1998, Survey Methodology 24), never more than there are. Where the blocks are too few
    to tell, or every row says the same, each patient counts as one row.
    """
    hit, of = np.asarray(hits, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    n = of.sum()
    if not n:
        return None
    value = float(hit.sum() / n)
    spread = _spread(_share, np.stack([hit, of], axis=1)) if 0 < value < 1 else None
    alike = min(patients, n)
    effective, reach = (alike, Z) if spread is None else (_effective(value, spread[0], n), spread[1])
    return Estimate(value, *wilson(value * effective, effective, reach), int(n), patients, "wilson")


def agreement(counts: ArrayLike, patients: int, weighting: Weighting = "none") -> Estimate | None:
    """Kappa of counts (G, C, C), one answer down and the other across; None where it is undefined.

    Its interval is value ± t times the standard error; there is none where the blocks are too few, or where
    leaving one out changes nothing or leaves no kappa.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 3 or table.shape[1] != table.shape[2]:
        raise EvaluationError(f"Counts {table.shape} are no square table a block.", "Give (G, C, C).")
    n = int(table.sum())
    value = float(kappa(table.sum(axis=0), weighting))
    if np.isnan(value):
        return None
    spread = _spread(lambda left: kappa(left, weighting), table)
    if spread is None or not spread[0]:
        return Estimate(value, None, None, n, patients, "none")
    reach = spread[0] * spread[1]
    return Estimate(value, max(-1.0, value - reach), min(1.0, value + reach), n, patients, "jackknife")


def kappa(counts: Array, weighting: Weighting = "none") -> Array:
    """Cohen's kappa, float64 (...), of counts (..., C, C): 1 full agreement, 0 that of chance.

    Cohen 1960, "A coefficient of agreement for nominal scales"; weighted by the distance of the categories,
    or its square, Cohen 1968, "Weighted kappa". NaN where both answer one same category throughout.
    """
    distance = _distance(counts.shape[-1], weighting)
    by_chance = counts.sum(axis=-1)[..., :, None] * counts.sum(axis=-2)[..., None, :]
    expected = (by_chance * distance).sum(axis=(-2, -1))
    apart = (counts * distance).sum(axis=(-2, -1)) * counts.sum(axis=(-2, -1))
    return np.asarray(1 - ratio(apart, expected))


def roc(counts: ArrayLike, patients: int) -> tuple[tuple[tuple[float, float], ...], Estimate | None]:
    """(1 - specificity, sensitivity) at each step of a score, from the highest, and the area under it.

    `counts` (G, S, 2): how many negatives and positives lie at each of S steps of the score, upwards. Within
    a step all are ties. The interval is made on the log-odds of the area (Pepe 2003, 5.2). Nothing where
    there is no positive or no negative.
    """
    table = np.asarray(counts, dtype=np.float64)
    total = table.sum(axis=0)
    if not total.sum(axis=0).all():
        return (), None
    held = total[total.any(axis=1)][::-1]
    shares = np.cumsum(held, axis=0) / held.sum(axis=0)
    points = ((0.0, 0.0), *((float(x), float(y)) for x, y in shares))
    value, n = float(area(total)), int(total.sum())
    spread = _spread(area, table) if 0 < value < 1 else None
    if spread is None or not spread[0]:
        return points, Estimate(value, None, None, n, patients, "none")
    middle, reach = log(value / (1 - value)), spread[0] * spread[1] / (value * (1 - value))
    low, high = (1 / (1 + exp(-middle - side)) for side in (-reach, reach))
    return points, Estimate(value, low, high, n, patients, "jackknife")


def area(counts: Array) -> Array:
    """Area under the ROC curve, float64 (...), of counts (..., S, 2) as in `roc`; ties count one half
    (Mann and Whitney 1947). NaN without positives or negatives."""
    negatives, positives = counts[..., 0], counts[..., 1]
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = negatives.sum(axis=-1) * positives.sum(axis=-1)
    return ratio((positives * below).sum(axis=-1), pairs)


def wilson(hits: float, rows: float, reach: float = Z) -> tuple[float, float]:
    """Wilson's interval of a share, 0..1 (Wilson 1927, JASA 22), which takes rows for independent.

    `reach`: how many standard errors to each side; 95% by default.

    Raises:
        EvaluationError: no rows, or more hits than rows.
    """
    if not 0 <= hits <= rows or rows <= 0:
        raise EvaluationError(f"{hits} of {rows} is no share.", "Give 0 <= hits <= rows, rows above 0.")
    middle = (hits + reach * reach / 2) / (rows + reach * reach)
    half = reach / (rows + reach * reach) * sqrt(hits * (rows - hits) / rows + reach * reach / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def _share(counts: Array) -> Array:
    """float64 (...) of counts (..., 2): hits, rows."""
    return ratio(counts[..., 0], counts[..., 1])


def _effective(value: float, error: float, n: float) -> float:
    """How many independent rows have a share's standard error; `n` at most."""
    return float(n) if not error else min(float(n), value * (1 - value) / error**2)


def _spread(figure: Callable[[Array], Array], counts: Array) -> tuple[float, float] | None:
    """The standard error of `figure`, which takes counts (..., cells), over blocks (G, cells), and how many
    of them make 95%; None where too few blocks have rows, or one left out takes the figure with it."""
    held = counts[counts.reshape(len(counts), -1).any(axis=1)]
    if len(held) < FEWEST:
        return None
    without = figure(held.sum(axis=0) - held)
    if np.isnan(without).any():
        return None
    squares = ((without - without.mean()) ** 2).sum()
    return sqrt(squares * (len(held) - 1) / len(held)), float(stdtrit(len(held) - 1, 0.975))


def _distance(categories: int, weighting: Weighting) -> Array:
    """float64 (C, C): how far apart two categories are."""
    steps = np.abs(np.subtract.outer(np.arange(categories), np.arange(categories))).astype(np.float64)
    if weighting == "none":
        return np.minimum(steps, 1)
    return steps if weighting == "linear" else steps**2
