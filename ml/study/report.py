"""`report.html`: claim, as published, leak-free, and how far they lie apart. No image of a data set in it."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
import torchvision
from jinja2 import Environment, FileSystemLoader
from PIL import Image

from ml.card import Interval
from ml.study import presets
from ml.study.drawn import FOLDER, LEARNED, SHEET, Drawing
from ml.study.figures import CLAIMED, FURTHER, Figures, difference
from ml.study.settings import Settings
from ml.study.trial import Trial
from ml.training.fit import precision
from ml.training.recipes.paper import Claim

LIMIT = 1_900_000
"""Bytes of the report; pictures that would not fit are linked."""

_SIDE, _COLOURS = 0.5, 24
"""Of the figures' size, and colours that suffice for lines."""

WORDS = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "auc": "AUC, malignant",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ece": "Calibration error",
    "brier": "Brier score",
}

AVERAGES = {
    "malignant": "of malignant",
    "macro": "mean of the classes",
    "weighted": "mean of the classes by their number of images, so that recall is accuracy",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one system; texts, empty where there is none."""

    system: str
    figure: str
    claim: str
    where: str
    published: str
    honest: str
    out_of_fold: str
    apart: str
    from_claim: str


def render(settings: Settings, trials: Sequence[Trial]) -> str:
    """The report as HTML."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(autoescape=True, loader=loader, trim_blocks=True, lstrip_blocks=True)
    paper = settings.paper
    return environment.get_template("report.html.j2").render(
        settings=settings,
        paper=paper,
        changes=presets.changes(paper, settings.preset, settings.only),
        rows=list(rows(settings, trials)),
        not_run=sorted({c.system for c in paper.claims} - {one.system.name for one in trials}),
        average=AVERAGES[paper.average],
        trials=trials,
        pictures=_pictures(settings.out, trials),
        further=[(one, _further(one)) for one in trials],
        words=WORDS,
        drawings=_drawings(trials),
        files={"sheet": SHEET, "learned": LEARNED},
        real={(one.system.name, one.protocol): _cell(one.real, "accuracy") for one in trials if one.drawings},
        helped=[{key: _gap(value) for key, value in row.items()} for row in by_augmentation(trials)],
        software=f"torch {torch.__version__}, torchvision {torchvision.__version__}, {precision()}",
    )


def rows(settings: Settings, trials: Sequence[Trial]) -> Iterator[Row]:
    """The table: each system that was run or that the paper makes a claim of, in the order of both."""
    of = {(one.system.name, one.protocol): one for one in trials}
    claims = {(claim.system, claim.metric): claim for claim in settings.paper.claims}
    run = [one.system.name for one in trials]
    for system in dict.fromkeys([*run, *(claim.system for claim in settings.paper.claims)]):
        published, honest = of.get((system, "as-published")), of.get((system, "leak-free"))
        for name in CLAIMED:
            claim = next((c for key, c in claims.items() if key == (system, name)), None)
            if claim or published or honest:
                yield _row(system, name, claim, published, honest)


def _row(system: str, name: str, claim: Claim | None, published: Trial | None, honest: Trial | None) -> Row:
    one, other = (trial.figures if trial else None for trial in (published, honest))
    gap = difference(one, other, name) if one and other else None
    value = other.values.get(name) if other else None
    return Row(
        system=system,
        figure=WORDS[name],
        claim=f"{100 * claim.value:.2f}" if claim else "",
        where=claim.where if claim else "",
        published=_cell(one, name),
        honest=_cell(other, name),
        out_of_fold=_cell(honest.out_of_fold if honest else None, name),
        apart=_points(gap) if gap else "",
        from_claim=_points(_minus(claim.value, value)) if claim and value else "",
    )


def by_augmentation(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """What one augmentation is worth beside another to the same network, leak-free: accuracies apart, on the
    test part and out of fold. Both were judged on the same images, whose resamples are the same too."""
    honest = [one for one in trials if one.protocol == "leak-free"]
    return [
        {
            "system": later.system.name,
            "beside": earlier.system.name,
            "test": _apart(later.figures, earlier.figures),
            "out_of_fold": _apart(later.out_of_fold, earlier.out_of_fold),
        }
        for earlier, later in combinations(honest, 2)
        if earlier.system.network == later.system.network
    ]


def _apart(one: Figures | None, other: Figures | None) -> dict[str, Any] | None:
    found = difference(one, other, "accuracy") if one and other else None
    return found.model_dump() if found else None


def _gap(value: Any) -> str:
    if isinstance(value, dict):
        return _points(Interval(**value))
    return value or "undefined"


def _drawings(trials: Sequence[Trial]) -> dict[str, Drawing]:
    """Folder of a GAN -> what is told of it; systems share theirs."""
    return {
        f"{one.protocol}/{FOLDER}/{name}": drawing for one in trials for name, drawing in one.drawings.items()
    }


def _minus(claim: float, value: Interval) -> Interval:
    return value.model_copy(
        update={"value": claim - value.value, "low": claim - value.high, "high": claim - value.low}
    )


def _cell(figures: Figures | None, name: str) -> str:
    value = figures.values.get(name) if figures else None
    if value is None:
        return "" if figures is None else "undefined"
    return f"{100 * value.value:.1f} ({100 * value.low:.1f} to {100 * value.high:.1f})"


def _points(gap: Interval) -> str:
    return f"{100 * gap.value:+.1f} ({100 * gap.low:+.1f} to {100 * gap.high:+.1f})".replace("-", "−")


def _further(one: Trial) -> list[tuple[str, str]]:
    return [(WORDS[name], _cell(one.figures, name)) for name in FURTHER]


def _pictures(out: Path, trials: Sequence[Trial]) -> dict[tuple[str, str], str]:
    """(folder, name) -> data URI, as long as there is room."""
    found: dict[tuple[str, str], str] = {}
    room = LIMIT // 10 * 8
    for one in trials:
        for name, file in one.pictures.items():
            picture = _embedded(out / one.folder / file)
            if len(picture) <= room:
                room -= len(picture)
                found[one.folder, name] = picture
    return found


def _embedded(path: Path) -> str:
    with Image.open(path) as image:
        size = (round(image.width * _SIDE), round(image.height * _SIDE))
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(_COLOURS)
    stream = io.BytesIO()
    small.save(stream, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
