"""One system under one protocol: its units, its answers, its card, its files."""

from __future__ import annotations

import csv
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from ml.study import drawn, protocols, units
from ml.study.drawn import Drawing
from ml.study.figures import POSITIVE, Answers, Figures, figures
from ml.study.protocols import Leaks, Parts, Protocol
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
    only. `leaks`: what the split let through; `judged`: images judged. `drawings`: unit -> its GAN; `real`:
    the figures of judged images that no GAN drew, where some were drawn."""

    system: System
    protocol: Protocol
    answers: Answers
    figures: Figures
    out_of_fold: Figures | None
    confusion: NDArray[np.int64]
    start: str
    seconds: float
    history: dict[str, list[float]]
    leaks: Leaks
    judged: int
    counts: dict[str, int]
    manifests: dict[str, str]
    folder: str
    pictures: dict[str, str]
    drawings: dict[str, Drawing]
    real: Figures | None

    @property
    def leaked(self) -> int:
        """Judged images that one way or another are among those that the network learned from."""
        return self.leaks.total


def as_published(settings: Settings, system: System, step: Step) -> Trial:
    """Random split by image, altered copies or drawn pictures before it where the paper made them first; the
    most probable class, one half as threshold, no calibration."""
    recipe = settings.recipe(system)
    material, seed = settings.material, recipe.seed
    folder = settings.out / "as-published" / _slug(system.name)
    step("its split")
    samples, drawing = _augmented(settings, system, material.published, "as-published", "split")
    parts = protocols.as_published(settings.paper, samples, seed)
    if drawing:
        parts = replace(parts, shown=material.published)
    trained = protocols.still(system, recipe)
    unit, network = units.run(trained, settings.init, parts, folder / "split")
    none = calibration.fit(unit.logits, _labels(unit.held, recipe), "none")
    answers = _answers(unit.held, unit.logits, recipe, none, 0.5, "image")
    drawings = {"split": drawing} if drawing else {}
    return _told(settings, system, "as-published", parts, unit, network, answers, None, trained, {}, drawings)


def leak_free(settings: Settings, system: System, step: Step) -> Trial:
    """Folds by patient or group of near copies; calibration and operating point of the held-out folds; then
    one network of all but the test part, which it is judged on once."""
    recipe = settings.recipe(system)
    folds, last = protocols.leak_free(
        settings.paper, settings.material.agreed, settings.preset.folds, recipe.seed
    )
    folder = settings.out / "leak-free" / _slug(system.name)
    trained = protocols.still(system, recipe)
    found, drawings = {}, dict[str, Drawing]()
    for name, parts in folds.items():
        step(name)
        given = _learning(settings, system, parts, name, drawings)
        found[name], _ = units.run(trained, settings.init, given, folder / name)
        _forget(folder / name)
    step("the test")
    given = _learning(settings, system, last, "final", drawings)
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
    return _told(
        settings, system, "leak-free", given, unit, network, answers, outside, trained, manifests, drawings
    )


def _learning(
    settings: Settings, system: System, parts: Parts, name: str, drawings: dict[str, Drawing]
) -> Parts:
    """Altered copies of the training part alone, or pictures of a GAN that learned it alone."""
    train, drawing = _augmented(settings, system, parts.train, "leak-free", name)
    if drawing is None:
        return replace(parts, train=train)
    drawings[name] = drawing
    return replace(parts, train=train, shown=parts.train)


def _augmented(
    settings: Settings, system: System, samples: tuple[Sample, ...], protocol: Protocol, name: str
) -> tuple[tuple[Sample, ...], Drawing | None]:
    """The samples and what the system adds to them before a training; what is told of a GAN."""
    work, recipe = settings.work / protocol, settings.recipe(system)
    if system.enlarged:
        copies = work / _slug(system.name) / name
        return tuple(protocols.enlarge(samples, system.enlarged, recipe, copies, recipe.seed)), None
    if not system.drawn:
        return samples, None
    judged = units.is_done(settings.out / protocol / _slug(system.name) / name)
    place = drawn.Place(settings.out / protocol / drawn.FOLDER / name, work / drawn.FOLDER / name, judged)
    return drawn.extend(samples, system.drawn, recipe.classes, place)


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
    drawings: dict[str, Drawing],
) -> Trial:
    folder = settings.out / protocol / _slug(system.name)
    count = partial(
        figures, classes=recipe.classes, average=settings.paper.average, resamples=settings.preset.resamples
    )
    # Apart from each other, so that a difference doesn't pair resamples of two tests.
    found = count(answers, seed=protocols.PROTOCOLS.index(protocol))
    out_of_fold = None if outside is None else count(outside, seed=len(protocols.PROTOCOLS))
    undrawn = np.array([not protocols.is_drawn(sample) for sample in unit.held])
    some = undrawn.any() and not undrawn.all()
    real = count(answers.only(undrawn), seed=protocols.PROTOCOLS.index(protocol)) if some else None
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
        leaks=protocols.leaks(parts),
        judged=len(parts.held),
        counts=unit.counts,
        manifests={**manifests, ("split" if protocol == "as-published" else "final"): unit.manifest},
        folder=f"{protocol}/{_slug(system.name)}",
        pictures=pictures,
        drawings=drawings,
        real=real,
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
