"""What all figures share: size, colours, grid and the line that says what was counted."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ml.evaluation.metrics import Bools

LINE, SECOND, GREY = "#1f5fa8", "#c2571a", "#6b6b6b"
"""Blue and orange that also differ in lightness, for readers who don't see the hue."""

_DOTS_PER_INCH = 160


def square(title: str) -> tuple[Figure, Axes]:
    """A figure with one square panel, both axes 0..1."""
    figure = Figure(figsize=(5.4, 5.7), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=12, loc="left", pad=10)
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    return figure, axes


def plain(axes: Axes) -> None:
    """Light grid behind the data, no box around it."""
    axes.grid(color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def counted(positive: Bools, word: str, n: int, unit: str) -> str:
    """What the figures were counted on, e.g. "1492 images (492 malignant), 852 patients; ..."."""
    rows = f"{len(positive)} images ({positive.sum()} {word}), {n} {unit}s"
    return f"{rows}; 95% intervals: {unit} bootstrap"


def save(figure: Figure, path: Path, note: str) -> None:
    """Write the PNG with `note` under it."""
    figure.supxlabel(note, x=0.99, ha="right", fontsize=8, color=GREY)
    figure.savefig(path, dpi=_DOTS_PER_INCH, format="png")
