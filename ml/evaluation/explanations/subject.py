"""Who is judged, and on which images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ml import checkpoint
from ml.calibrate import probabilities
from ml.card import ModelCard
from ml.data import Sample, pixels
from ml.errors import DataError, ImageError
from ml.evaluation import overlap
from ml.preprocess import to_input

NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Subject:
    """A trained network, by the `name` that its rows carry, with the folder of its weights."""

    name: str
    network: nn.Module
    card: ModelCard
    directory: Path


@dataclass(frozen=True, slots=True)
class Look:
    """One image with a drawn lesion, as the network reads it, and what the network said of it.

    `image`: float32 (1, 3, S, S). `lesion`: bool (H, W), not empty. `label`: index of the class that is
    explained, the most probable one but "normal": nothing that speaks for that lies in a lesion. `other`:
    the most probable of all the others. `right`: whether the call at the operating point was right.
    """

    sample: Sample
    image: Tensor
    lesion: NDArray[np.bool_]
    label: int
    other: int
    right: bool


def load(name: str | None, directory: Path) -> Subject:
    """The network of a folder; its card's name where it is given none. Errors as `ml.checkpoint.load`."""
    network, card = checkpoint.load(directory)
    return Subject(name or card.name, network, card, directory)


def eligible(subject: Subject, samples: Sequence[Sample]) -> tuple[list[Sample], str]:
    """The samples to judge on, and what a reader of the figures must know of them.

    Images without a drawn lesion are left out, and those that the network learned from wherever there are
    others.

    Raises:
        DataError: none is left, or one is of a class that the network doesn't know.
    """
    drawn = [sample for sample in samples if sample.masks and sample.label != NORMAL]
    if not drawn:
        raise DataError("No image of the data has a drawn lesion.", "Name data with masks, e.g. bus-bra=DIR.")
    unknown = sorted({sample.label for sample in drawn} - set(subject.card.classes))
    if unknown:
        raise DataError(
            f"{subject.name} has no class {', '.join(unknown)}: it knows {', '.join(subject.card.classes)}.",
            "Test a network that was trained for these classes.",
        )
    found = overlap.find(samples, subject.card, subject.directory)
    seen = {sample.key for sample, learned in zip(samples, found.seen, strict=True) if learned}
    unseen = [sample for sample in drawn if sample.key not in seen]
    if not seen or not unseen:
        return drawn, found.said
    left = len(drawn) - len(unseen)
    return unseen, overlap.UNSEEN + (f" {left} that it learned from are left out." if left else "")


def looks(subject: Subject, samples: Sequence[Sample], count: int, seed: int) -> Iterator[Look]:
    """`count` of the samples, drawn at random, fewer where there are fewer. One seed draws the same for every
    network. A mask that marks nothing is passed over.

    Raises:
        DataError: an image or a mask can't be read, or they differ in size.
    """
    order = np.random.default_rng(seed).permutation(len(samples))
    given = 0
    for index in order:
        if given == count:
            return
        found = _look(subject, samples[int(index)])
        if found is not None:
            given += 1
            yield found


def _look(subject: Subject, sample: Sample) -> Look | None:
    try:
        grey, lesion = pixels.read_pixels(sample), pixels.lesion(sample)
    except (ImageError, OSError) as error:
        raise DataError(f"{sample.key} or a mask of it can't be read: {error}", "Fetch it again.") from error
    except ValueError as error:
        raise DataError(f"The masks of {sample.key} differ in size.", "Fetch them again.") from error
    if grey.shape != lesion.shape:
        raise DataError(f"A mask of {sample.key} has another size than the image.", "Fetch both again.")
    if not lesion.any():
        return None
    card = subject.card
    image = torch.from_numpy(to_input([grey], card.preprocessing))
    with torch.no_grad():
        said = probabilities(subject.network(image).numpy(), card.calibration)[0]
    ranked = sorted(range(len(said)), key=lambda k: -said[k])
    label = next(k for k in ranked if card.classes[k] != NORMAL)
    other = next(k for k in ranked if k != label)
    point = card.operating_point
    called = said[card.classes.index(point.label)] >= point.threshold
    return Look(sample, image, lesion, label, other, bool(called == (sample.label == point.label)))
