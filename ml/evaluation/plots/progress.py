"""Training curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ml.evaluation.plots import frame

_PARTS = (("train", "training", frame.SECOND, "--"), ("val", "validation", frame.LINE, "-"))


def curves(history: Mapping[str, Sequence[float]], path: Path, *, title: str = "Training") -> None:
    """A panel for each figure that was followed, with a line for training and one for validation.

    `history`: a value an epoch, named PART_FIGURE with PART train or val, e.g. {"train_loss": [...],
    "val_loss": [...], "val_auc": [...]}; NaN where a figure was not taken. Other names are not drawn.
    """
    names = [name.partition("_")[2] for name in history if name.startswith(("train_", "val_"))]
    panels = list(dict.fromkeys(names))
    figure = Figure(figsize=(4.6 * len(panels), 3.9), layout="constrained")
    figure.suptitle(title, fontsize=12, x=0.01, ha="left")
    for axes, name in zip(np.ravel(figure.subplots(1, len(panels))), panels, strict=True):
        frame.plain(axes)
        for part, word, colour, style in _PARTS:
            values = np.asarray(history.get(f"{part}_{name}", ()), dtype=np.float64)
            taken = np.flatnonzero(~np.isnan(values))
            if len(taken):
                axes.plot(taken + 1, values[taken], style, color=colour, lw=1.8, marker=".", label=word)
        axes.set(xlabel="Epoch", ylabel=name.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=9)
    epochs = max(len(values) for values in history.values())
    frame.save(figure, path, f"{epochs} epochs")
