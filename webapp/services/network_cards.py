"""A model card as its page shows it: figures in words and in their order, the confusion as rows."""

from __future__ import annotations

from dataclasses import dataclass

import ml
from webapp.services.networks import Known

_WORDS = {
    "auc": "AUC, malignant against the rest",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "Positive predictive value",
    "npv": "Negative predictive value",
    "accuracy": "Accuracy of the call",
    "f1": "F1 of the call",
    "class_accuracy": "Accuracy, all classes",
    "class_f1": "Macro F1, all classes",
    "ece": "Calibration error of P(malignant)",
    "brier": "Brier score of P(malignant)",
    "class_ece": "Calibration error, all classes",
    "class_brier": "Brier score, all classes (0 to 2)",
}
_UP_TO = {"class_brier": 2.0}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95% interval over `n` resampled units. `low_end` and `high_end`: of its scale."""

    words: str
    value: float
    low: float
    high: float
    n: int
    unit: str
    low_end: float = 0.0
    high_end: float = 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """One cell of the confusion: the share of the true class that was answered so, or None where unknown."""

    answer: str
    figure: Figure | None


@dataclass(frozen=True, slots=True)
class Judged:
    """One table of the card: on which data, by image or by patient, and what came of it."""

    data: str
    split: str
    level: str
    command: str
    n_images: int
    n_patients: int
    unit: str
    figures: tuple[Figure, ...]
    confusion: tuple[tuple[str, tuple[Share, ...]], ...]
    sensitivity: Figure | None
    specificity: Figure | None


def judged(card: ml.ModelCard) -> tuple[Judged, ...]:
    """The tables of the card, in its order."""
    return tuple(_judged(metrics, card.classes) for metrics in card.metrics)


def curves(known: Known) -> tuple[tuple[ml.held_out.Curves, ...], str | None]:
    """The curves over held-out images, where training left them beside the weights; or what is wrong."""
    try:
        return ml.held_out.curves(known.folder), None
    except ml.MlError as error:
        return (), str(error)


def _judged(metrics: ml.Metrics, classes: tuple[str, ...]) -> Judged:
    figures = {name: _figure(metrics, name) for name in (*_WORDS, *metrics.figures)}
    return Judged(
        data=metrics.data,
        split=metrics.split,
        level=metrics.level,
        command=metrics.command,
        n_images=metrics.n_images,
        n_patients=metrics.n_patients,
        unit=next((one.unit for one in figures.values() if one), "patient"),
        figures=tuple(one for name, one in figures.items() if one and "." not in name),
        confusion=tuple(_confusion(figures, classes)),
        sensitivity=figures["sensitivity"],
        specificity=figures["specificity"],
    )


def _figure(metrics: ml.Metrics, name: str) -> Figure | None:
    found = metrics.figures.get(name)
    if found is None:
        return None
    words = _WORDS.get(name, name.replace("_", " "))
    return Figure(
        words, found.value, found.low, found.high, found.n, found.unit, high_end=_UP_TO.get(name, 1.0)
    )


def _confusion(
    figures: dict[str, Figure | None], classes: tuple[str, ...]
) -> list[tuple[str, tuple[Share, ...]]]:
    """A row for each true class that the data hold."""
    rows = []
    for truth in classes:
        cells = tuple(Share(answer, figures.get(f"confusion.{truth}.{answer}")) for answer in classes)
        if any(cell.figure for cell in cells):
            rows.append((truth, cells))
    return rows
