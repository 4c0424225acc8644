"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from ml.evaluation import metrics
from ml.evaluation.plots import frame

_DARK = 0.55
"""Share above which a cell is so dark that its text is white."""


def confusion(
    labels: ArrayLike,
    answers: ArrayLike,
    classes: Sequence[str],
    path: Path,
    *,
    title: str = "What it was and what was answered",
) -> None:
    """Counts, and the share of each true class. `labels`, `answers`: int (N,), class index."""
    counts = metrics.confusion(labels, answers, len(classes))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = frame.square(title)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(counts.shape):
        text = f"{counts[i, j]}\n{share[i, j]:.0%}" if counts[i].sum() else "none\nto judge"
        colour = "white" if share[i, j] > _DARK else "black"
        axes.text(j, i, text, ha="center", va="center", color=colour, fontsize=12)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes, rotation=90, va="center")
    axes.tick_params(length=0)
    edge = len(classes) - 0.5
    axes.set(xlim=(-0.5, edge), ylim=(edge, -0.5), xlabel="Answered: the most probable class", ylabel="True")
    right = int(counts.trace())
    note = f"{right} of {counts.sum()} right ({right / counts.sum():.1%}); shares are of the row"
    frame.save(figure, path, note)
