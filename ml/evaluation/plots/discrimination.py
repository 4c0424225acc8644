"""The ROC curve."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ml.evaluation import metrics
from ml.evaluation.intervals import interval, resamples
from ml.evaluation.plots import frame
from ml.evaluation.statistic import Array

_RESAMPLES = 1000


def roc(
    positive: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    path: Path,
    *,
    threshold: float | None = None,
    title: str = "Malignant against the rest",
    unit: str = "patient",
) -> None:
    """The ROC curve with its 95% band and, where `threshold` is given, the operating point.

    `positive` bool (N,), `scores` float (N,), `groups` ids (N,): whole groups are resampled.

    Raises:
        EvaluationError: one class only, or columns of unequal length.
    """
    truth, values = metrics.auc.check(positive, scores)
    area = interval(metrics.auc, groups, truth, values, unit=unit)
    alarms, hits, _ = metrics.roc(truth, values)
    figure, axes = frame.square(title)
    frame.plain(axes)
    grid = np.linspace(0, 1, 201)
    axes.fill_between(grid, *_band(truth, values, groups, grid), color=frame.LINE, alpha=0.18, lw=0)
    label = f"AUC {area.value:.3f} ({area.low:.3f} to {area.high:.3f}), 95% band"
    axes.plot(alarms, hits, color=frame.LINE, lw=2, label=label)
    axes.plot((0, 1), (0, 1), color=frame.GREY, lw=1, ls=":", label="by chance")
    if threshold is not None:
        _mark(axes, truth, values >= threshold, threshold)
    axes.set(xlabel="1 − specificity", ylabel="Sensitivity")
    axes.legend(loc="lower right", frameon=False, fontsize=9)
    frame.save(figure, path, frame.counted(truth, "malignant", area.n, unit))


def _mark(axes: Axes, truth: metrics.Bools, called: metrics.Bools, threshold: float) -> None:
    reached, spared = metrics.sensitivity(truth, called), metrics.specificity(truth, called)
    label = f"P ≥ {threshold:.3f}: sensitivity {reached:.3f},\nspecificity {spared:.3f}"
    colour = frame.SECOND
    axes.plot(1 - spared, reached, "o", ms=8, mfc="white", mec=colour, mew=2.2, label=label, zorder=5)


def _band(truth: metrics.Bools, values: Array, groups: ArrayLike, grid: Array) -> Array:
    """float64 (2, K): percentiles 2.5 and 97.5 of the sensitivity at each false positive rate of `grid`."""
    order = np.argsort(-values, kind="stable")
    last = np.append(np.flatnonzero(np.diff(values[order])), len(order) - 1)
    curves = [
        np.interp(grid, np.append(0, alarms / alarms[-1]), np.append(0, hits / hits[-1]))
        for weights in resamples(groups, _RESAMPLES)
        for hits, alarms in zip(
            np.cumsum(weights[:, order] * truth[order], axis=1)[:, last],
            np.cumsum(weights[:, order] * ~truth[order], axis=1)[:, last],
            strict=True,
        )
        if hits[-1] > 0 and alarms[-1] > 0
    ]
    return np.asarray(np.percentile(curves, (2.5, 97.5), axis=0))
