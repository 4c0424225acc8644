"""Whole runs: one split, or cross-validation and then the network that ships. What comes out is a folder
with weights, card, split manifest, predictions of held-out images and plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torchvision
from torch import nn

from ml import checkpoint, networks
from ml.card import Calibration, CamScale, ModelCard, OperatingPoint
from ml.data import Sample, fingerprint, splits
from ml.errors import DataError
from ml.evaluation import calibration
from ml.training import heatmap_test, judge, serving, statement
from ml.training.dataset import preprocessing
from ml.training.fit import fit, history, logits, precision
from ml.training.recipe import Recipe

SENSITIVITY = 0.93
"""Where the operating point is put: what BUS-BRA's sonographers reach by calling BI-RADS 4 and 5 (0.932)."""

METHOD: Literal["bias_corrected_temperature"] = "bias_corrected_temperature"


@dataclass(frozen=True, slots=True)
class Job:
    """What one `python -m ml train` was asked for. `command` goes into the card, without folders."""

    recipe: Recipe
    init: str
    samples: tuple[Sample, ...]
    out: Path
    version: str
    command: str


@dataclass(frozen=True, slots=True)
class Judged:
    """Held-out images with their calibrated probabilities, float64 (N, C), and what was chosen on them."""

    held: judge.Held
    probabilities: judge.Probabilities
    calibration: Calibration
    threshold: float
    split: str

    def answers(self, classes: Sequence[str]) -> dict[str, str]:
        """Key of an image -> its most probable class."""
        best = self.probabilities.argmax(axis=1)
        return {s.key: classes[int(i)] for s, i in zip(self.held.samples, best, strict=True)}


def train_fold(job: Job, folds: int, fold: int) -> judge.Held:
    """Train on all folds but one and give the logits of that one. Done before: read back."""
    assigned = splits.assign_folds(job.samples, folds)
    train = [sample for sample, its in zip(job.samples, assigned, strict=True) if its != fold]
    held = [sample for sample, its in zip(job.samples, assigned, strict=True) if its == fold]
    if not held:
        raise DataError(f"There is no fold {fold}.", f"Choose one of 1 to {folds}.")
    splits.assert_no_leak({"train": train, "held out": held})
    network, _ = fit(job.recipe, job.init, train, [], job.out / f"fold-{fold}")
    return _held(network, job.recipe, train, held, fold)


def cross_validate(job: Job, folds: int, held_out: Sequence[int] = ()) -> ModelCard:
    """Judge the recipe on `folds` folds, or only on those named in `held_out`, then train one network on
    everything.

    Calibration and operating point come from the logits of held-out folds; the figures use, for each
    fold, a calibration fitted on the other folds. In its fit images count by `Held.weights`: the larger data
    set has no normals, and would set the bias of the classes for all.
    """
    chosen = sorted(set(held_out)) or list(range(1, folds + 1))
    if len(chosen) < 2:
        raise DataError(
            "One fold alone can't be judged.", "Name two: one calibrates what is said of the other."
        )
    parts = [train_fold(job, folds, fold) for fold in chosen]
    named = {f"fold-{fold}": part.samples for fold, part in zip(chosen, parts, strict=True)}
    splits.write_manifest(named, job.out / "split.csv")
    held = judge.joined(parts)
    labels = held.labels(job.recipe.classes)
    probabilities = np.empty(held.logits.shape)
    for fold in chosen:
        rows = held.folds == fold
        others = calibration.fit(held.logits[~rows], labels[~rows], METHOD, weights=held.weights[~rows])
        probabilities[rows] = calibration.apply(held.logits[rows], others)
    fitted_on = f"{len(labels)} held-out images, data sets with all classes count {judge.COMPLETE:.0f} to 1"
    fitted = calibration.fit(held.logits, labels, METHOD, fitted_on, held.weights)
    judged = Judged(
        held=held,
        probabilities=probabilities,
        calibration=fitted,
        threshold=judge.threshold(held, probabilities, job.recipe.classes, SENSITIVITY),
        split=_described(folds, chosen),
    )
    network, start = fit(job.recipe, job.init, job.samples, [], job.out / "final")
    return _publish(job, network, start, judged, job.out / "final")


def _described(folds: int, chosen: Sequence[int]) -> str:
    which = "" if len(chosen) == folds else f", folds {', '.join(map(str, chosen))} held out in turn"
    return f"{folds}-fold cross-validation{which}; official folds where given, by patient or near copies"


