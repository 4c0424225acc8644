"""One system under one protocol: its units, its answers, its card, its files."""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ml import checkpoint, networks
from ml.card import CARD_NAME, WEIGHTS_NAME, Calibration, CamScale, Metrics, ModelCard, OperatingPoint
from ml.data import Sample, splits
from ml.errors import EvaluationError
from ml.evaluation import calibration, metrics, overlap, plots
from ml.evaluation.statistic import Array
from ml.study import protocols, units
from ml.study.figures import POSITIVE, Answers, Figures, figures
from ml.study.protocols import Parts, Protocol
from ml.study.settings import Settings
from ml.training import serving
from ml.training.dataset import preprocessing
from ml.training.recipe import Recipe
from ml.training.recipes.paper import System
from ml.training.run import SENSITIVITY

log = logging.getLogger(__name__)

_EXPLAINED = 64
"""Training images that the scale of the heatmaps is measured on."""

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a report says of one system under one protocol. `out_of_fold`: the same of the folds, leak-free
    only. `leaked`: judged images with a patient or copy among those learned from; `judged`: their number."""

    system: System
    protocol: Protocol
    answers: Answers
    figures: Figures
    out_of_fold: Figures | None
    confusion: NDArray[np.int64]
    start: str
    seconds: float
    history: dict[str, list[float]]
    leaked: int
    judged: int
    counts: dict[str, int]
    manifests: dict[str, str]
    folder: str
    pictures: dict[str, str]


def as_published(settings: Settings, system: System, step: Step) -> Trial:
    """Random split by image, altered copies before it where the paper made them first; the most probable
    class, one half as threshold, no calibration."""
    recipe = settings.recipe(system)
    material, seed = settings.material, recipe.seed
    samples: Sequence[Sample] = material.published
    folder = settings.out / "as-published" / _slug(system.name)
    if system.enlarged:
        work = settings.work / "as-published" / _slug(system.name)
        samples = protocols.enlarge(samples, system.enlarged, recipe, work, seed)
    parts = protocols.as_published(settings.paper, samples, seed)
    step("its split")
    trained = protocols.still(system, recipe)
    unit, network = units.run(trained, settings.init, parts, folder / "split")
    none = calibration.fit(unit.logits, _labels(unit.held, recipe), "none")
    answers = _answers(unit.held, unit.logits, recipe, none, 0.5, "image")
    return _told(settings, system, "as-published", parts, unit, network, answers, None, trained, {})


def leak_free(settings: Settings, system: System, step: Step) -> Trial:
    """Folds by patient or group of near copies; calibration and operating point of the held-out folds; then
    one network of all but the test part, which it is judged on once."""
    recipe = settings.recipe(system)
    folds, last = protocols.leak_free(
        settings.paper, settings.material.agreed, settings.preset.folds, recipe.seed
    )
    folder = settings.out / "leak-free" / _slug(system.name)
    trained = protocols.still(system, recipe)
    found = {}
    for name, parts in folds.items():
        step(name)
        given = _enlarged(settings, system, recipe, parts, name)
        found[name], _ = units.run(trained, settings.init, given, folder / name)
        _forget(folder / name)
    step("the test")
    given = _enlarged(settings, system, recipe, last, "final")
    unit, network = units.run(trained, settings.init, given, folder / "final")
    held = tuple(sample for one in found.values() for sample in one.held)
    logits = np.concatenate([one.logits for one in found.values()])
    number = np.repeat(np.arange(len(found)), [len(one.held) for one in found.values()])
    fitted, probabilities = _calibrated(logits, _labels(held, recipe), number)
    threshold = metrics.operating_point(
        _labels(held, recipe) == recipe.classes.index(POSITIVE),
        probabilities[:, recipe.classes.index(POSITIVE)],
        SENSITIVITY,
    )
    outside = _answers(held, logits, recipe, fitted, threshold, "group", probabilities)
    answers = _answers(unit.held, unit.logits, recipe, fitted, threshold, "group")
    manifests = {name: one.manifest for name, one in found.items()}
    return _told(settings, system, "leak-free", given, unit, network, answers, outside, trained, manifests)


def _enlarged(settings: Settings, system: System, recipe: Recipe, parts: Parts, name: str) -> Parts:
    """Altered copies of the training part alone."""
    if not system.enlarged:
        return parts
    work = settings.work / "leak-free" / _slug(system.name) / name
    train = protocols.enlarge(parts.train, system.enlarged, recipe, work, recipe.seed)
    return Parts(tuple(train), parts.validation, parts.held)


def _calibrated(
    logits: NDArray[np.float32], labels: NDArray[np.int64], fold: NDArray[np.int64]
) -> tuple[Calibration, Array]:
    """A calibration of all held-out folds, for the test; and the probabilities of each fold by one that was
    fitted on the others."""
    method: Literal["bias_corrected_temperature"] = "bias_corrected_temperature"
    probabilities = np.empty(logits.shape)
    for number in np.unique(fold):
        rows = fold == number
        others = calibration.fit(logits[~rows], labels[~rows], method)
        probabilities[rows] = calibration.apply(logits[rows], others)
    return calibration.fit(logits, labels, method, f"{len(labels)} held-out images"), probabilities


def _answers(
    held: Sequence[Sample],
    logits: NDArray[np.float32],
    recipe: Recipe,
    fitted: Calibration,
    threshold: float,
    unit: str,
    probabilities: Array | None = None,
) -> Answers:
    patients = tuple(sample.patient for sample in held)
    return Answers(
        keys=tuple(sample.key for sample in held),
        patients=patients,
        labels=_labels(held, recipe),
        probabilities=calibration.apply(logits, fitted) if probabilities is None else probabilities,
        units=np.arange(len(held)) if unit == "image" else np.array(patients),
        unit=unit,
        threshold=threshold,
        calibration=fitted,
    )


def _labels(held: Sequence[Sample], recipe: Recipe) -> NDArray[np.int64]:
    return np.array([recipe.classes.index(sample.label) for sample in held], dtype=np.int64)


def _told(
    settings: Settings,
    system: System,
    protocol: Protocol,
    parts: Parts,
    unit: units.Unit,
    network: nn.Module | None,
    answers: Answers,
    outside: Answers | None,
    recipe: Recipe,
    manifests: dict[str, str],
) -> Trial:
    folder = settings.out / protocol / _slug(system.name)
    count = partial(
        figures, classes=recipe.classes, average=settings.paper.average, resamples=settings.preset.resamples
    )
    # Apart from each other, so that a difference doesn't pair resamples of two tests.
    found = count(answers, seed=protocols.PROTOCOLS.index(protocol))
    out_of_fold = None if outside is None else count(outside, seed=len(protocols.PROTOCOLS))
    pictures = {}
    if units.is_first():
        write_predictions(answers, recipe.classes, folder / "predictions.csv")
        if outside is not None:
            write_predictions(outside, recipe.classes, folder / "out-of-fold.csv")
        pictures = _draw(answers, recipe.classes, unit.history, folder)
        if not (folder / CARD_NAME).exists():
            card = _card(settings, system, protocol, recipe, unit, answers, found, len(parts.held))
            _publish(card, network, folder, parts)
    units.wait()
    return Trial(
        system=system,
        protocol=protocol,
        answers=answers,
        figures=found,
        out_of_fold=out_of_fold,
        confusion=metrics.confusion(
            answers.labels, answers.probabilities.argmax(axis=1), len(recipe.classes)
        ),
        start=unit.start,
        seconds=unit.seconds,
        history=unit.history,
        leaked=protocols.leaked(parts),
        judged=len(parts.held),
        counts=unit.counts,
        manifests={**manifests, ("split" if protocol == "as-published" else "final"): unit.manifest},
        folder=f"{protocol}/{_slug(system.name)}",
        pictures=pictures,
    )


def _card(
    settings: Settings,
    system: System,
    protocol: Protocol,
    recipe: Recipe,
    unit: units.Unit,
    answers: Answers,
    found: Figures,
    images: int,
) -> ModelCard:
    chosen = (
        f"sensitivity {SENSITIVITY} on held-out folds"
        if protocol == "leak-free"
        else "one half, as published"
    )
    return ModelCard(
        name=f"study-{settings.paper.name}-{_slug(system.name)}-{protocol}",
        version="1",
        network=recipe.network,
        classes=recipe.classes,
        modality="MG" if "cbis-ddsm" in settings.sources else "US",
        preprocessing=preprocessing(recipe),
        target_layer=networks.spec(recipe.network).target_layer,
        calibration=answers.calibration,
        operating_point=OperatingPoint(threshold=answers.threshold, chosen_for=chosen),
        cam_scale=CamScale(strong=1.0),
        checksum="",
        created=datetime.now(UTC).date().isoformat(),
        training={
            "command": settings.command,
            "recipe": recipe.model_dump(mode="json"),
            "started_from": unit.start,
            "data": settings.material.fingerprint,
            "manifest": unit.manifest,
            "preset": settings.preset.name,
        },
        metrics=(
            Metrics(
                data="+".join(settings.sources),
                split=protocol,
                level="image",
                command=settings.command,
                n_images=images,
                n_patients=len(set(answers.patients)),
                figures=found.values,
            ),
        ),
        limits=(
            "Trained for a study of a published protocol, not for the clinic.",
            "No out-of-scope test: train with `python -m ml train` what is to be served.",
        ),
        citations=(settings.paper.citation,),
    )


def _publish(card: ModelCard, network: nn.Module | None, folder: Path, parts: Parts) -> None:
    """The card, and of the leak-free network its weights: one whose test leaked is not handed on. The card
    comes last, so that a killed study does all of this again."""
    leaks = card.metrics[0].split == "as-published"
    unit = folder / ("split" if leaks else "final")
    if network is None:
        network = networks.build(card.network, len(card.classes))
        checkpoint.load_strictly(network, checkpoint.read_tensors(unit / "fit" / "network.safetensors"))
    draft = unit / "draft"
    written = checkpoint.save(network, card, draft)
    strong = serving.measure_cam_scale(network, card.network, card.preprocessing, parts.train[:_EXPLAINED])
    if not leaks:
        named = {"train": parts.train, "validation": parts.validation, overlap.UNSEEN_PART: parts.held}
        splits.write_manifest(named, folder / overlap.MANIFEST)
        (draft / WEIGHTS_NAME).replace(folder / WEIGHTS_NAME)
    written.model_copy(update={"cam_scale": CamScale(strong=strong)}).save(folder)
    shutil.rmtree(draft)
    _forget(unit)


def _forget(directory: Path) -> None:
    """The weights of a unit that is done: what it gave is kept."""
    if units.is_first():
        for path in (directory / "fit").rglob("*.safetensors"):
            path.unlink()


def write_predictions(answers: Answers, classes: Sequence[str], path: Path) -> None:
    """CSV, a row an image: key, label, patient or group, a probability for each class, whether it was
    called."""
    beside = path.with_suffix(".partial")
    column = list(classes).index(POSITIVE)
    with beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["key", "label", "patient", *(f"p_{name}" for name in classes), "called"])
        for key, label, patient, said in zip(
            answers.keys, answers.labels, answers.patients, answers.probabilities, strict=True
        ):
            called = int(said[column] >= answers.threshold)
            writer.writerow([key, classes[label], patient, *np.round(said, 6), called])
    beside.replace(path)


def _draw(
    answers: Answers, classes: Sequence[str], history: dict[str, list[float]], folder: Path
) -> dict[str, str]:
    """Figures as PNG: name -> file. One that the images are too few for is left out, and the log says why."""
    column = list(classes).index(POSITIVE)
    happened, score = answers.labels == column, np.clip(answers.probabilities[:, column], 0, 1)
    wanted: dict[str, Callable[[Path], None]] = {
        "roc": lambda path: plots.roc(
            happened, score, answers.units, path, threshold=answers.threshold, unit=answers.unit
        ),
        "reliability": lambda path: plots.reliability(
            happened, score, answers.units, path, unit=answers.unit
        ),
        "curves": lambda path: plots.curves(history, path),
    }
    drawn = {}
    for name, plot in wanted.items():
        try:
            plot(folder / f"{name}.png")
        except EvaluationError as error:
            log.warning("no %s plot of %s: %s", name, folder.name, error)
        else:
            drawn[name] = f"{name}.png"
    return drawn


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
