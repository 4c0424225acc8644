"""95% intervals by resampling whole patients (or groups of near copies), never single images.

Images of one patient are alike; drawing them one by one would make the interval too narrow.
Cluster bootstrap, percentile method: Efron and Tibshirani 1993, chapter 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ml.card import Interval
from ml.errors import EvaluationError
from ml.evaluation.statistic import Array, Statistic

RESAMPLES = 2000
MAX_UNDEFINED = 0.05
"""Share of resamples that may lack a figure (a rare class not drawn) before it gets no interval."""

_CELLS = 1_000_000
"""Weights held at a time: 8 MB, which stays near the processor."""

Counted = Mapping[str, tuple[Statistic, tuple[NDArray[Any], ...]]]
"""Statistics by name, each with the columns that it is counted on."""


def interval(
    statistic: Statistic,
    groups: ArrayLike,
    *columns: ArrayLike,
    unit: str = "patient",
    n_boot: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """The figure with its 95% interval over `n_boot` resamples of whole groups.

    `groups`: ids (N,), one a row. The same input and seed give the same interval.

    Raises:
        EvaluationError: see `summary`; or groups and columns of unequal length.
    """
    statistic.require_rows(groups, *columns)
    drawn = draw({"": (statistic, statistic.check(*columns))}, groups, n_boot, seed)[""]
    return summary(statistic, columns, drawn, len(np.unique(np.asarray(groups))), unit)


def draw(counted: Counted, groups: ArrayLike, n_boot: int = RESAMPLES, seed: int = 0) -> dict[str, Array]:
    """float64 (n_boot,) for each name: the figure on each resample, NaN where undefined.

    All figures see the same resamples, which are drawn once.
    """
    found: dict[str, list[Array]] = {name: [] for name in counted}
    for weights in resamples(groups, n_boot, seed):
        for name, (statistic, columns) in counted.items():
            found[name].append(statistic.resampled(weights, *columns))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def resamples(groups: ArrayLike, n_boot: int = RESAMPLES, seed: int = 0) -> Iterator[Array]:
    """Weights float64 (b, N), `n_boot` rows in all: how often each row's group was drawn.

    As many groups are drawn, with replacement, as there are.
    """
    _, of_row = np.unique(np.asarray(groups), return_inverse=True)
    count = int(of_row.max()) + 1
    generator = np.random.default_rng(seed)
    step = max(1, _CELLS // len(of_row))
    for done in range(0, n_boot, step):
        drawn = generator.multinomial(count, np.full(count, 1 / count), size=min(step, n_boot - done))
        yield drawn.astype(np.float64)[:, of_row]


def summary(
    statistic: Statistic, columns: tuple[ArrayLike, ...], drawn: Array, n: int, unit: str
) -> Interval:
    """The figure and the 2.5th and 97.5th percentile of its resamples `drawn` float64 (B,).

    Resamples without the figure (NaN) are skipped. Calibration error is larger on a resample than on the
    data, since its bins are noisier, so that the percentiles can lie to one side of the figure; the
    interval is then widened to hold it.

    Raises:
        EvaluationError: the figure is undefined on the data, or on more than 5% of the resamples.
    """
    value = statistic(*columns)
    defined = drawn[~np.isnan(drawn)]
    lacking = len(drawn) - len(defined)
    if lacking > MAX_UNDEFINED * len(drawn):
        raise EvaluationError(
            f"{statistic.name} has no interval: it needs {statistic.needs}, which {lacking} of {len(drawn)} "
            "resamples lack.",
            "Evaluate on more data.",
        )
    low, high = np.percentile(defined, (2.5, 97.5))
    return Interval(value=value, low=min(low, value), high=max(high, value), n=n, unit=unit)
