"""Figures as JSON and as a table for a terminal."""

from __future__ import annotations

from typing import Any

from ml.evaluation.report import Part
from ml.evaluation.table import Table

_WORDS = {
    "auc": "AUC, malignant against the rest",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "ece": "ECE of P(malignant)",
    "brier": "Brier score of P(malignant)",
    "class_accuracy": "Accuracy, all classes",
    "class_f1": "Macro F1, all classes",
    "class_ece": "ECE, all classes",
    "class_brier": "Brier score, all classes",
}


def as_json(part: Part) -> dict[str, Any]:
    """The part as plain values: what `--json` prints for it."""
    return {
        "data": part.data,
        "part": part.part,
        "n_images": part.n_images,
        "n_patients": part.n_groups,
        "resampled": part.unit,
        "n_seen_in_training": part.n_seen,
        "n_out_of_scope": part.n_flagged,
        "overlap": part.overlap,
        "by": {
            level: {
                "figures": {name: figure.model_dump() for name, figure in given.figures.items()},
                "undefined": given.undefined,
                "confusion_matrix": {"classes": part.classes, "counts": part.confusion[level]},
            }
            for level, given in part.by.items()
        },
    }


def as_text(part: Part) -> str:
    """The part as tables for a terminal, at most 110 columns."""
    head = f"{part.data}, {part.part}: {part.n_images} images of {part.n_groups} {part.unit}s"
    flagged = f"{part.n_flagged} images were flagged as out of scope; they are counted below.\n"
    top = f"{head}\n{'=' * len(head)}\n{part.overlap}\n{flagged if part.n_flagged else ''}"
    return "\n".join([top, *_figures(part), "", *_confusion(part)])


def _figures(part: Part) -> list[str]:
    image, patient = part.by["image"], part.by["patient"]
    lines = [f"{'with 95% intervals':<34}{'by image':<28}by {part.unit}"]
    for name in dict.fromkeys([*image.figures, *patient.figures]):
        lines.append(f"{_words(name):<34}{_cell(image, name):<28}{_cell(patient, name)}")
    return lines + [
        f"- {why}" for why in dict.fromkeys([*image.undefined.values(), *patient.undefined.values()])
    ]


def _confusion(part: Part) -> list[str]:
    lines = [f"{'images: true, answered':<24}" + "".join(f"{name:>12}" for name in part.classes)]
    for name, counts in zip(part.classes, part.confusion["image"], strict=True):
        lines.append(f"{name:<24}" + "".join(f"{count:>12}" for count in counts))
    return lines


def _words(name: str) -> str:
    if name.startswith("confusion."):
        _, truth, answer = name.split(".")
        return f"{truth} answered {answer}"
    return _WORDS.get(name, name.capitalize())


def _cell(given: Table, name: str) -> str:
    figure = given.figures.get(name)
    return "undefined" if figure is None else f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