def single(job: Job) -> ModelCard:
    """One split: a fifth of the patients for the test, a tenth of the rest to stop early and calibrate."""
    classes = job.recipe.classes
    rest, test = splits.hold_out(job.samples, 0.2, job.recipe.seed)
    train, validation = splits.hold_out(rest, 0.1, job.recipe.seed)
    parts = {"train": train, "validation": validation, "test": test}
    splits.assert_no_leak(parts)
    job.out.mkdir(parents=True, exist_ok=True)
    splits.write_manifest(parts, job.out / "split.csv")
    network, start = fit(job.recipe, job.init, train, validation, job.out / "fit")
    seen, held = (_held(network, job.recipe, train, part) for part in (validation, test))
    fitted = calibration.fit(
        seen.logits, seen.labels(classes), "temperature", f"{len(validation)} validation images"
    )
    judged = Judged(
        held=held,
        probabilities=calibration.apply(held.logits, fitted),
        calibration=fitted,
        threshold=judge.threshold(seen, calibration.apply(seen.logits, fitted), classes, SENSITIVITY),
        split="one split by patient and by group of near copies: a fifth held out, opened once",
    )
    return _publish(job, network, start, judged, job.out / "fit")


def _held(
    network: nn.Module, recipe: Recipe, train: Sequence[Sample], samples: Sequence[Sample], fold: int = 0
) -> judge.Held:
    spec = preprocessing(recipe)
    looked = heatmap_test.look(network, recipe.network, spec, recipe.classes, train, samples)
    folds = np.full(len(samples), fold)
    return judge.Held(tuple(samples), logits(network, samples, spec), folds, tuple(looked))


def _publish(job: Job, network: nn.Module, start: str, judged: Judged, log: Path) -> ModelCard:
    recipe, classes = job.recipe, job.recipe.classes
    card = ModelCard(
        name="secondread-us",
        version=job.version,
        network=recipe.network,
        classes=classes,
        modality="US",
        preprocessing=preprocessing(recipe),
        target_layer=networks.spec(recipe.network).target_layer,
        calibration=judged.calibration,
        operating_point=OperatingPoint(
            threshold=judged.threshold, chosen_for=f"sensitivity {SENSITIVITY} on held-out images"
        ),
        cam_scale=CamScale(strong=1.0),
        heatmaps=heatmap_test.summarise(judged.held.looked, judged.answers(classes)),
        checksum="",
        created=datetime.now(UTC).date().isoformat(),
        training=_provenance(job, start),
        metrics=judge.tables(
            judged.held, judged.probabilities, classes, judged.threshold, judged.split, job.command
        ),
        limits=statement.LIMITS,
        citations=statement.CITATIONS,
    )
    judge.write_predictions(judged.held, judged.probabilities, classes, job.out / "predictions.csv")
    heatmap_test.write(judged.held.looked, job.out / heatmap_test.FILE)
    judge.draw(judged.held, judged.probabilities, classes, judged.threshold, history(log), job.out)
    checkpoint.save(network, card, job.out)
    return serving.complete(job.out, job.samples)


def _provenance(job: Job, start: str) -> dict[str, Any]:
    datasets = sorted({sample.dataset for sample in job.samples})
    return {
        "command": job.command,
        "recipe": job.recipe.model_dump(mode="json"),
        "started_from": start,
        "data": {
            name: {
                "images": sum(sample.dataset == name for sample in job.samples),
                "patients_or_groups": len({s.patient for s in job.samples if s.dataset == name}),
                "fingerprint": fingerprint(s for s in job.samples if s.dataset == name),
            }
            for name in datasets
        },
        **({"normal": statement.NORMAL} if "normal" in job.recipe.classes else {}),
        "software": {
            "torch": torch.__version__,
            "torchvision": torchvision.__version__,
            "precision": precision(),
        },
    }


def summary(card: ModelCard) -> str:
    """The card's figures as a plain table for the terminal."""
    lines = [
        f"{card.name} {card.version}: {card.network}, {card.preprocessing.size} px, {card.checksum[:12]}"
    ]
    for given in card.metrics:
        lines.append(
            f"\n{given.data}, by {given.level} ({given.n_images} images, {given.n_patients} patients/groups)"
        )
        lines += [
            f"  {name:<32}{figure.value:7.3f}  ({figure.low:.3f} to {figure.high:.3f})"
            for name, figure in given.figures.items()
        ]
    return "\n".join(lines)
