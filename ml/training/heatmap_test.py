"""Do the heatmaps of a network point at lesions that it has not seen?

Measured on held-out images, kept in the card by class and strength, told with each heatmap
(`ml/reliability.py`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from torch import nn

from ml.card import CamScale, HeatmapTest, Interval, Pointed, Preprocessing
from ml.data import Sample
from ml.data.pixels import lesion, read_pixels
from ml.engine import create
from ml.evaluation import intervals, metrics
from ml.evaluation.pointing import Pointing, pointing
from ml.evidence import EMPTY, grade
from ml.preprocess import to_input
from ml.reliability import BAR, FEWEST, Strength
from ml.training.serving import measure_cam_scale

FILE = "heatmaps.csv"

_SCALED_ON = 400
"""Training images, evenly spread over the list, that the scale of a fold's heatmaps is measured on."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One heatmap of one held-out image with a drawn lesion. `strength`: None where there is no evidence."""

    sample: Sample
    label: str
    strength: Strength | None
    pointing: Pointing


def look(
    network: nn.Module,
    name: str,
    spec: Preprocessing,
    classes: Sequence[str],
    train: Sequence[Sample],
    held: Sequence[Sample],
) -> list[Looked]:
    """Every heatmap, of each class, over the held-out images with a drawn lesion.

    "normal" is left out: there is no lesion that its evidence should lie on. Strengths are shares of what
    counts as strong on the training images, as in serving.
    """
    drawn = [sample for sample in held if sample.masks and sample.label != "normal"]
    if not drawn:
        return []
    engine = create(network, name, spec.size)
    sparse = train[:: max(1, len(train) // _SCALED_ON)]
    scale = CamScale(strong=measure_cam_scale(network, name, spec, sparse))
    found = []
    for sample in drawn:
        inside = lesion(sample)
        if not inside.any():
            continue
        maps = engine.run(to_input([read_pixels(sample)], spec)).maps[0] / scale.strong
        for label, values in zip(classes, maps, strict=True):
            peak = float(values.max())
            if label != "normal":
                strength = grade(peak) if peak >= EMPTY else None
                found.append(Looked(sample, label, strength, pointing(values, inside)))
    return found


def summarise(looked: Sequence[Looked], answers: Mapping[str, str]) -> HeatmapTest | None:
    """What the card keeps: hits by class and strength, and of the heatmaps that are shown first; intervals by
    resampling patients. `answers`: key of an image -> its most probable class. None where nothing was
    looked at.

    An answer of "normal" has no lesion to point at: such images are no part of `shown`.
    """
    if not looked:
        return None
    kinds = [(label, strength) for label in _labels(looked) for strength in get_args(Strength)]
    groups = {kind: [one for one in looked if (one.label, one.strength) == kind] for kind in kinds}
    first = [one for one in looked if answers[one.sample.key] == one.label]
    parts: dict[Literal["all", "right", "wrong"], list[Looked]] = {
        "all": first,
        "right": [one for one in first if one.sample.label == one.label],
        "wrong": [one for one in first if one.sample.label != one.label],
    }
    return HeatmapTest(
        data="+".join(sorted({one.sample.dataset for one in looked})),
        images=len(first),
        chance=_chance(first or looked),
        shown={name: _hits(rows) for name, rows in parts.items() if rows},
        bar=BAR,
        fewest=FEWEST,
        pointed=tuple(_pointed(*kind, rows) for kind, rows in groups.items() if rows),
    )


def write(looked: Sequence[Looked], path: Path) -> None:
    """CSV, a row a heatmap: image, its label and patient, the map's class and strength, what it points at."""
    beside = path.with_suffix(".partial")
    with beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["key", "label", "patient", "heatmap", "strength", "hit", "inside", "chance"])
        for one in looked:
            at = one.pointing
            shares = (round(at.inside, 5), round(at.chance, 5))
            sample = one.sample
            writer.writerow(
                [
                    sample.key,
                    sample.label,
                    sample.patient,
                    one.label,
                    one.strength or "none",
                    int(at.hit),
                    *shares,
                ]
            )
    beside.replace(path)


def _labels(looked: Sequence[Looked]) -> list[str]:
    return sorted({one.label for one in looked})


def _pointed(label: str, strength: Strength, rows: Sequence[Looked]) -> Pointed:
    return Pointed(label=label, strength=strength, maps=len(rows), hits=_hits(rows), chance=_chance(rows))


def _hits(rows: Sequence[Looked]) -> Interval:
    hits = np.array([one.strength is not None and one.pointing.hit for one in rows])
    patients = [one.sample.patient for one in rows]
    return intervals.interval(metrics.accuracy, patients, np.ones(len(rows), dtype=np.bool_), hits)


def _chance(rows: Sequence[Looked]) -> float:
    return float(np.mean([one.pointing.chance for one in rows]))
