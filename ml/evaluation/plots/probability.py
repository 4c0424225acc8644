"""The reliability diagram."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ml.evaluation import metrics
from ml.evaluation.intervals import interval, resamples
from ml.evaluation.plots import frame
from ml.evaluation.statistic import Array, ratio

_RESAMPLES = 1000
_HISTOGRAM = 0.2
"""Height of the fullest bar of the histogram, as a share of the panel."""


def reliability(
    happened: ArrayLike,
    probability: ArrayLike,
    groups: ArrayLike,
    path: Path,
    *,
    title: str = "P(malignant): what was said and what was so",
    unit: str = "patient",
    bins: int = 10,
) -> None:
    """What was said against what happened, by bins of the probability, over a histogram of what was said.

    `happened` bool (N,), `probability` float (N,), 0..1, `groups` ids (N,). The bars are 95% intervals.

    Raises:
        EvaluationError: no rows, columns of unequal length, or a value that is no probability.
    """
    truth, said = metrics.ece.check(happened, probability)
    error = interval(metrics.ece, groups, truth, said, unit=unit)
    figure, axes = frame.square(title)
    frame.plain(axes)
    axes.plot((0, 1), (0, 1), color=frame.GREY, lw=1, ls=":", label="perfect")
    label = f"ECE {error.value:.3f} ({error.low:.3f} to {error.high:.3f})"
    x, y, reach = _points(truth, said, groups, bins)
    axes.errorbar(x, y, reach, fmt="o-", color=frame.LINE, lw=1.6, ms=5, capsize=3, elinewidth=1, label=label)
    counts, edges = np.histogram(said, bins, (0, 1))
    bars = _HISTOGRAM * counts / counts.max()
    axes.bar(
        edges[:-1], bars, 1 / bins, align="edge", color=frame.GREY, alpha=0.25, label="images in the bin"
    )
    axes.set(xlabel="Mean P(malignant) that was said", ylabel="Share that was malignant")
    axes.legend(loc="upper left", frameon=False, fontsize=9)
    frame.save(figure, path, frame.counted(truth, "malignant", error.n, unit))


def _points(truth: metrics.Bools, said: Array, groups: ArrayLike, bins: int) -> tuple[Array, Array, Array]:
    """Mean said (K,), share that was so (K,) and its reach below and above (2, K), for each bin with rows."""
    of_row = np.minimum((said * bins).astype(np.int64), bins - 1)
    member = (of_row[:, None] == np.unique(of_row)).astype(np.float64)
    size = member.sum(axis=0)
    share = truth @ member / size
    drawn = [ratio(w @ (member * truth[:, None]), w @ member) for w in resamples(groups, _RESAMPLES)]
    low, high = np.nanpercentile(np.concatenate(drawn), (2.5, 97.5), axis=0)
    return said @ member / size, share, np.maximum(np.stack([share - low, high - share]), 0)
